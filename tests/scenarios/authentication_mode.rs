//! The authentication mode: one step at a time, each awaited and none taken back, and nobody left outside who was inside.

use std::{collections::BTreeSet, time::Duration};

use eksact_core::{
    config::{ClusterConfig, Located},
    engine::{Plan, Report, Severity, StepFailure},
    guard::Guard,
    kinds::Request,
    ports::{
        CallErrorKind,
        aws::{AuthenticationMode, ClusterUpdate, ClusterUpdateError},
    },
};
use eksact_simulator::{Fault, Matching, Rule, Sandbox, UpdateRecord, UpdateWork};
use jiff::Timestamp;
use tokio::time::Instant;

use crate::scenarios::access::write;
use crate::scenarios::stage::{
    CLUSTER, REGION, apply, assert_settled, carry_out, cluster, fresh_world, human, plan, request, sandbox,
    summary,
};

const NODE: &str = "arn:aws:iam::111122223333:role/node";
const CALLER: &str = "arn:aws:iam::111122223333:user/sandbox";

/// A file with these lines under `accessConfig`.
fn wanting(access_config: &str) -> Request {
    request(&format!(
        "apiVersion: eksctl.io/v1alpha5\nkind: ClusterConfig\nmetadata: {{name: {CLUSTER}, region: {REGION}}}\n\
         accessConfig: {{{access_config}}}\n"
    ))
}

fn mode(wanted: &str, allow: &[Guard]) -> Request {
    let mut request = wanting(&format!("authenticationMode: {wanted}"));
    request.settings.allow = allow.iter().copied().collect();
    request
}

/// A cluster in this mode that lets its caller and its nodes in by `aws-auth` alone. Updates take two minutes.
fn bed(mode: &str) -> Sandbox {
    let mut world = fresh_world();
    world.update_seconds = 120;
    let of_world = cluster(&mut world);
    of_world.cluster.authentication_mode = Some(mode.to_owned());
    of_world.eks.access_entries.clear();
    of_world.eks.updates.creator = Some(CALLER.to_owned());
    of_world.eks.updates.node_roles = [(NODE.to_owned(), "EC2_LINUX".to_owned())].into();
    crate::scenarios::access_entries::make_role(&mut world, NODE);
    let bed = sandbox(world);
    write(
        &bed,
        "mapRoles",
        Some(&format!(
            "- rolearn: {NODE}\n  username: system:node:{{{{EC2PrivateDNSName}}}}\n  groups: [system:bootstrappers, system:nodes]\n"
        )),
    );
    write(
        &bed,
        "mapUsers",
        Some(&format!(
            "- userarn: {CALLER}\n  username: me\n  groups: [system:masters]\n"
        )),
    );
    bed
}

fn mode_of(bed: &Sandbox) -> String {
    let mut world = bed.world().unwrap();
    cluster(&mut world).cluster.authentication_mode.clone().unwrap()
}

fn refusals(plan: &Plan) -> Vec<&str> {
    let refusals = plan.findings_of(Severity::Refusal);
    refusals.map(|finding| finding.code.as_str()).collect()
}

fn failure(report: &Report) -> &str {
    &report.failed[0].1.message
}

#[tokio::test(start_paused = true)]
async fn mode_goes_to_api_in_two_updates_each_awaited() {
    let bed = bed("CONFIG_MAP");
    let wanted = mode(
        "API",
        &[
            Guard::OneWayMode,
            Guard::AwsAuthInUse,
            Guard::OwnAccessLost,
            Guard::LastAdminLost,
            Guard::NodeRoleLost,
        ],
    );
    let begun = Instant::now();
    apply(&bed, &wanted).await;
    assert!(begun.elapsed() >= Duration::from_mins(4), "{:?}", begun.elapsed());
    assert_eq!(
        bed.faults().count("UpdateClusterConfig"),
        2,
        "each is asked for once"
    );
    assert!(
        bed.faults().count("DescribeUpdate") < 100,
        "EKS is not asked in a tight loop"
    );
    assert_eq!(mode_of(&bed), "API");
    let mut world = bed.world().unwrap();
    let entries = &cluster(&mut world).eks.access_entries;
    assert!(entries.contains_key(NODE) && entries.contains_key(CALLER));
    assert_settled(&bed, &wanted, "in mode API").await;
}

#[tokio::test(start_paused = true)]
async fn mode_steps_are_shown_apart_and_each_is_refused() {
    let bed = bed("CONFIG_MAP");
    let refused = plan(&bed, &mode("API", &[])).await;
    insta::assert_snapshot!(human(&refused));
    let one_way = refusals(&refused)
        .into_iter()
        .filter(|code| *code == "one-way-mode");
    assert_eq!(one_way.count(), 2);
    // No other code passes it.
    let others: Vec<Guard> = Guard::ALL
        .into_iter()
        .filter(|guard| *guard != Guard::OneWayMode)
        .collect();
    let refused = plan(&bed, &mode("API_AND_CONFIG_MAP", &others)).await;
    assert_eq!(refusals(&refused), ["one-way-mode"]);
    assert_eq!(bed.faults().count("UpdateClusterConfig"), 0);
}

#[tokio::test(start_paused = true)]
async fn mode_goes_on_to_api_once_entries_stand_for_every_line() {
    let bed = bed("CONFIG_MAP");
    apply(&bed, &mode("API_AND_CONFIG_MAP", &[Guard::OneWayMode])).await;
    assert_settled(&bed, &mode("API_AND_CONFIG_MAP", &[]), "halfway").await;
    let wanted = mode("API", &[Guard::OneWayMode]);
    apply(&bed, &wanted).await;
    assert_eq!(mode_of(&bed), "API");
    assert_settled(&bed, &wanted, "in mode API").await;
}

#[tokio::test(start_paused = true)]
async fn mode_is_not_taken_back() {
    for (now, wanted) in [
        ("API", "API_AND_CONFIG_MAP"),
        ("API", "CONFIG_MAP"),
        ("API_AND_CONFIG_MAP", "CONFIG_MAP"),
    ] {
        let bed = bed(now);
        let found = plan(&bed, &mode(wanted, &[Guard::OneWayMode])).await;
        assert!(!found.has_changes(), "{}", summary(&found));
        let errors: Vec<_> = found.findings_of(Severity::Error).collect();
        assert_eq!(
            (errors.len(), errors[0].code.as_str()),
            (1, "authentication-mode")
        );
        assert_eq!(
            errors[0].message,
            format!(
                "cluster prod is in authentication mode {now}, and EKS lets no cluster go back to {wanted}"
            )
        );
        assert!(bed.faults().writes().is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn mode_that_is_there_costs_no_call() {
    for there in ["CONFIG_MAP", "API_AND_CONFIG_MAP", "API"] {
        let bed = bed(there);
        let found = plan(&bed, &mode(there, &[])).await;
        assert!(
            !found.has_changes() && found.findings.is_empty(),
            "{}",
            summary(&found)
        );
        assert_eq!(found.unchanged.len(), 1);
    }
    // A cluster from before there were modes tells none.
    let bed = bed("CONFIG_MAP");
    bed.edit(|world| cluster(world).cluster.authentication_mode = None)
        .unwrap();
    assert_settled(&bed, &mode("CONFIG_MAP", &[]), "no mode told").await;
    bed.edit(|world| cluster(world).cluster.authentication_mode = Some("QUANTUM".to_owned()))
        .unwrap();
    let found = plan(&bed, &mode("API", &[Guard::OneWayMode])).await;
    assert!(!found.has_changes());
    assert!(summary(&found).contains("`QUANTUM` is not an authentication mode"));
}

#[tokio::test(start_paused = true)]
async fn mode_update_that_fails_is_told_with_its_reasons() {
    let bed = bed("CONFIG_MAP");
    bed.edit(|world| {
        cluster(world).eks.updates.fails = Some(ClusterUpdateError {
            code: "OperationNotPermitted".to_owned(),
            message: "the platform version is too old".to_owned(),
            resource_ids: vec![CLUSTER.to_owned()],
        });
    })
    .unwrap();
    let mut wanted = mode("API", &Guard::ALL);
    let planned = plan(&bed, &wanted).await;
    let report = carry_out(&bed, &planned, &wanted).await;
    assert_eq!((report.failed.len(), report.not_tried.len()), (1, 1));
    let message = failure(&report);
    assert!(
        message.contains("ended as Failed: OperationNotPermitted: the platform version is too old (prod)"),
        "{message}"
    );
    assert_eq!(mode_of(&bed), "CONFIG_MAP");
    assert_eq!(
        bed.faults().count("UpdateClusterConfig"),
        1,
        "the second is not begun"
    );
    // It works the next time.
    wanted.settings.nonce = "again".to_owned();
    apply(&bed, &wanted).await;
    assert_eq!(mode_of(&bed), "API");
}

/// Somebody else's update of the cluster, which ends after so many seconds.
fn somebody_updates(bed: &Sandbox, seconds: i64) {
    let now = Timestamp::from_second(1_800_000_000).unwrap();
    bed.edit(|world| {
        let cluster = cluster(world);
        cluster.cluster.status = "UPDATING".to_owned();
        cluster.eks.updates.records.push(UpdateRecord {
            update: ClusterUpdate {
                id: "0f0e".to_owned(),
                update_type: "LoggingUpdate".to_owned(),
                status: "InProgress".to_owned(),
                ..ClusterUpdate::default()
            },
            work: UpdateWork::Other,
            settles_at: now + jiff::SignedDuration::from_secs(seconds),
        });
    })
    .unwrap();
}

#[tokio::test(start_paused = true)]
async fn mode_waits_for_the_update_of_somebody_else_or_names_it() {
    let bed = bed("CONFIG_MAP");
    somebody_updates(&bed, 600);
    let mut wanted = mode("API_AND_CONFIG_MAP", &[Guard::OneWayMode]);
    wanted.settings.timeout = Duration::from_mins(5);
    let planned = plan(&bed, &wanted).await;
    let report = carry_out(&bed, &planned, &wanted).await;
    let message = failure(&report);
    assert!(
        message.starts_with("update 0f0e (LoggingUpdate) is InProgress after 5 min"),
        "{message}"
    );
    assert_eq!(mode_of(&bed), "CONFIG_MAP");
    wanted.settings.timeout = Duration::from_mins(25);
    apply(&bed, &wanted).await;
    assert_eq!(mode_of(&bed), "API_AND_CONFIG_MAP");
}

#[tokio::test(start_paused = true)]
async fn mode_update_whose_answer_is_lost_is_not_sent_twice() {
    for (nth, fault) in [
        (1, Fault::ErrorAfter),
        (1, Fault::ErrorBefore(CallErrorKind::ServiceFailure)),
    ] {
        let bed = bed("CONFIG_MAP");
        let update = Matching::Action("UpdateClusterConfig".to_owned());
        bed.faults().add(Rule::once(update, nth, fault));
        let wanted = mode("API_AND_CONFIG_MAP", &[Guard::OneWayMode]);
        let planned = plan(&bed, &wanted).await;
        let report = carry_out(&bed, &planned, &wanted).await;
        assert_eq!(bed.faults().count("UpdateClusterConfig"), 1);
        let took_effect = fault == Fault::ErrorAfter;
        assert_eq!(report.succeeded(), took_effect, "{report:#?}");
        assert_eq!(mode_of(&bed) == "API_AND_CONFIG_MAP", took_effect);
    }
}

#[tokio::test(start_paused = true)]
async fn mode_run_that_dies_is_taken_up_by_the_next() {
    for number in 1..=2 {
        let bed = bed("CONFIG_MAP");
        let wanted = mode("API", &Guard::ALL);
        let update = Matching::Action("UpdateClusterConfig".to_owned());
        bed.faults().add(Rule::once(update, number, Fault::CrashAfter));
        let planned = plan(&bed, &wanted).await;
        carry_out(&bed, &planned, &wanted).await;
        let next = bed.another_process();
        // The update of the first run still goes on.
        apply(&next, &wanted).await;
        assert_eq!(mode_of(&next), "API");
        assert_settled(&next, &wanted, "after the second run").await;
    }
}

#[tokio::test(start_paused = true)]
async fn mode_names_what_the_file_says_of_the_creator_and_does_nothing_about_it() {
    let bed = bed("CONFIG_MAP");
    let wanted = wanting("bootstrapClusterCreatorAdminPermissions: false");
    for (live, note) in [
        (
            None,
            Some("EKS does not tell what it was when cluster prod was made"),
        ),
        (Some(true), Some("it was true when cluster prod was made")),
        (Some(false), None),
    ] {
        bed.edit(|world| cluster(world).cluster.bootstrap_creator_admin = live)
            .unwrap();
        let found = plan(&bed, &wanted).await;
        assert!(!found.has_changes());
        let notes: Vec<&str> = found
            .findings_of(Severity::Note)
            .map(|finding| finding.message.as_str())
            .collect();
        assert_eq!(notes.len(), usize::from(note.is_some()));
        assert!(note.is_none_or(|note| notes[0].ends_with(note)), "{notes:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn mode_api_is_refused_while_a_line_lets_somebody_in_whom_no_entry_does() {
    let bed = bed("CONFIG_MAP");
    apply(&bed, &mode("API_AND_CONFIG_MAP", &[Guard::OneWayMode])).await;
    write(&bed, "mapAccounts", Some("- '999988887777'\n"));
    let dev = "- rolearn: arn:aws:iam::111122223333:role/dev\n  username: dev\n  groups: [developers]\n";
    let roles = crate::scenarios::access::text(&bed, "mapRoles");
    write(&bed, "mapRoles", Some(&format!("{roles}{dev}")));
    let wanted = mode("API", &[Guard::OneWayMode]);
    let refused = plan(&bed, &wanted).await;
    assert_eq!(refusals(&refused), ["aws-auth-in-use"]);
    let finding = refused.findings_of(Severity::Refusal).next().unwrap();
    assert_eq!(
        finding.message,
        "in authentication mode API no one gets in through aws-auth, and 2 of its principals have no access entry that lets them in: \
         arn:aws:iam::111122223333:role/dev (dev, developers); every user and role of account 999988887777 (mapAccounts)"
    );
    apply(&bed, &mode("API", &[Guard::OneWayMode, Guard::AwsAuthInUse])).await;
    assert_eq!(mode_of(&bed), "API");
}

/// What was let pass is what was named: a line that comes between plan and step stops it.
#[tokio::test(start_paused = true)]
async fn mode_api_is_refused_where_a_line_came_since_the_plan() {
    let bed = bed("CONFIG_MAP");
    apply(&bed, &mode("API_AND_CONFIG_MAP", &[Guard::OneWayMode])).await;
    let wanted = mode("API", &[Guard::OneWayMode, Guard::AwsAuthInUse]);
    let planned = plan(&bed, &wanted).await;
    let dev = "- rolearn: arn:aws:iam::111122223333:role/dev\n  username: dev\n  groups: [developers]\n";
    write(&bed, "mapRoles", Some(dev));
    let report = carry_out(&bed, &planned, &wanted).await;
    let (_, error) = &report.failed[0];
    assert_eq!(error.cause, StepFailure::Guarded);
    assert!(error.message.contains("role/dev (dev, developers)"), "{error}");
    assert_eq!(mode_of(&bed), "API_AND_CONFIG_MAP");
}

#[tokio::test(start_paused = true)]
async fn mode_that_moved_since_the_plan_stops_the_step() {
    let bed = bed("CONFIG_MAP");
    let wanted = mode("API_AND_CONFIG_MAP", &[Guard::OneWayMode]);
    let planned = plan(&bed, &wanted).await;
    bed.edit(|world| cluster(world).cluster.authentication_mode = Some("API".to_owned()))
        .unwrap();
    let report = carry_out(&bed, &planned, &wanted).await;
    assert_eq!(report.failed[0].1.cause, StepFailure::Moved);
    assert_eq!(bed.faults().count("UpdateClusterConfig"), 0);
}

#[tokio::test(start_paused = true)]
async fn mode_api_without_a_look_at_aws_auth_is_refused() {
    let bed = bed("API_AND_CONFIG_MAP");
    bed.edit(|world| cluster(world).unreachable = true).unwrap();
    let refused = plan(&bed, &mode("API", &[Guard::OneWayMode])).await;
    assert_eq!(refusals(&refused), ["aws-auth-in-use"]);
    assert!(summary(&refused).contains("whom it lets in could not be read"));
    // Who passes the guard knows it.
    apply(&bed, &mode("API", &[Guard::OneWayMode, Guard::AwsAuthInUse])).await;
    assert_eq!(mode_of(&bed), "API");
}

/// A command about the mode plans nothing else.
#[tokio::test(start_paused = true)]
async fn mode_alone_is_a_request_of_its_own() {
    let bed = bed("CONFIG_MAP");
    let file =
        wanting("authenticationMode: API_AND_CONFIG_MAP, bootstrapClusterCreatorAdminPermissions: true");
    let config = ClusterConfig {
        authentication_mode: Some(Located::unlocated(AuthenticationMode::ApiAndConfigMap)),
        ..file.config.cluster_only()
    };
    let mut asked = Request::ensure(config, file.settings);
    asked.settings.allow = BTreeSet::from([Guard::OneWayMode]);
    let planned = apply(&bed, &asked).await;
    assert_eq!(planned.steps.len(), 1);
}
