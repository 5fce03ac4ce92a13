//! The flag about the agent that gives pods the credentials of pod identity.

use clap::Args;
use eksact_core::kinds::{Request, pod_identity_agent::InstallAgent};

/// What is asked of the agent.
#[derive(Clone, Copy, Debug, Default, Args)]
pub(crate) struct AgentFlags {
    /// Install the add-on eks-pod-identity-agent where the cluster has no agent
    #[arg(long, help_heading = "Pod identity")]
    pub(crate) install_agent: bool,
}

impl AgentFlags {
    /// Asks it of the kind that installs the agent.
    pub(crate) fn ask(self, request: &mut Request) {
        if self.install_agent {
            request.ask(InstallAgent);
        }
    }
}
