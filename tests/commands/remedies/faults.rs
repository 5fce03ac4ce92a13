//! What fails in the middle of a run, which no situation of a whole command can bring about: the run in this process, with
//! faults in the simulated services, and then the same again as the help says.

use std::{sync::Arc, time::Duration};

use eksact_core::{
    config,
    engine::{ExecutionOptions, Interrupt, Plan, execute},
    kinds::{self, Request, Runner, request::Settings},
    live::LiveReader,
    ports::CallErrorKind,
};
use eksact_simulator::{Fault, Matching, Rule, Sandbox, Seed, SystemClock, World};

use super::{
    case::Check,
    world::{ACCESS, DEV, HEAD, web},
};

/// What a run complains about: what it says, with the help.
pub(super) type Complaints = Vec<(String, Vec<String>)>;

/// What a file asks for.
pub(super) fn ensured(file: &str, nonce: &str) -> Request {
    let loaded = config::load("c.yaml", file.as_bytes()).unwrap();
    let mut request = Request::ensure(loaded.config, Settings::default());
    nonce.clone_into(&mut request.settings.nonce);
    request.settings.timeout = Duration::from_secs(1);
    request
}

/// The plan, or why there is none.
pub(super) async fn planned(sandbox: &Sandbox, request: &Request) -> Result<Plan, Complaints> {
    let reader = LiveReader::begin(sandbox.readers(), &request.config.metadata.name.value).await;
    let reader = reader.map_err(|error| {
        let help = error.help();
        vec![(error.to_string(), help.iter().map(ToString::to_string).collect())]
    })?;
    let live = kinds::read(request, &reader).await;
    Ok(kinds::plan(request, &live).unwrap())
}

/// What a plan complains about.
pub(super) fn complaints_of(plan: &Plan) -> Complaints {
    let each = plan.findings.iter().map(|found| {
        (
            found.message.clone(),
            found.help.iter().map(ToString::to_string).collect(),
        )
    });
    each.collect()
}

async fn run(sandbox: &Sandbox, file: &str, nonce: &str, folder: Option<std::path::PathBuf>) -> Complaints {
    carried_out(sandbox, &ensured(file, nonce), folder).await
}

/// What the plan complains about, and the run.
pub(super) async fn carried_out(
    sandbox: &Sandbox,
    request: &Request,
    folder: Option<std::path::PathBuf>,
) -> Complaints {
    let plan = match planned(sandbox, request).await {
        Ok(plan) => plan,
        Err(complaints) => return complaints,
    };
    let mut complaints = complaints_of(&plan);
    let runner =
        Runner::new(sandbox.readers(), sandbox.writers(), request.settings.timeout).with_state_folder(folder);
    let (_sender, interrupt) = tokio::sync::watch::channel(Interrupt::None);
    let report = execute(&plan, &runner, ExecutionOptions::default(), &|_| {}, interrupt).await;
    complaints.extend(report.failed.into_iter().map(|(_, error)| {
        (
            error.message,
            error.help.iter().map(ToString::to_string).collect(),
        )
    }));
    complaints
}

/// A run of this file meets the fault, says so, and the same again says nothing.
fn fault(file: String, rule: Rule, says: &'static str) -> Check {
    let keep = std::env::temp_dir();
    tried(
        file,
        says,
        move |sandbox| sandbox.faults().add(rule),
        None,
        |_| {},
        Some(keep),
    )
}

fn tried(
    file: String,
    says: &'static str,
    before: impl FnOnce(&Sandbox) + Send + 'static,
    folder: Option<std::path::PathBuf>,
    follow: impl FnOnce(&mut World) + Send + 'static,
    folder_then: Option<std::path::PathBuf>,
) -> Check {
    Check {
        about: format!("a run with a fault → {says}"),
        run: Box::new(move || {
            let seed = Seed {
                cluster: "quickstart".to_owned(),
                region: "eu-west-1".to_owned(),
                account: None,
            };
            let sandbox = Sandbox::in_memory(World::seeded(&seed), Arc::new(SystemClock));
            before(&sandbox);
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .map_err(|error| error.to_string())?;
            let met = runtime.block_on(run(&sandbox, &file, "first", folder));
            let helps: Vec<String> = met
                .iter()
                .flat_map(|(_, help)| help)
                .filter(|help| help.contains(says))
                .cloned()
                .collect();
            if helps.is_empty() {
                return Err(format!("it does not say so, but: {met:#?}"));
            }
            sandbox.edit(follow).map_err(|error| error.to_string())?;
            // Another process, for which the services have no faults.
            let left = runtime.block_on(run(&sandbox.another_process(), &file, "second", folder_then));
            if left.is_empty() {
                Ok(helps)
            } else {
                Err(format!("{helps:?} was followed, and there is {left:#?}"))
            }
        }),
    }
}

pub(super) fn cases() -> Vec<Check> {
    let on = |action: &str, kind| Rule {
        matching: Matching::Action(action.to_owned()),
        nth: 1,
        times: 5_000,
        fault: Fault::ErrorBefore(kind),
    };
    let once =
        |action: &str, kind| Rule::once(Matching::Action(action.to_owned()), 1, Fault::ErrorBefore(kind));
    let mapped = || format!("{HEAD}iamIdentityMappings:\n- {{arn: '{DEV}', username: dev}}\n");
    let group = format!("{HEAD}{ACCESS}groups:\n- {{name: viewers, bindings: [{{clusterRole: view}}]}}\n");
    vec![
        fault(
            web(""),
            once("TagResource", CallErrorKind::Throttled),
            "The service is busy: run the same command again.",
        ),
        fault(
            web(""),
            once("TagResource", CallErrorKind::Unreachable),
            "run the same command again, which checks first.",
        ),
        fault(
            web(""),
            once("DescribeCluster", CallErrorKind::Unreachable),
            "it only reads. Run the same command again.",
        ),
        fault(
            web(""),
            once("TagResource", CallErrorKind::Conflict),
            "run the same command again, which makes a new plan.",
        ),
        fault(
            web(""),
            once("TagResource", CallErrorKind::Credentials),
            "Renew the credentials and run the same command again.",
        ),
        fault(
            group,
            once("create clusterrolebindings", CallErrorKind::AccessDenied),
            "the caller needs them itself, or the verb `bind`.",
        ),
        fault(
            mapped(),
            once("patch configmaps", CallErrorKind::Credentials),
            "If no one gets in any more, recover with: ",
        ),
        fault(
            mapped(),
            on("patch configmaps", CallErrorKind::Conflict),
            "--timeout sets how long it tries.",
        ),
        tried(
            mapped(),
            "Set HOME or XDG_STATE_HOME, so that the backup can be a file.",
            move |sandbox| {
                sandbox.faults().add(Rule {
                    times: 2,
                    ..on("create configmaps", CallErrorKind::AccessDenied)
                });
            },
            None,
            |_| {},
            Some(std::env::temp_dir()),
        ),
    ]
}
