//! The sandbox as commands open it, and whoever calls in it: where `token`, `verify token` and `whoami` work on what is
//! simulated. Nothing here asks anybody on a network.

use std::path::{Path, PathBuf};

use jiff::Timestamp;

use crate::cli::{
    Failure,
    flags::{global::GlobalFlags, signing::SignerFlags},
};
use eksact_core::view::Printer;
use eksact_credentials::Environment;
use eksact_identity::{
    authn::{
        token::Token,
        token_sandbox::{self, SandboxTokenError},
    },
    iam::partition::is_region_name,
};
use eksact_simulator::{Sandbox, Seed, SimulatedCaller, World};

/// The region of a sandbox that names none.
const REGION: &str = "eu-west-1";

/// Opens the sandbox of the flags for a cluster, and says so.
pub(crate) fn open(
    seed: &Seed,
    caller: Option<SimulatedCaller>,
    global: &GlobalFlags,
    printer: &Printer,
) -> Result<Sandbox, Failure> {
    let file = file_of(seed.account.as_deref(), global)?;
    let sandbox = Sandbox::open(&file, seed)?;
    // Of many clusters it is said once.
    if !printer.is_about_one() {
        tell(&file, printer);
    }
    if sandbox.added_cluster() {
        printer.note(&format!(
            "sandbox: it had no cluster {} in {}, which was added",
            seed.cluster, seed.region
        ));
    }
    if let Some(caller) = &caller {
        printer.note(&format!("sandbox: the caller is {}", caller.arn));
    }
    Ok(sandbox.called_by(caller))
}

/// Says that nothing is real.
pub(crate) fn tell(file: &Path, printer: &Printer) {
    printer.note(&format!(
        "sandbox: nothing is real, everything is in {}",
        file.display()
    ));
}

/// The file of an account: that of the flags, and one beside it for each other account that a configuration names.
fn file_of(account: Option<&str>, global: &GlobalFlags) -> Result<PathBuf, Failure> {
    let file = &global.sandbox_file;
    let Some(account) = account else {
        return Ok(file.clone());
    };
    let own = Sandbox::peek(file)?.unwrap_or_else(|| World::seeded(&Seed::default()));
    if own.account == account {
        return Ok(file.clone());
    }
    let stem = file.file_stem().unwrap_or_default().to_string_lossy();
    let ending = file.extension().unwrap_or_default().to_string_lossy();
    Ok(file.with_file_name(format!("{stem}.{account}.{ending}")))
}

/// Who signs in the sandbox, and where.
#[derive(Clone, Debug)]
pub(crate) struct SandboxSigner {
    /// Who calls; none for the creator.
    pub(crate) caller: Option<SimulatedCaller>,
    pub(crate) region: String,
}

impl SandboxSigner {
    /// By `--role-arn`, which everybody may assume there, else `--sandbox-caller`.
    pub(crate) fn new(
        flags: &SignerFlags,
        global: &GlobalFlags,
        environment: &Environment,
    ) -> Result<Self, Failure> {
        let caller = match &flags.role_arn {
            None => global.sandbox_caller.clone(),
            Some(role) => {
                let session = flags.session_name.as_deref().unwrap_or("eksact");
                let assumed = SimulatedCaller::of_role(role, session)
                    .map_err(|error| Failure::usage(format!("--role-arn: {error}")))?;
                Some(assumed)
            }
        };
        let named = [global.region.as_deref(), flags.region.as_deref()];
        let region = named
            .into_iter()
            .flatten()
            .chain(
                ["AWS_REGION", "AWS_DEFAULT_REGION"]
                    .iter()
                    .filter_map(|name| environment.get(name)),
            )
            .next()
            .unwrap_or(REGION);
        if !is_region_name(region) {
            return Err(Failure::usage(format!("`{region}` is not the name of a region")));
        }
        Ok(Self {
            caller,
            region: region.to_owned(),
        })
    }

    /// The caller, or the sandbox's creator; a sandbox that does not exist is not made.
    pub(crate) fn effective_caller(&self, global: &GlobalFlags) -> Result<SimulatedCaller, Failure> {
        if let Some(caller) = &self.caller {
            return Ok(caller.clone());
        }
        let world = Sandbox::peek(&global.sandbox_file)?;
        let world = world.unwrap_or_else(|| {
            World::seeded(&Seed {
                region: self.region.clone(),
                ..Seed::default()
            })
        });
        Ok(world.creator())
    }

    /// A token that only the sandbox believes.
    pub(crate) fn sign(&self, cluster: &str, global: &GlobalFlags) -> Result<Token, Failure> {
        let caller = self.effective_caller(global)?;
        token_sandbox::sign(cluster, &self.region, &caller.arn, Timestamp::now())
            .map_err(|error| Failure::error(error.to_string()))
    }
}

impl From<SandboxTokenError> for Failure {
    fn from(error: SandboxTokenError) -> Self {
        Self::error(error.to_string())
    }
}
