//! What stands between the approval of a plan and its first step, which only a failing cluster brings about: in this process.

use std::sync::Arc;

use eksact::cli::Failure;
use eksact_core::{
    config,
    kinds::{self, Request, preflight, request::Settings},
    live::LiveReader,
    ports::CallErrorKind,
};
use eksact_simulator::{Fault, Matching, Rule, Sandbox, Seed, SystemClock, World};

use super::{case::Check, world::web};

/// Plans this file in a cluster whose API does not answer, and gives what is said before the plan begins.
fn begun(file: &str) -> Result<(), Failure> {
    let seed = Seed {
        cluster: "quickstart".to_owned(),
        region: "eu-west-1".to_owned(),
        account: None,
    };
    let sandbox = Sandbox::in_memory(World::seeded(&seed), Arc::new(SystemClock));
    let loaded = config::load("c.yaml", file.as_bytes()).unwrap();
    let request = Request::ensure(loaded.config, Settings::default());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let reader = LiveReader::begin(sandbox.readers(), "quickstart").await?;
        let plan = kinds::plan(&request, &kinds::read(&request, &reader).await)?;
        sandbox.faults().add(Rule {
            matching: Matching::Action("get version".to_owned()),
            nth: 1,
            times: 5_000,
            fault: Fault::ErrorBefore(CallErrorKind::Unreachable),
        });
        Ok(preflight::check(&plan, sandbox.readers().kubernetes.as_ref()).await?)
    })
}

pub(super) fn cases() -> Vec<Check> {
    vec![Check {
        about: "a cluster that does not answer → `roleOnly: true` leaves Kubernetes out.".to_owned(),
        run: Box::new(|| {
            let Err(failure) = begun(&web("")) else {
                return Err("nothing is said".to_owned());
            };
            begun(&web(", roleOnly: true")).map_err(|still| still.message)?;
            Ok(failure.help.iter().map(ToString::to_string).collect())
        }),
    }]
}
