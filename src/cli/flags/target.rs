//! `--target` and `--exclude-target`: a part of a plan, by globs on addresses. `--include` and `--exclude` are eksctl's, and
//! choose service accounts of the file.

use clap::Args;

use crate::cli::Failure;
use eksact_core::engine::Targets;

/// Flags that choose a part of the plan.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Part of the plan")]
pub(crate) struct TargetFlags {
    /// Only objects whose address matches a glob, such as `iam-role/app/*`, and what they need (repeatable)
    #[arg(long, value_name = "GLOB")]
    pub target: Vec<String>,
    /// All but objects whose address matches a glob, and what needs them (repeatable)
    #[arg(long, value_name = "GLOB")]
    pub exclude_target: Vec<String>,
}

impl TargetFlags {
    /// The globs, each of which is one.
    pub(crate) fn targets(&self) -> Result<Targets, Failure> {
        let targets = Targets {
            targets: self.target.clone(),
            excluded: self.exclude_target.clone(),
        };
        targets.check()?;
        Ok(targets)
    }
}
