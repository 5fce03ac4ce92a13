//! `eksact delete kubeconfig`.

use eksact_message::{code::Code, remedy::Remedy};
use std::{
    collections::BTreeMap,
    future::ready,
    path::{Path, PathBuf},
};

use clap::Args;

use super::file::{ChosenFile, FileChange, ShowFlags, candidates, entries_at};
use crate::cli::{ExitCode, Failure, flags::global::GlobalFlags};
use eksact_core::{
    engine::{Finding, Severity},
    kubeconfig::{
        Entries, KeptBecause, Removal, Selection,
        changes::{Target, address, current_context, plan_of_removal},
        place,
        removal::remove,
        value::Section,
    },
    view::Printer,
};
use eksact_identity::iam::Arn;

/// Remove a cluster's entries from a kubeconfig, if eksact wrote them
#[derive(Debug, Args)]
pub(crate) struct DeleteKubeconfig {
    /// The EKS cluster: its name or its ARN; it need not exist any more
    #[arg(short = 'c', long, visible_alias = "cluster", value_name = "NAME")]
    name: String,
    /// Only this context
    #[arg(long, visible_alias = "alias", value_name = "NAME")]
    context: Option<String>,
    /// The file; else the first of KUBECONFIG that has the cluster, else ~/.kube/config, else that of --auto-kubeconfig
    #[arg(long, value_name = "PATH", help_heading = "Kubeconfig")]
    kubeconfig: Option<PathBuf>,
    #[command(flatten)]
    show: ShowFlags,
}

impl DeleteKubeconfig {
    /// Nothing is waited for; every command of a verb and a noun is asked as if there were.
    pub(crate) fn run(
        self,
        global: &GlobalFlags,
        printer: &Printer,
    ) -> impl Future<Output = Result<ExitCode, Failure>> {
        ready(self.remove(global, printer))
    }

    fn remove(self, global: &GlobalFlags, printer: &Printer) -> Result<ExitCode, Failure> {
        let selection = Selection {
            cluster: self.name.clone(),
            region: global.region.clone(),
            context: self.context.clone(),
        };
        let automatic = self.automatic();
        let candidates = candidates(self.kubeconfig.clone())?;
        let candidates = match &automatic {
            Some(path) => candidates.and(path.clone()),
            None => candidates,
        };
        // The file of a name that means several clusters is meant as well: it is there that this is told.
        let removes =
            |file: &Entries| remove(file, &selection).map_or(true, |removal| !removal.edits.is_empty());
        let mentions =
            |file: &Entries| remove(file, &selection).is_ok_and(|removal| !removal.kept.is_empty());
        let chosen = ChosenFile::among(&candidates, &[&removes, &mentions]);
        chosen.change(self.show, printer, |file, target| {
            let removal = remove(file, &selection).map_err(|several| {
                Failure::error(several.to_string()).with_help(
                    remedy!("Name its region with --region, give its ARN as --name, or one context with --context. The file \
                     was not changed."),
                )
            })?;
            let mut findings = chosen.findings_about(&[], None);
            findings.extend(kept(&removal));
            findings.extend(further_files(&chosen, &removal, &removes));
            findings.extend(current_gone(&chosen, &removal, automatic.as_deref()));
            if removal.is_context_missing {
                findings.push(missing(&selection, &target.file));
            } else if removal.edits.is_empty() && removal.kept.is_empty() {
                findings.push(nothing_of(&selection.cluster, &target.file));
            }
            let target = Target {
                cluster: BTreeMap::from([("cluster", selection.cluster.clone())]),
                ..target.clone()
            };
            let plan = plan_of_removal(&target, file, &removal, findings)?;
            Ok(FileChange {
                edits: removal.edits,
                plan,
                before: None,
            })
        })
    }

    /// The file that `--auto-kubeconfig` made for the cluster, if it did. kubectl does not read it by itself.
    fn automatic(&self) -> Option<PathBuf> {
        let name = match self.name.parse::<Arn>() {
            Ok(arn) => arn.resource.trim_start_matches("cluster/").to_owned(),
            Err(_) => self.name.clone(),
        };
        std::env::home_dir()
            .filter(|_| self.kubeconfig.is_none() && !name.contains(['/', '\\']))
            .map(|home| place::automatic(&home, &name))
            .filter(|path| matches!(entries_at(path), Some(Ok(_))))
    }
}

/// Contexts that were left, and why.
fn kept(removal: &Removal) -> Vec<Finding> {
    removal
        .kept
        .iter()
        .map(|(context, because)| {
            let why = match because {
                KeptBecause::OtherCommand(command) => {
                    format!("its user runs {command}, so eksact did not write it")
                }
                KeptBecause::NoCommand => {
                    "its user runs no exec command, so eksact did not write it".to_owned()
                }
                KeptBecause::OtherCluster(Some(cluster)) => {
                    format!("its user signs in to the cluster {cluster}, perhaps in another region")
                }
                KeptBecause::OtherCluster(None) => {
                    "it is not known to which cluster its user signs in".to_owned()
                }
            };
            Finding::new(
                Severity::Note,
                Code::KubeconfigNotOurs,
                format!("the context is kept: {why}"),
            )
            .about(&address(Section::Contexts, context))
            .with_help(remedy!("kubectl config delete-context {context}"))
        })
        .collect()
}

/// Other files that have more of the cluster's entries.
fn further_files(chosen: &ChosenFile, removal: &Removal, removes: &dyn Fn(&Entries) -> bool) -> Vec<Finding> {
    chosen
        .others()
        .filter(|(_, entries)| !removal.edits.is_empty() && removes(entries))
        .map(|(path, _)| {
            Finding::new(
                Severity::Warning,
                Code::KubeconfigFurtherFile,
                format!("{} has entries of the cluster, too", path.display()),
            )
            .with_help(remedy!(
                "Run this again for that file, or name it with --kubeconfig."
            ))
        })
        .collect()
}

/// A current context of another file that kubectl finds nowhere any more.
fn current_gone(chosen: &ChosenFile, removal: &Removal, automatic: Option<&Path>) -> Option<Finding> {
    let mut listed = chosen.others().filter(|(path, _)| Some(*path) != automatic);
    let (path, current) =
        listed.find_map(|(path, entries)| Some((path, entries.current_context.as_deref()?)))?;
    let is_removed = removal
        .removed
        .iter()
        .any(|(section, name, _)| *section == Section::Contexts && name == current);
    let is_elsewhere = chosen
        .others()
        .filter(|(path, _)| Some(*path) != automatic)
        .any(|(_, entries)| entries.find(Section::Contexts, current).is_some());
    if !is_removed || is_elsewhere {
        return None;
    }
    Some(
        Finding::new(
            Severity::Warning,
            Code::KubeconfigCurrentGone,
            format!(
                "the current context of {} is {current}, which is gone now",
                path.display()
            ),
        )
        .about(&current_context())
        .with_help(remedy!(
            "`kubectl config use-context` sets another, `kubectl config unset current-context` sets none."
        )),
    )
}

/// Nothing is removed, and nothing was there to be kept: the name or the file may be a wrong one.
fn nothing_of(cluster: &str, file: &str) -> Finding {
    if Path::new(file).exists() {
        let message = format!("{file} has nothing of the cluster {cluster}");
        Finding::new(Severity::Note, Code::NothingToDelete, message).with_help(contexts())
    } else {
        Finding::new(
            Severity::Note,
            Code::NothingToDelete,
            format!("there is no file {file}"),
        )
    }
}

fn missing(selection: &Selection, file: &str) -> Finding {
    let (cluster, context) = (
        &selection.cluster,
        selection.context.as_deref().unwrap_or_default(),
    );
    Finding::new(
        Severity::Warning,
        Code::KubeconfigNoSuchContext,
        format!("the cluster {cluster} has no context {context} in {file}"),
    )
    .with_help(contexts())
}

fn contexts() -> Remedy {
    remedy!("`kubectl config get-contexts` lists those that exist.")
}
