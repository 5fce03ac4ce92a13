//! Why a run ends as it does, and what makes an approved plan stale.

use std::sync::Arc;

use super::*;
use eksact_core::{
    config::{self, cluster_access::AllowBroadening},
    guard::broadening::BroadeningRule,
    kinds::request::Settings,
    ports::{aws::ChangeSetRequest, kubernetes::Namespace},
    view::{ColourChoice, Level},
};
use eksact_simulator::{ManualClock, Sandbox, Seed, World};

#[test]
fn script_can_tell_why_nothing_was_done() {
    use eksact_core::engine::{StepError, StepFailure, StepId};
    let failed = |causes: &[StepFailure], done: &[StepId]| {
        let error = |cause: &StepFailure| (StepId("it".to_owned()), StepError::new("no").because(*cause));
        let errors = causes.iter().map(error);
        code_of(&Report {
            failed: errors.collect(),
            done: done.to_vec(),
            ..Report::default()
        })
    };
    let (other, moved, guarded) = (StepFailure::Failed, StepFailure::Moved, StepFailure::Guarded);
    assert_eq!(failed(&[], &[]), ExitCode::Success);
    assert_eq!(failed(&[other], &[]), ExitCode::Error);
    assert_eq!(failed(&[moved], &[]), ExitCode::Stale);
    assert_eq!(failed(&[guarded], &[]), ExitCode::Refused);
    assert_eq!(failed(&[guarded, moved], &[]), ExitCode::Stale);
    assert_eq!(failed(&[guarded, other], &[]), ExitCode::Error);
    assert_eq!(failed(&[moved], &[StepId("other".to_owned())]), ExitCode::Partial);
    let mut given_up = Report {
        unknown: vec![StepId("it".to_owned())],
        ..Report::default()
    };
    assert_eq!(code_of(&given_up), ExitCode::Partial);
    given_up.interrupted = true;
    assert_eq!(code_of(&given_up), ExitCode::Interrupted);
}

/// An account and a cluster with nothing in them, and their clock.
fn sandbox() -> (Connection, Arc<ManualClock>) {
    let seed = Seed {
        cluster: "quickstart".to_owned(),
        region: "eu-west-1".to_owned(),
        account: None,
    };
    let clock = Arc::new(ManualClock::default());
    let sandbox = Sandbox::in_memory(World::seeded(&seed), clock.clone());
    let connection = Connection {
        readers: sandbox.readers(),
        writers: sandbox.writers(),
        web_identity: Arc::new(sandbox),
    };
    (connection, clock)
}

const FILE: &str = include_str!("../../../../examples/quickstart.yaml");

fn request(file: &str) -> Request {
    let config = config::load("quickstart.yaml", file.as_bytes()).unwrap().config;
    Request::ensure(config, Settings::default())
}

fn quiet() -> Printer {
    Printer::new(Level::Quiet, ColourChoice::Never)
}

/// Exit code 6 needs somebody else to act while the question waits, which no whole command can arrange in time.
#[tokio::test]
async fn world_that_moves_before_the_approval_is_named() {
    let ((connection, _), printer) = (sandbox(), quiet());
    let request = request(FILE);
    let approved = plan_for(&request, &connection, &printer).await.unwrap();
    assert_eq!(
        still_true(&request, &connection, &approved, &printer).await,
        Ok(())
    );
    connection
        .writers
        .kubernetes
        .create(&Namespace::named("app"))
        .await
        .unwrap();
    let failure = still_true(&request, &connection, &approved, &printer)
        .await
        .unwrap_err();
    assert_eq!(failure.code, ExitCode::Stale);
    assert!(failure.message.contains("namespace/app"), "{}", failure.message);
}

/// The change set of another run is kept until it is an hour old, which it becomes while the question waits.
#[tokio::test]
async fn plan_that_only_grew_old_before_the_approval_is_still_true() {
    const STACK: &str = "eksctl-quickstart-addon-iamserviceaccount-app-report-reader";
    const READS: &str = "policy/AmazonS3ReadOnlyAccess";
    let ((connection, clock), printer) = (sandbox(), quiet());
    let before = request(FILE);
    let plan = plan_for(&before, &connection, &printer).await.unwrap();
    let never = async |_: &Listener| std::future::pending().await;
    let (report, _) = carry_out(&plan, &before, &connection, Told::No, &printer, never).await;
    assert!(report.succeeded(), "{report:?}");

    let stacks = connection.readers.aws.stacks().await.unwrap();
    let stack = stacks.into_iter().find(|stack| stack.name == STACK).unwrap();
    let template = connection.readers.aws.stack_template(STACK).await.unwrap();
    let left = ChangeSetRequest {
        stack: STACK.to_owned(),
        name: format!("eksact-update-{}", "0a".repeat(16)),
        template_body: template.replace(READS, "policy/AmazonS3FullAccess"),
        tags: stack.tags.into_iter().collect(),
        capabilities: stack.capabilities,
        service_role_arn: None,
        client_request_token: "another-run".to_owned(),
    };
    connection.writers.aws.create_change_set(&left).await.unwrap();
    clock.advance(59 * 60);

    let wanted = request(&FILE.replace(READS, "policy/AmazonS3OutpostsReadOnlyAccess"));
    let approved = plan_for(&wanted, &connection, &printer).await.unwrap();
    assert!(approved.has_changes());
    clock.advance(2 * 60);
    let later = plan_for(&wanted, &connection, &printer).await.unwrap();
    assert_ne!(
        later.digest(),
        approved.digest(),
        "a plan of now deletes the change set"
    );
    assert_eq!(
        still_true(&wanted, &connection, &approved, &printer).await,
        Ok(())
    );
}

/// The steps are those that were approved, and a guard refuses them since something beside them has changed.
#[tokio::test]
async fn plan_that_a_guard_refuses_by_now_is_not_carried_out() {
    let ((connection, _), printer) = (sandbox(), quiet());
    let mut request = request(FILE);
    let approved = plan_for(&request, &connection, &printer).await.unwrap();
    request.settings.allow_broadening = BroadeningRule::new(AllowBroadening::Never, "a test".to_owned());
    let now = plan_for(&request, &connection, &printer).await.unwrap();
    assert_eq!(now.digest(), approved.digest(), "the digest knows no guard");
    let failure = still_true(&request, &connection, &approved, &printer)
        .await
        .unwrap_err();
    assert_eq!(failure.code, ExitCode::Refused);
    assert!(
        failure.message.contains("a guard refuses it now"),
        "{}",
        failure.message
    );
}
