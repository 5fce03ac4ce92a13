//! A folder with one saved plan for each cluster: written by `plan --out FOLDER`, read by `apply FOLDER` and `show FOLDER`.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use super::{
    end,
    plan::{Entry, refuse_one_cluster_twice},
    problem_of, shown,
};
use crate::cli::{
    ExitCode, Failure,
    flags::{global::GlobalFlags, plan::Output, views::ViewFlags},
    run::{flow, saved_plan},
};
use eksact_core::{
    fleet::{ClusterId, Outcome, Status, digest_of_saved},
    saved::SavedPlan,
    view::{
        Printer,
        fleet_human::Run,
        text::{counted, harmless},
    },
};

/// The folder of `plan --out`.
pub(super) struct PlanFolder(PathBuf);

impl PlanFolder {
    /// Refuses what is no folder, before anything is read of a cluster.
    pub(super) fn check(folder: &Path) -> Result<Self, Failure> {
        let refused = |why: String| {
            Failure::usage(format!(
                "--out {} {why}: over many clusters it names a folder, which gets a plan for each",
                folder.display()
            ))
        };
        if folder == Path::new("-") {
            return Err(refused("is standard output".to_owned()));
        }
        if folder.exists() && !folder.is_dir() {
            return Err(refused("is a file".to_owned()));
        }
        fs_err::create_dir_all(folder).map_err(|error| refused(format!("cannot be made ({error})")))?;
        let files = files(folder).map_err(|error| refused(format!("cannot be read ({error})")))?;
        for file in files {
            saved_plan::check_target(&file)?;
        }
        Ok(Self(folder.to_owned()))
    }

    /// Where the plan of a cluster is.
    pub(super) fn file_of(&self, cluster: &ClusterId) -> PathBuf {
        self.0.join(cluster.file_name())
    }

    /// Says how to apply exactly these plans. Names those of other runs: whoever applies the whole folder would apply them, too.
    pub(super) fn tell(&self, outcomes: &[Outcome], global: &GlobalFlags, printer: &Printer) {
        let own: Vec<&str> = outcomes
            .iter()
            .filter_map(|outcome| outcome.saved.as_deref())
            .collect();
        let others: Vec<String> = files(&self.0)
            .unwrap_or_default()
            .into_iter()
            .map(|path| path.to_string_lossy().into_owned())
            .filter(|path| !own.contains(&path.as_str()))
            .collect();
        if !others.is_empty() {
            printer.warning(&format!(
                "plans of another run are left in the folder: {}",
                others.join(", ")
            ));
        }
        let Some(digest) = digest_of_saved(outcomes) else {
            return;
        };
        let folder = self.0.to_string_lossy();
        let mut text = format!(
            "\n{} saved in {}: {digest}\n",
            counted(own.len(), "plan", "plans"),
            harmless(&folder)
        );
        let may_be_applied = outcomes.iter().filter_map(|outcome| outcome.plan.as_ref());
        let may_be_applied = may_be_applied.filter(|plan| plan.may_be_applied() && plan.has_changes());
        // With the others the folder has another digest.
        if others.is_empty() && may_be_applied.count() > 0 {
            text.push_str("To apply exactly these, run: ");
            text.push_str(&saved_plan::apply_exactly(&self.0, &digest, global));
            text.push('\n');
        }
        printer.status(&text);
    }
}

/// The files in a folder, in their order by name; not those of folders below it. Whatever its name is, a file may be a plan that
/// somebody counts on: one that is none is told, not passed over. Hidden files and signatures are no plans.
fn files(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs_err::read_dir(folder)? {
        let path = entry?.path();
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let is_apart = name.starts_with('.') || name.ends_with(".sigstore.json");
        // What cannot be looked at is told when it is read.
        let is_file = fs_err::metadata(&path).map_or(true, |metadata| metadata.is_file());
        if is_file && !is_apart {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// The files that `apply` and `show` read for the name of a saved plan: the plan, or each in the folder.
pub(crate) fn saved_plans(path: &Path) -> std::io::Result<Vec<PathBuf>> {
    if path.is_dir() {
        files(path)
    } else {
        Ok(vec![path.to_owned()])
    }
}

/// Whether a file is named as configurations are and plans are not.
fn is_named_as_yaml(file: &Path) -> bool {
    file.extension()
        .is_some_and(|ending| ending.eq_ignore_ascii_case("yaml") || ending.eq_ignore_ascii_case("yml"))
}

/// Every plan in the folder, in a run that `place` led to its account; what cannot be used is a cluster that cannot be applied, and hides no other.
///
/// # Errors
/// When the folder cannot be read, or has no plan: it is empty, or a folder of configurations.
pub(super) fn load(folder: &Path, place: &[String]) -> Result<Vec<Entry<SavedPlan>>, Failure> {
    let files = files(folder).map_err(|error| {
        Failure::error(format!("the plans could not be read: {error}")).with_code(ExitCode::Configuration)
    })?;
    let mut entries: Vec<Entry<SavedPlan>> = files.iter().map(|file| entry(file, place)).collect();
    if entries.iter().all(|entry| entry.kept.is_none()) && files.iter().all(|file| is_named_as_yaml(file)) {
        return Err(saved_plan::no_plans(folder, place));
    }
    refuse_one_cluster_twice(&mut entries, "plans");
    Ok(entries)
}

fn entry(file: &Path, place: &[String]) -> Entry<SavedPlan> {
    let name = file.to_string_lossy().into_owned();
    let mut outcome = Outcome {
        cluster: None,
        files: vec![name.clone()],
        status: Status::Invalid,
        plan: None,
        digest: None,
        saved: None,
        run: None,
        problem: None,
        took: Duration::ZERO,
    };
    match saved_plan::load(file, place) {
        Ok(saved) => {
            outcome.cluster = Some(ClusterId::of(&saved.request.config));
            outcome.files = flow::file_of(&saved.request).map_or(outcome.files, |file| vec![file.to_owned()]);
            outcome.status = Status::of_plan(&saved.plan, false);
            outcome.plan = Some(saved.plan.clone());
            outcome.digest = Some(saved.digest().to_owned());
            outcome.saved = Some(name);
            Entry {
                outcome,
                kept: Some(saved),
            }
        }
        Err(failure) => {
            outcome.problem = Some(problem_of(failure));
            Entry { outcome, kept: None }
        }
    }
}

/// `show FOLDER`: every plan in it, and the digest of all.
pub(crate) fn show(
    folder: &Path,
    output: Output,
    views: &ViewFlags,
    place: &[String],
    printer: &Printer,
) -> Result<ExitCode, Failure> {
    let outcomes: Vec<Outcome> = load(folder, place)?
        .into_iter()
        .map(|entry| entry.outcome)
        .collect();
    shown::write_views(&outcomes, Run::Plan, views)?;
    shown::show(&outcomes, Run::Plan, output, views, printer)?;
    if outcomes.iter().any(|outcome| outcome.status == Status::Invalid) {
        return end(&outcomes, false);
    }
    if let Some(digest) = digest_of_saved(&outcomes) {
        printer.status(&format!("\n{digest}\n"));
    }
    Ok(ExitCode::Success)
}
