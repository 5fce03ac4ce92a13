//! Flags of a run over many clusters, and the flags that make no sense over many.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use clap::Args;

use crate::cli::{
    Failure,
    flags::{global::GlobalFlags, plan::duration, views},
    run::config_files::WholeFileFlags,
};
use eksact_core::view::{Printer, older::View};

/// So many clusters are worked on at once unless flags say otherwise.
const AT_ONCE: u16 = 8;
/// So long a cluster may take, for its plan and again for its apply: longer than its stacks are waited for.
const TIMEOUT: Duration = Duration::from_mins(30);

/// Flags about many clusters.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Many clusters")]
pub(crate) struct FleetFlags {
    /// How many clusters are worked on at once; 8 unless set
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    clusters_at_once: Option<u16>,
    /// How long one cluster may take to be planned, and again to be applied, before it is given up: 90s, 30m. 30m unless set
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    cluster_timeout: Option<Duration>,
    /// Also write metrics of each cluster into this file, as OpenMetrics text; one cluster is reported as many are then
    #[arg(long, value_name = "FILE", value_parser = |text: &str| views::file(text, View::Metrics))]
    metrics_into: Option<PathBuf>,
}

impl FleetFlags {
    pub(super) fn at_once(&self) -> usize {
        usize::from(self.clusters_at_once.unwrap_or(AT_ONCE))
    }

    pub(super) fn timeout(&self) -> Duration {
        self.cluster_timeout.unwrap_or(TIMEOUT)
    }

    pub(crate) fn metrics_into(&self) -> Option<&Path> {
        self.metrics_into.as_deref()
    }

    /// Says that a flag does nothing where there is one cluster.
    pub(crate) fn tell_idle(&self, printer: &Printer) {
        if let Some(flag) = self.idle() {
            printer.note(&format!("{flag} does nothing over the files of one cluster"));
        }
    }

    /// The flag that is given and does nothing where there is one cluster.
    fn idle(&self) -> Option<&'static str> {
        match (self.clusters_at_once, self.cluster_timeout) {
            (Some(_), _) => Some("--clusters-at-once"),
            (None, Some(_)) => Some("--cluster-timeout"),
            (None, None) => None,
        }
    }

    /// The first flag that is given.
    pub(crate) fn given(&self) -> Option<&'static str> {
        self.idle()
            .or_else(|| self.metrics_into.is_some().then_some("--metrics-into"))
    }
}

/// A flag that is refused over many clusters, and why.
pub(crate) struct Refused {
    pub(crate) is_given: bool,
    pub(crate) flag: &'static str,
    pub(crate) why: &'static str,
}

/// Refuses what makes no sense over many clusters, before anything is read.
pub(super) fn check(whole: &WholeFileFlags, global: &GlobalFlags, more: Vec<Refused>) -> Result<(), Failure> {
    let one_cluster = "it leads to one cluster";
    let refused = |is_given, flag, why| Refused { is_given, flag, why };
    let all = [
        refused(global.region.is_some(), "--region", "each file names its region"),
        refused(global.kubeconfig.is_some(), "--kubeconfig", one_cluster),
        refused(global.context.is_some(), "--context", one_cluster),
        refused(
            whole.filter.is_given(),
            "--include and --exclude",
            "they choose service accounts of one file; --target chooses objects of all",
        ),
        refused(
            whole.roles.cfn_role_arn.is_some(),
            "--cfn-role-arn",
            "it names a role of one account",
        ),
    ];
    match all.into_iter().chain(more).find(|refused| refused.is_given) {
        Some(Refused { flag, why, .. }) => Err(Failure::usage(format!(
            "{flag} cannot be used over many clusters: {why}"
        ))),
        None => Ok(()),
    }
}
