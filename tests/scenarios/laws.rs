//! What holds for every file and every world: a plan after an apply is empty, nothing of others changes, an interrupted
//! run can be finished, runs side by side meet, prune removes exactly what is ours and absent, and the order of the file
//! does not matter. The cases are random, and the same on every run.

use eksact_core::{
    engine::{Address, Plan, Severity},
    kinds::Request,
    ports::CallErrorKind,
};
use eksact_identity::service_account::ServiceAccountKey;
use eksact_simulator::{Fault, Matching, Rule, Sandbox};
use proptest::{
    prelude::*,
    test_runner::{Config, RngSeed},
};

use eksact_simulation::{
    normal_form::{differences, normal_form},
    service_accounts::{Edit, File, edits, files, foreign, inhabited, key, lines, stacks_for, with_roles},
};

use crate::scenarios::stage::{again, attempt, carry_out, file, plan, pruning, request, summary, try_plan};

pub(crate) fn config(cases: u32) -> Config {
    Config {
        cases,
        rng_seed: RngSeed::Fixed(20_260_731),
        failure_persistence: None,
        max_shrink_iters: 300,
        ..Config::default()
    }
}

/// Runs a scenario with the time stopped.
pub(crate) fn run<T>(scenario: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap()
        .block_on(scenario)
}

pub(crate) fn wanted(file_of: &File) -> Request {
    let lines = lines(file_of);
    let accounts: Vec<&str> = lines.iter().map(String::as_str).collect();
    request(&file(&accounts))
}

pub(crate) fn overriding(mut request: Request, overriding: bool) -> Request {
    request.settings.override_existing_service_accounts = overriding;
    request
}

/// A world that a file made and hands edited.
pub(crate) async fn world_of(before: &File, hands: &[Edit]) -> Sandbox {
    let bed = inhabited().await;
    let report = attempt(&bed, &overriding(wanted(before), true)).await.unwrap();
    assert!(report.succeeded(), "{report:#?}");
    bed.edit(|world| {
        for edit in hands {
            edit.apply(world);
        }
    })
    .unwrap();
    bed.another_process()
}

/// Applies all that can be applied and gives the plan that was.
pub(super) async fn applied(bed: &Sandbox, request: &Request) -> Plan {
    let plan = plan(bed, request).await;
    assert!(plan.may_be_applied(), "{}", summary(&plan));
    let report = carry_out(bed, &plan, request).await;
    assert!(report.succeeded(), "{report:#?}\n{}", summary(&plan));
    plan
}

async fn assert_done(bed: &Sandbox, request: &Request) {
    let rest = plan(bed, request).await;
    assert!(!rest.has_changes(), "{}", summary(&rest));
}

proptest! {
    #![proptest_config(config(60))]

    #[test]
    fn apply_leaves_nothing_to_do_and_nothing_of_others_changed(
        before in files(), hands in edits(), after in files(), force in any::<bool>(), prune in any::<bool>(),
    ) {
        run(async {
            let bed = world_of(&before, &hands).await;
            let others = foreign(&bed.world().unwrap());
            let mut request = overriding(wanted(&after), force);
            if prune {
                request = pruning(request);
            }
            let first = plan(&bed, &request).await;
            assert_eq!(plan(&bed, &request).await.digest(), first.digest(), "the same world, the same plan");
            let carried = applied(&bed, &again(&request, 1)).await;
            assert_done(&bed, &again(&request, 2)).await;
            let world = bed.world().unwrap();
            assert_eq!(foreign(&world), others);

            // Whoever is refused keeps what there was; all others have a stack exactly where the file wants one.
            let refused: Vec<&str> = carried
                .findings_of(Severity::Error)
                .filter_map(|finding| finding.address.as_ref())
                .map(Address::name)
                .collect();
            let is_refused = |key: &ServiceAccountKey| refused.contains(&key.to_string().as_str());
            let stacks = stacks_for(&world);
            let roles = with_roles(&after);
            for key in &roles {
                assert!(stacks.contains(key) || is_refused(key), "{key:?} has no stack");
            }
            if prune {
                // The role of an account that cannot be pointed at the file's stays in use.
                for key in &stacks {
                    assert!(roles.contains(key) || is_refused(key), "{key:?} has a stack that nobody wants");
                }
            } else {
                for key in with_roles(&before) {
                    let gone = hands.iter().any(|edit| matches!(edit, Edit::StackGone(_)));
                    assert!(stacks.contains(&key) || gone, "{key:?} lost its stack, and nobody asked for it");
                }
            }
        });
    }
}

proptest! {
    #![proptest_config(config(60))]

    #[test]
    fn interrupted_run_can_be_finished(
        before in files(), hands in edits(), after in files(), prune in any::<bool>(),
        place in any::<prop::sample::Index>(), which in 0usize..4, seed in any::<u64>(),
    ) {
        let fault = [
            Fault::CrashBefore,
            Fault::CrashAfter,
            Fault::ErrorAfter,
            Fault::ErrorBefore(CallErrorKind::ServiceFailure),
        ][which];
        run(async {
            let mut request = overriding(wanted(&after), true);
            if prune {
                request = pruning(request);
            }
            let clean = world_of(&before, &hands).await;
            applied(&clean, &again(&request, 1)).await;
            let writes = clean.faults().writes().len();
            if writes == 0 {
                return;
            }
            let nth = u32::try_from(place.index(writes)).unwrap() + 1;

            let bed = world_of(&before, &hands).await;
            bed.faults().schedule(seed);
            bed.faults().add(Rule::once(Matching::Writes, nth, fault));
            attempt(&bed, &again(&request, 1)).await;
            let next = bed.another_process();
            applied(&next, &again(&request, 2)).await;
            assert_done(&next, &again(&request, 3)).await;
            let (expected, found) = (clean.world().unwrap(), next.world().unwrap());
            let differences = differences(&normal_form(&expected), &normal_form(&found));
            assert!(differences.is_empty(), "{fault:?} at write {nth} of {writes}:\n{}", differences.join("\n"));
        });
    }
}

proptest! {
    #![proptest_config(config(60))]

    #[test]
    fn runs_side_by_side_meet(
        before in files(), hands in edits(), one in files(), mut other in files(), apart in any::<bool>(),
        seeds in any::<(u64, u64)>(),
    ) {
        if apart {
            other.retain(|place, _| !one.contains_key(place));
        }
        run(async {
            let bed = world_of(&before, &hands).await;
            let others = foreign(&bed.world().unwrap());
            let (a, b) = (bed.another_process(), bed.another_process());
            a.faults().schedule(seeds.0);
            b.faults().schedule(seeds.1);
            let (for_a, for_b) = (overriding(wanted(&one), true), overriding(wanted(&other), true));
            let (done_a, done_b) = (again(&for_a, 1), again(&for_b, 2));
            let (report_a, report_b) = tokio::join!(attempt(&a, &done_a), attempt(&b, &done_b));
            if apart {
                for report in [report_a, report_b] {
                    let report = report.unwrap();
                    assert!(report.succeeded(), "they have nothing but provider and namespaces in common: {report:#?}");
                }
                assert_done(&bed, &for_a).await;
                assert_done(&bed, &for_b).await;
            }
            // Whatever they disagreed about, the last one to run again has its way, and the other's own accounts are whole.
            applied(&bed, &again(&for_a, 3)).await;
            applied(&bed, &again(&for_b, 4)).await;
            assert_done(&bed, &for_b).await;
            let mut rest = one.clone();
            rest.retain(|place, _| !other.contains_key(place));
            assert_done(&bed, &overriding(wanted(&rest), true)).await;
            assert_eq!(foreign(&bed.world().unwrap()), others);
        });
    }
}

proptest! {
    #![proptest_config(config(40))]

    #[test]
    fn file_order_does_not_matter(
        before in files(), hands in edits(),
        (after, order) in files().prop_flat_map(|file| {
            let places: Vec<_> = file.keys().copied().collect();
            (Just(file), Just(places).prop_shuffle())
        }),
    ) {
        run(async {
            let bed = world_of(&before, &hands).await;
            let in_order = overriding(wanted(&after), true);
            let mut shuffled = in_order.clone();
            shuffled
                .config
                .iam
                .service_accounts
                .sort_by_key(|account| {
                    order.iter().position(|place| key(*place) == ServiceAccountKey::new(&account.namespace, &account.name))
                });
            let (a, b) = (try_plan(&bed, &in_order).await.unwrap(), try_plan(&bed, &shuffled).await.unwrap());
            assert_eq!(a.digest(), b.digest(), "{}\n{}", summary(&a), summary(&b));
            assert_eq!(summary(&a), summary(&b));
        });
    }
}
