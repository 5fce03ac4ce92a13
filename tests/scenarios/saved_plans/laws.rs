//! What holds for every file and every world: to plan, save, load and apply is to plan and apply.

use proptest::{
    prelude::*,
    test_runner::{Config, RngSeed},
};

use super::{apply_saved, saved};
use eksact_simulation::{
    normal_form::{differences, normal_form},
    service_accounts::{edits, files, inhabited, lines},
};

use crate::scenarios::stage::{again, attempt, cluster, file, plan, pruning, request};

fn run<T>(scenario: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap()
        .block_on(scenario)
}

proptest! {
    #![proptest_config(Config {
        cases: 60,
        rng_seed: RngSeed::Fixed(20_261_129),
        failure_persistence: None,
        max_shrink_iters: 300,
        ..Config::default()
    })]

    #[test]
    fn saved_plan_leads_where_its_plan_leads(
        before in files(), hands in edits(), after in files(), force in any::<bool>(), prune in any::<bool>(),
    ) {
        run(async {
            let wanted = |file_of| {
                let lines: Vec<String> = lines(file_of);
                let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
                let mut request = request(&file(&lines));
                request.settings.override_existing_service_accounts = force;
                if prune { pruning(request) } else { request }
            };
            let bed = inhabited().await;
            let mut first = wanted(&before);
            first.settings.override_existing_service_accounts = true;
            attempt(&bed, &first).await.unwrap();
            bed.edit(|world| for edit in &hands { edit.apply(world); }).unwrap();
            let wanted = wanted(&after);
            let world = bed.world().unwrap();
            let (by_file, at_once) = (
                crate::scenarios::stage::sandbox(world.clone()),
                crate::scenarios::stage::sandbox(world),
            );
            let plan = plan(&by_file, &wanted).await;
            prop_assume!(plan.has_changes() && plan.may_be_applied());
            let saved = saved(&by_file, &wanted).await;
            assert_eq!(saved.plan, plan, "it comes back whole");
            let by_file_ended = apply_saved(&by_file, &saved, "run").await;
            let at_once_ended = attempt(&at_once, &again(&wanted, 1)).await.unwrap();
            assert_eq!(by_file_ended.is_applied(), at_once_ended.succeeded(), "{by_file_ended:#?} {at_once_ended:#?}");
            by_file.edit(|world| cluster(world).leases.clear()).unwrap();
            let (one, other) = (normal_form(&by_file.world().unwrap()), normal_form(&at_once.world().unwrap()));
            assert_eq!(one, other, "{:#?}", differences(&other, &one));
            Ok::<(), TestCaseError>(())
        })?;
    }
}
