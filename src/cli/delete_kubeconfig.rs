//! `eksact delete kubeconfig`.

use std::{collections::BTreeMap, path::PathBuf};

use clap::{Args, builder::NonEmptyStringValueParser};

use super::{
    ExitCode, Failure,
    global::GlobalFlags,
    kubeconfig_file::{ChosenFile, FileChange, ShowFlags, candidates, entries_at},
};
use crate::{
    engine::{Finding, Severity},
    iam::Arn,
    kubeconfig::{
        Candidates, Entries, KeptBecause, Removal, Selection,
        changes::{Target, address, current_context, plan_of_removal},
        place,
        removal::remove,
        value::Section,
    },
    view::Printer,
};

/// Remove a cluster's entries from a kubeconfig, as far as eksact wrote them
#[derive(Debug, Args)]
pub(super) struct DeleteKubeconfig {
    /// The EKS cluster: its name or its ARN; it need not exist any more
    #[arg(
        short = 'c',
        long,
        visible_alias = "cluster",
        value_name = "NAME",
        value_parser = NonEmptyStringValueParser::new()
    )]
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
    pub(super) fn run(self, global: &GlobalFlags, printer: &Printer) -> Result<ExitCode, Failure> {
        let selection = Selection {
            cluster: self.name.clone(),
            region: global.region.clone(),
            context: self.context.clone(),
        };
        let candidates = self.candidates()?;
        // The file of a name that means several clusters is meant as well: it is there that this is told.
        let removes =
            |file: &Entries| remove(file, &selection).map_or(true, |removal| !removal.edits.is_empty());
        let mentions =
            |file: &Entries| remove(file, &selection).is_ok_and(|removal| !removal.kept.is_empty());
        let chosen = ChosenFile::among(&candidates, &[&removes, &mentions]);
        chosen.change(self.show, printer, |file, target| {
            let removal = remove(file, &selection).map_err(|several| {
                Failure::error(several.to_string()).with_help(
                    "Name its region with --region, give its ARN as --name, or one context with --context. The file \
                     was not changed.",
                )
            })?;
            let mut findings = chosen.findings_about(&[], None);
            findings.extend(kept(&removal));
            findings.extend(elsewhere(&chosen, &removal, &removes));
            if removal.is_context_missing {
                findings.push(missing(&selection, &target.file));
            }
            let target = Target {
                cluster: BTreeMap::from([("cluster", selection.cluster.clone())]),
                ..target.clone()
            };
            let plan = plan_of_removal(&target, file, &removal, findings)?;
            Ok(FileChange {
                edits: removal.edits,
                plan,
            })
        })
    }

    /// The files that kubectl reads, and the one that `--auto-kubeconfig` made for the cluster, if it did.
    fn candidates(&self) -> Result<Candidates, Failure> {
        let candidates = candidates(self.kubeconfig.clone())?;
        let name = match self.name.parse::<Arn>() {
            Ok(arn) => arn.resource.trim_start_matches("cluster/").to_owned(),
            Err(_) => self.name.clone(),
        };
        let automatic = std::env::home_dir()
            .filter(|_| self.kubeconfig.is_none() && !name.contains(['/', '\\']))
            .map(|home| place::automatic(&home, &name))
            .filter(|path| matches!(entries_at(path), Some(Ok(_))));
        Ok(match automatic {
            Some(path) => candidates.and(path),
            None => candidates,
        })
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
                    format!("its user runs {command}, so it was not eksact that wrote it")
                }
                KeptBecause::NoCommand => {
                    "its user runs no exec command, so it was not eksact that wrote it".to_owned()
                }
                KeptBecause::OtherCluster(Some(cluster)) => {
                    format!("its user signs in to the cluster {cluster}, perhaps in another region")
                }
                KeptBecause::OtherCluster(None) => {
                    "it cannot be told to which cluster its user signs in".to_owned()
                }
            };
            Finding::new(
                Severity::Note,
                "kubeconfig-not-ours",
                format!("the context is left: {why}"),
            )
            .about(&address(Section::Contexts, context))
            .with_help(format!("kubectl config delete-context {context}"))
        })
        .collect()
}

/// What is left in the other files of the list: more of the cluster's entries, and a current context that is gone.
fn elsewhere(chosen: &ChosenFile, removal: &Removal, removes: &dyn Fn(&Entries) -> bool) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, entries) in chosen.others() {
        if !removal.edits.is_empty() && removes(entries) {
            findings.push(
                Finding::new(
                    Severity::Warning,
                    "kubeconfig-further-file",
                    format!("{} has entries of the cluster, too", path.display()),
                )
                .with_help("Run this again for that file, or name it with --kubeconfig."),
            );
        }
        let is_gone = |current: &str| {
            let mut removed = removal.removed.iter();
            removed.any(|(section, name, _)| *section == Section::Contexts && name == current)
                && chosen
                    .others()
                    .all(|(_, other)| other.find(Section::Contexts, current).is_none())
        };
        if let Some(current) = entries
            .current_context
            .as_deref()
            .filter(|current| is_gone(current))
        {
            findings.push(
                Finding::new(
                    Severity::Warning,
                    "kubeconfig-current-gone",
                    format!(
                        "the current context of {} is {current}, which is gone now",
                        path.display()
                    ),
                )
                .about(&current_context())
                .with_help("`kubectl config use-context` names another, `kubectl config unset current-context` none."),
            );
        }
    }
    findings
}

fn missing(selection: &Selection, file: &str) -> Finding {
    let (cluster, context) = (
        &selection.cluster,
        selection.context.as_deref().unwrap_or_default(),
    );
    Finding::new(
        Severity::Warning,
        "kubeconfig-no-such-context",
        format!("the cluster {cluster} has no context {context} in {file}"),
    )
    .with_help("`kubectl config get-contexts` names those that are there.")
}
