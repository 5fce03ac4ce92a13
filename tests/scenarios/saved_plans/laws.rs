//! What holds for every file and every world: to plan, save, load and apply is to plan and apply.

use proptest::{
    prelude::*,
    strategy::ValueTree as _,
    test_runner::{Config, RngSeed},
};

use std::{collections::BTreeSet, sync::Arc};

use eksact_core::{
    guard::Guard,
    kinds::{Request, request::Settings},
    saved::SavedPlan,
};
use eksact_simulation::{
    inhabitants::settle,
    normal_form::{differences, form_with_access, normal_form},
    request,
    service_accounts::{edits, files, inhabited, lines},
    story::{Command, Land, Story, story_of},
    world::BEGINNING,
};
use eksact_simulator::{Sandbox, TokioClock};
use jiff::Timestamp;

use super::{apply_saved, saved};
use crate::scenarios::stage::{
    again, attempt, cluster, file, plan, pruning, request as request_of, sandbox, try_plan,
};

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
                let mut request = request_of(&file(&lines));
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
            let (by_file, at_once) = (sandbox(world.clone()), sandbox(world));
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

/// The same for every command, over worlds with mappings, access entries, authentication modes, associations and shared roles, and
/// hands on all of it: the stories of the simulation, one run after the other.
#[test]
fn saved_plan_of_any_command_leads_where_its_plan_leads() {
    let mut seen = BTreeSet::new();
    for seed in 0..STORIES {
        run(held(seed, &story_of(seed).current(), &mut seen));
    }
    let kinds = [
        "access-entry",
        "iam-role",
        "identity-mapping",
        "namespace",
        "oidc-provider",
        "pod-identity-association",
        "pod-identity-role",
        "rbac-binding",
        "rbac-role",
        "service-account",
        "shared-role",
    ];
    let missing: Vec<&str> = kinds.into_iter().filter(|kind| !seen.contains(*kind)).collect();
    assert!(missing.is_empty(), "no story has {missing:?}, but {seen:?}");
}

const STORIES: u64 = 150;

async fn held(seed: u64, story: &Story, kinds: &mut BTreeSet<String>) {
    // What was written is seen at once: whether something moved must not depend on when one looks.
    let land = Land {
        iam_lag_milliseconds: 0,
        eks_lag_milliseconds: 0,
        list_lag_milliseconds: 0,
        ..story.land.clone()
    };
    // One time for all: a world that goes on in another sandbox must not go back in time.
    let time = TokioClock::starting_at(Timestamp::from_second(BEGINNING).unwrap());
    let sandbox = |world| Sandbox::in_memory(world, Arc::new(time));
    let mut bed = sandbox(settle(&land).await);
    let settings = Settings {
        override_existing_service_accounts: true,
        allow: Guard::ALL.into(),
        ..Settings::default()
    };
    attempt(&bed, &Request::ensure(story.before.config(), settings)).await;
    bed.edit(|world| {
        for hand in &story.hands {
            hand.apply(world);
        }
    })
    .unwrap();
    for (number, one) in story.runs.iter().enumerate() {
        let world = bed.world().unwrap();
        let (by_file, at_once) = (sandbox(world.clone()), sandbox(world));
        let Ok(request) = request::request(one, "", &by_file).await else {
            continue;
        };
        let plan = try_plan(&by_file, &request).await.unwrap();
        if !plan.has_changes() || !plan.may_be_applied() {
            continue;
        }
        let context = format!("story {seed}, run {number}: {:?}", one.command);
        let is_migration = matches!(
            one.command,
            Command::ToAccessEntries(..) | Command::ToPodIdentity(_)
        );
        let saved = match SavedPlan::new(&plan, &request) {
            Ok(saved) => saved,
            // Made of what it has read: no command line offers to save it.
            Err(_) if is_migration => continue,
            Err(error) => panic!("{context}: {error}"),
        };
        assert_eq!(saved.plan, plan, "{context}: it comes back whole");
        let by_file_ended = apply_saved(&by_file, &saved, "run").await;
        let at_once_ended = attempt(&at_once, &again(&request, 1)).await.unwrap();
        assert_eq!(
            by_file_ended.is_applied(),
            at_once_ended.succeeded(),
            "{context}: {by_file_ended:#?} {at_once_ended:#?}"
        );
        let (expected, found) = (
            form_with_access(&at_once.world().unwrap()),
            form_with_access(&by_file.world().unwrap()),
        );
        let differences = differences(&expected, &found);
        assert!(differences.is_empty(), "{context}:\n{}", differences.join("\n"));
        let changed = plan.changes.iter().map(|change| change.address.kind().to_owned());
        kinds.extend(changed);
        bed = at_once;
    }
}
