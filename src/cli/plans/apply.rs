//! `eksact apply`.

use std::path::PathBuf;

use clap::Args;

use crate::cli::{
    ExitCode, Failure,
    flags::{global::GlobalFlags, plan::Output},
    fleet::{self, ApplyFolder, FleetFlags, Refused},
    kubeconfig::{
        file::ShowFlags,
        update::{Way, update_with_apply},
    },
    run::{
        apply_saved::{ApplySaved, SavedPlanFlags, refuse_flags},
        config_files::WholeFileFlags,
        flow::{self, ApprovalFlags},
    },
};
use eksact_core::view::Printer;

/// Show what would change, ask, and apply it: what a file says, or saved plans
#[derive(Debug, Args)]
pub(crate) struct ApplyCommand {
    /// A plan that `eksact plan --out` saved, or `-` for standard input; or a folder of plans; in place of -f
    #[arg(
        value_name = "PLAN",
        conflicts_with_all = ["config_files", "update_kubeconfig"],
        help_heading = "Saved plan"
    )]
    saved_plan: Option<PathBuf>,
    #[command(flatten)]
    saved: SavedPlanFlags,
    #[command(flatten)]
    whole: WholeFileFlags,
    #[command(flatten)]
    approval: ApprovalFlags,
    /// Then write the cluster's context into this machine's kubeconfig, as update-kubeconfig does
    #[arg(long, help_heading = "File")]
    update_kubeconfig: bool,
    #[command(flatten)]
    fleet: FleetFlags,
}

impl ApplyCommand {
    pub(crate) async fn run(self, global: &GlobalFlags, printer: &Printer) -> Result<ExitCode, Failure> {
        if let Some(file) = self.saved_plan {
            refuse_flags(&self.whole)?;
            if file.is_dir() {
                let apply = ApplyFolder {
                    folder: &file,
                    flags: &self.saved,
                    whole: &self.whole,
                    fleet: &self.fleet,
                    approval: self.approval,
                    global,
                    printer,
                };
                return Box::pin(apply.run()).await;
            }
            if let Some(flag) = self.fleet.given() {
                return Err(Failure::usage(format!(
                    "{flag} is for many clusters, and a saved plan is about one"
                )));
            }
            let apply = ApplySaved {
                file,
                flags: self.saved,
                plan: &self.whole.plan,
                approval: self.approval,
                global,
                printer,
            };
            return Box::pin(apply.run()).await;
        }
        self.whole.targets.targets()?;
        if let Some(members) = fleet::members(
            &self.whole.config_files,
            self.fleet.metrics_into().is_some(),
            printer,
        )? {
            let more = vec![Refused {
                is_given: self.update_kubeconfig,
                flag: "--update-kubeconfig",
                why: "it writes the context of one cluster; run update-kubeconfig for each",
            }];
            let run = fleet::apply(
                members,
                &self.whole,
                &self.fleet,
                self.approval,
                more,
                global,
                printer,
            );
            return Box::pin(run).await;
        }
        self.fleet.tell_idle(printer);
        let (request, connection) = self.whole.request(global, printer).await?;
        let way = Way {
            connection: &connection,
            global,
            printer,
        };
        if self.update_kubeconfig {
            let rehearsal = ShowFlags {
                is_rehearsal: true,
                ..ShowFlags::default()
            };
            update_with_apply(&request.config, rehearsal, &way).await?;
        }
        let code = flow::apply(&request, &connection, &self.whole.plan, self.approval, printer).await?;
        if !self.update_kubeconfig || code != ExitCode::Success {
            return Ok(code);
        }
        // Local to this machine, and no part of the plan: another machine may apply it.
        let show = ShowFlags {
            is_silent: self.whole.plan.output != Output::Human,
            ..ShowFlags::default()
        };
        update_with_apply(&request.config, show, &way).await
    }
}
