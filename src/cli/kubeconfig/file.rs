//! The road of every command that changes a kubeconfig: choose the file, take its lock, read, plan, write, show. Nothing
//! is asked: it is the user's own file.

use eksact_message::code::Code;
use eksact_message::remedy::Remedy;
use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use clap::Args;

use super::aws_profile::ProfileWrite;
use crate::cli::{
    ExitCode, Failure,
    flags::{global::GlobalFlags, plan::Output},
    run::{flow::deliver, interrupt::Listener},
};
use eksact_core::{
    engine::{Finding, Interrupt, Plan, Severity},
    kubeconfig::{
        Candidates, CannotEdit, Document, Entries, FileState, Lock, LockError, Malformed, PlaceError,
        PlaceVariables, StoreError, Unusable, Waiting, Written,
        changes::{Target, address, current_context},
        store,
        value::{Edit, Section},
    },
    view::Printer,
};

/// How long a writer waits for its turn. Writing takes milliseconds; sixty at once take a second.
const LOCK_LIMIT: Duration = Duration::from_mins(1);

/// How a change to a kubeconfig is shown, and whether it is made.
#[derive(Clone, Copy, Debug, Default, Args)]
#[command(next_help_heading = "Plan")]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub(crate) struct ShowFlags {
    /// Print the whole file as it would be, and write nothing
    #[arg(long, conflicts_with_all = ["diff_only", "output"])]
    pub dry_run: bool,
    /// Show what would change, and write nothing
    #[arg(long)]
    pub diff_only: bool,
    /// With --diff-only: exit with 2 when there are changes
    #[arg(long, requires = "diff_only")]
    pub detailed_exitcode: bool,
    /// How the plan is shown
    #[arg(short, long, value_enum, default_value_t, value_name = "FORMAT")]
    pub output: Output,
    /// Say nothing on stdout: another document stands there.
    #[arg(skip)]
    pub is_silent: bool,
    /// Say nothing at all, and write nothing: it is only tried whether it would go.
    #[arg(skip)]
    pub is_rehearsal: bool,
}

impl ShowFlags {
    /// Whether the change is made.
    pub(crate) const fn writes(self) -> bool {
        !self.dry_run && !self.diff_only && !self.is_rehearsal
    }
}

/// A change of one file: what is to be edited, and the plan that says so.
pub(crate) struct FileChange {
    pub edits: Vec<Edit>,
    pub plan: Plan,
    /// What is written before the file: a kubeconfig whose profile is missing is of no use.
    pub before: Option<ProfileWrite>,
}

/// The kubeconfig files of this user, and the one that is meant.
pub(crate) struct ChosenFile {
    path: PathBuf,
    others: Vec<Other>,
    findings: Vec<Finding>,
}

/// Another file of the list in `KUBECONFIG`.
struct Other {
    path: PathBuf,
    is_before: bool,
    entries: Entries,
}

/// Where the file is, by flag and environment.
pub(crate) fn candidates(flag: Option<PathBuf>) -> Result<Candidates, Failure> {
    Ok(Candidates::of(&PlaceVariables {
        flag,
        kubeconfig: std::env::var_os("KUBECONFIG"),
        home: std::env::home_dir(),
    })?)
}

/// The same for what is written about a cluster. A simulated one is not written into the file that kubectl really uses,
/// unless that is named.
pub(crate) fn candidates_for_cluster(
    flag: Option<PathBuf>,
    global: &GlobalFlags,
) -> Result<Candidates, Failure> {
    let is_named = flag.is_some() || std::env::var_os("KUBECONFIG").is_some_and(|list| !list.is_empty());
    if global.sandbox && !is_named {
        return Err(
            Failure::usage("the sandbox's cluster is not real, but ~/.kube/config is").with_help(remedy!(
                "Name a file to write to in KUBECONFIG, or with the --kubeconfig of update-kubeconfig."
            )),
        );
    }
    candidates(flag)
}

impl ChosenFile {
    /// Chooses the first file that is meant, or else the one to write something new to. `is_meant` are ways to be so, the
    /// best first: one counts where no file is meant by a better one.
    pub(crate) fn among(candidates: &Candidates, is_meant: &[&dyn Fn(&Entries) -> bool]) -> Self {
        let read: Vec<(PathBuf, Option<Result<Entries, Failure>>)> = candidates
            .iter()
            .map(|path| (path.to_owned(), entries_at(path)))
            .collect();
        let is_meant = |entries: &Entries| {
            let best = is_meant.iter().find(|is_meant| {
                let mut all = read
                    .iter()
                    .filter_map(|(_, entries)| entries.as_ref()?.as_ref().ok());
                all.any(is_meant)
            });
            best.is_some_and(|is_meant| is_meant(entries))
        };
        let state = |path: &Path| match read.iter().find(|(other, _)| other == path) {
            Some((_, Some(Ok(entries)))) if is_meant(entries) => FileState::HasCluster,
            Some((_, Some(_))) => FileState::Present,
            _ => FileState::Absent,
        };
        let path = candidates.choose(state).to_owned();
        let position = read.iter().position(|(other, _)| *other == path);
        let (mut others, mut findings) = (Vec::new(), Vec::new());
        for (index, (other, entries)) in read.into_iter().enumerate() {
            match entries {
                _ if other == path => {}
                Some(Ok(entries)) => others.push(Other {
                    path: other,
                    is_before: position.is_some_and(|position| index < position),
                    entries,
                }),
                Some(Err(failure)) => findings.push(
                    Finding::new(
                        Severity::Warning,
                        Code::KubeconfigUnreadable,
                        format!(
                            "another file of KUBECONFIG cannot be read, and so kubectl reads no file: {}",
                            failure.message
                        ),
                    )
                    .with_help(remedy!("Fix it, or remove it from KUBECONFIG.")),
                ),
                None => {}
            }
        }
        Self {
            path,
            others,
            findings,
        }
    }

    /// The other files that can be read, in the order of the list.
    pub(crate) fn others(&self) -> impl Iterator<Item = (&Path, &Entries)> {
        self.others
            .iter()
            .map(|other| (other.path.as_path(), &other.entries))
    }

    /// What other files of the list make of these entries, and of the `current` context that is set: kubectl takes each
    /// from the first file that has it.
    pub(crate) fn findings_about(&self, names: &[(Section, &str)], wanted: Option<&str>) -> Vec<Finding> {
        let mut findings = self.findings.clone();
        let mut is_current_told = false;
        for other in self.others.iter().filter(|other| other.is_before) {
            let file = other.path.display();
            for (section, name) in names {
                if other.entries.find(*section, name).is_some() {
                    findings.push(
                        Finding::new(
                            Severity::Warning,
                            Code::KubeconfigShadowed,
                            format!(
                                "{file} has a {} of this name too, and kubectl uses that one",
                                section.entry_key()
                            ),
                        )
                        .about(&address(*section, name))
                        .with_help(remedy!(
                            "It comes first in KUBECONFIG. Remove it there, or name the file \
                             with --kubeconfig."
                        )),
                    );
                }
            }
            // Only the first that names one counts.
            let current = other.entries.current_context.as_deref();
            if let (Some(wanted), Some(current), false) = (wanted, current, is_current_told) {
                is_current_told = true;
                if current == wanted {
                    continue;
                }
                findings.push(
                    Finding::new(
                        Severity::Warning,
                        Code::KubeconfigCurrentElsewhere,
                        format!(
                            "kubectl stays with the context {current}, which is the current one of {file}"
                        ),
                    )
                    .about(&current_context())
                    .with_help(remedy!(
                        "It comes first in KUBECONFIG. `kubectl config use-context` changes it there."
                    )),
                );
            }
        }
        findings
    }

    /// Plans and, unless only that is asked for, writes. `plan` is given what the file holds while its lock is held.
    pub(crate) fn change(
        &self,
        show: ShowFlags,
        printer: &Printer,
        plan: impl FnOnce(&Entries, &Target) -> Result<FileChange, Failure>,
    ) -> Result<ExitCode, Failure> {
        let writes = show.writes();
        let target = store::target_of(&self.path)?;
        // Caught, so that no signal leaves a lock behind: writing takes milliseconds, and waiting heeds them.
        let signals = writes.then(Listener::begin);
        let lock = match &signals {
            Some((_, interrupt)) => {
                store::make_folder(&target)?;
                let waiting = Waiting {
                    limit: LOCK_LIMIT,
                    is_given_up: &|| *interrupt.borrow() != Interrupt::None,
                    tell: &|path| printer.status(&format!("waiting for {}\n", path.display())),
                };
                Some(Lock::take(&self.path, &target, &waiting)?)
            }
            None => None,
        };
        let stored = store::read(&target)?;
        let file = self.path.display().to_string();
        let content = stored.as_ref().map(|stored| stored.content.as_slice());
        let document = Document::read(&file, content.unwrap_or_default())?;
        let mut change = plan(
            document.entries(),
            &Target {
                file: file.clone(),
                ..Target::default()
            },
        )?;
        if stored.as_ref().is_some_and(store::Stored::is_open_to_others) {
            change.plan.findings.push(
                Finding::new(
                    Severity::Warning,
                    Code::KubeconfigOpenToOthers,
                    format!("others on this machine may read or change {file}"),
                )
                .with_help(remedy!("chmod 600 {file}")),
            );
        }
        for entry in document.unusable_after(&change.edits) {
            change.plan.findings.push(unusable(&entry));
        }
        let text = document.edited(&change.edits)?;
        if let Some(profile) = change.before.as_ref().filter(|_| writes) {
            profile.write(printer)?;
        }
        let written = if writes && !change.edits.is_empty() {
            Some(store::write(&target, &document.bytes(&text))?)
        } else {
            None
        };
        drop(lock);
        if show.is_rehearsal {
            return Ok(ExitCode::Success);
        }
        if show.dry_run || show.is_silent {
            for finding in &change.plan.findings {
                tell(finding, printer);
            }
        }
        if show.dry_run {
            deliver(&text, printer)?;
            return Ok(ExitCode::Success);
        }
        match show.output {
            _ if show.is_silent => {}
            output => deliver(
                &output.of(&change.plan, &change.plan.digest(), None, None, printer)?,
                printer,
            )?,
        }
        if let Some(written) = written {
            printer.status(&format!("{}\n", done(&file, written)));
        }
        Ok(if show.detailed_exitcode && change.plan.has_changes() {
            ExitCode::Changes
        } else {
            ExitCode::Success
        })
    }
}

fn done(file: &str, written: Written) -> String {
    match written {
        Written::Replaced => format!("Wrote {file}."),
        Written::InPlace => format!("Wrote {file} in place: it cannot be replaced by a rename."),
    }
}

/// An entry that stays in the file and that kubectl does not use.
fn unusable(entry: &Unusable) -> Finding {
    let message = format!("{}: {}", entry.location, entry.problem);
    let finding = Finding::new(Severity::Warning, Code::KubeconfigEntryUnusable, message);
    finding
        .about(&address(entry.section, &entry.name))
        .with_help(entry.help.clone())
}

/// A finding where the plan is not shown.
fn tell(finding: &Finding, printer: &Printer) {
    match finding.severity {
        Severity::Note => printer.note(&finding.message),
        _ => printer.warning(&finding.message),
    }
}

/// What a file holds; none where there is none.
pub(crate) fn entries_at(path: &Path) -> Option<Result<Entries, Failure>> {
    let stored = store::target_of(path).and_then(|target| store::read(&target));
    let stored = match stored {
        Ok(stored) => stored?,
        Err(error) => return Some(Err(error.into())),
    };
    let document = Document::read(&path.display().to_string(), &stored.content);
    Some(
        document
            .map(|document| document.entries().clone())
            .map_err(Failure::from),
    )
}

/// A failure before the file was written.
fn untouched(error: &impl std::error::Error, help: Option<&Remedy>) -> Failure {
    let failure = Failure::error(format!("{error}. The file was not changed"));
    match help {
        Some(help) => failure.with_help(help.clone()),
        None => failure,
    }
}

impl From<PlaceError> for Failure {
    fn from(error: PlaceError) -> Self {
        Self::usage(error.to_string())
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::error(error.to_string())
    }
}

impl From<LockError> for Failure {
    fn from(error: LockError) -> Self {
        let code = match error {
            LockError::Interrupted { .. } => ExitCode::Interrupted,
            _ => ExitCode::Error,
        };
        untouched(&error, None).with_code(code)
    }
}

impl From<Malformed> for Failure {
    fn from(error: Malformed) -> Self {
        untouched(&error, error.help.as_ref())
    }
}

impl From<CannotEdit> for Failure {
    fn from(error: CannotEdit) -> Self {
        untouched(&error, error.help.as_ref())
    }
}
