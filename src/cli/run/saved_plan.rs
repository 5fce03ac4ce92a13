//! The files of saved plans: written by `plan --out`, read by `apply` and `show`.

use std::{io::Read as _, path::Path};

use super::flow;
use crate::cli::{
    ExitCode, Failure,
    flags::global::GlobalFlags,
    texts::{shell::joined, whole_file},
};
use eksact_core::{
    engine::Plan,
    kinds::Request,
    saved::{MAXIMUM_BYTES, SavedPlan, SavedPlanError, may_be_replaced},
    view::text::harmless,
};
use eksact_message::remedy::Remedy;
use eksact_yaml::text;

/// Refuses a file that a plan must not take the place of: before anything is read of the cluster.
pub(crate) fn check_target(file: &Path) -> Result<(), Failure> {
    let refused = |why: &str| {
        Failure::usage(format!("--out {} {why}", file.display())).with_help(remedy!(
            "Name a new file in a folder that is there, or an older plan."
        ))
    };
    if file == Path::new("-") {
        return Err(refused(
            "is not a file: `-o json` prints the plan on standard output",
        ));
    }
    let metadata = match fs_err::metadata(file) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
            return if folder.is_none_or(Path::is_dir) {
                Ok(())
            } else {
                Err(refused("is in a folder that does not exist"))
            };
        }
        Err(error) => return Err(refused(&format!("cannot be looked at: {error}"))),
    };
    if !metadata.is_file() {
        return Err(refused("is there, and is not a regular file"));
    }
    let bytes = bytes_of(file).map_err(|error| refused(&format!("cannot be read: {error}")))?;
    if may_be_replaced(&bytes) {
        Ok(())
    } else {
        Err(refused("is there, and is not a saved plan"))
    }
}

/// Writes a plan to `file`, whole or not at all.
pub(crate) fn save(file: &Path, plan: &Plan, request: &Request) -> Result<SavedPlan, Failure> {
    let saved = SavedPlan::new(plan, request).map_err(|error| Failure::error(error.to_string()))?;
    whole_file::write(file, saved.document(), true).map_err(|error| {
        Failure::error(format!(
            "the plan could not be saved in {}: {error}",
            file.display()
        ))
    })?;
    Ok(saved)
}

/// What is said of a plan that was saved. `global` are the flags of the run that made it.
pub(crate) fn told(file: &Path, saved: &SavedPlan, global: &GlobalFlags) -> String {
    let name = file.to_string_lossy();
    let mut text = format!("\nSaved in {}: {}\n", harmless(&name), saved.digest());
    if saved.plan.has_changes() && saved.plan.may_be_applied() {
        text.push_str("To apply exactly this, run: ");
        text.push_str(&apply_exactly(file, saved.digest(), global));
        text.push('\n');
    }
    text
}

/// The command that applies this plan, or the plans of this folder, and no other, in the account and the cluster of the run that made it.
pub(crate) fn apply_exactly(plan: &Path, digest: &str, global: &GlobalFlags) -> String {
    let plan = argument(plan);
    command(
        &["eksact", "apply", &plan, "--expect", digest],
        &global.words_of_place(),
    )
}

/// A path as a word of a command: one that begins as a flag does is no flag.
fn argument(path: &Path) -> String {
    let path = path.to_string_lossy();
    if path.starts_with('-') && path != STANDARD_INPUT {
        format!("./{path}")
    } else {
        path.into_owned()
    }
}

/// The plan in a file, or on standard input for `-`. `place` are the words that lead to the account and the cluster of this run.
pub(crate) fn load(file: &Path, place: &[String]) -> Result<SavedPlan, Failure> {
    let bytes = bytes_of(file).map_err(|error| {
        Failure::error(format!("the plan could not be read: {error}")).with_code(ExitCode::Configuration)
    })?;
    if bytes.len() > MAXIMUM_BYTES {
        return Err(unusable(
            file,
            &SavedPlanError::NotAPlan("it is larger than any plan".to_owned()),
        ));
    }
    SavedPlan::load(&bytes).map_err(|error| match error {
        SavedPlanError::NotAPlan(_) if is_configuration(&bytes) => {
            not_a_plan(file, "is not a saved plan: it is a configuration", place)
        }
        error => unusable(file, &error),
    })
}

/// What people name with -f elsewhere.
fn not_a_plan(file: &Path, what: &str, place: &[String]) -> Failure {
    Failure::error(format!("{} {what}", file.display()))
        .with_code(ExitCode::Configuration)
        .with_help(remedy!(
            "A configuration is named with -f: `{}` plans it and applies the plan.",
            command(&["eksact", "apply", "-f", &argument(file)], place)
        ))
}

/// A folder in which no file can be a plan.
pub(crate) fn no_plans(folder: &Path, place: &[String]) -> Failure {
    not_a_plan(folder, "has no saved plan", place)
}

/// Whether somebody took a configuration for a plan: YAML or JSON, laid out and encoded as files of `-f` may be.
pub(crate) fn is_configuration(bytes: &[u8]) -> bool {
    const KEY: &str = "apiVersion";
    let is_end = |character: char| character.is_alphanumeric() || "-_.".contains(character);
    text::decode(bytes).is_ok_and(|(text, _)| {
        // A plan that is broken may have objects of Kubernetes in it.
        !text.contains("\"format_version\"")
            && text.match_indices(KEY).any(|(start, _)| {
                let (before, rest) = text.split_at(start);
                let rest = rest.trim_start_matches(KEY);
                !before.ends_with(is_end) && rest.trim_start_matches(['"', '\'', ' ']).starts_with(':')
            })
    })
}

fn command(words: &[&str], place: &[String]) -> String {
    let words: Vec<String> = words.iter().map(ToString::to_string).collect();
    harmless(&joined(&[&words, place].concat())).into_owned()
}

fn unusable(file: &Path, error: &SavedPlanError) -> Failure {
    let failure = Failure::error(format!("{} cannot be used: {error}", file.display()));
    match error {
        SavedPlanError::NotWritten(_) => failure,
        SavedPlanError::Newer { .. } => failure.with_help(remedy!(
            "Apply it with the version of eksact that made it, or make a new plan with this one: `eksact plan -f FILE --out \
             PLAN`."
        )),
        _ => failure.with_help(remedy!(
            "Make a plan that can be applied: `eksact plan -f FILE --out PLAN`."
        )),
    }
    .with_code(ExitCode::Configuration)
}

fn bytes_of(file: &Path) -> std::io::Result<Vec<u8>> {
    let limit = u64::try_from(MAXIMUM_BYTES).unwrap_or(u64::MAX).saturating_add(1);
    let mut bytes = Vec::new();
    if file == Path::new("-") {
        std::io::stdin().lock().take(limit).read_to_end(&mut bytes)?;
    } else {
        fs_err::File::open(file)?.take(limit).read_to_end(&mut bytes)?;
    }
    Ok(bytes)
}

/// How the plan of this request is made anew. `global` are the flags of the run that says so, which lead to the account and the cluster:
/// they are in no plan, so that its digest is the same wherever it is made.
pub(crate) fn made_anew(request: &Request, file: &Path, global: &GlobalFlags) -> Remedy {
    let made_by = &request.settings.command;
    if !made_by.is_empty() && !made_by.starts_with(PLANS) {
        return remedy!(
            "Make a new plan and have it approved: run `eksact {}` again, with the flags that it had and `--out {}`",
            harmless(made_by),
            harmless(&joined(&[argument(file)]))
        );
    }
    if reads_standard_input(request) {
        return remedy!(
            "Make a new plan and have it approved: a part of it came from standard input, which no command can name; give the same to \
             `eksact plan -f -` again, with the flags that it had and `{}`",
            harmless(&joined(&out(file)))
        );
    }
    let command = command_of(request, file, global);
    remedy!("Make a new plan and have it approved: `{command}`")
}

/// Whether a file of this plan over whole files was standard input.
fn reads_standard_input(request: &Request) -> bool {
    let made_by = &request.settings.command;
    if made_by.is_empty() {
        return flow::file_of(request) == Some(STANDARD_INPUT);
    }
    let words = shlex::split(made_by).unwrap_or_default();
    words
        .windows(2)
        .any(|pair| matches!(pair, [flag, file] if flag == "-f" && file == STANDARD_INPUT))
}

/// How standard input is named.
const STANDARD_INPUT: &str = "-";

/// The words that save a plan in this file.
fn out(file: &Path) -> [String; 2] {
    let file = if file == Path::new(STANDARD_INPUT) {
        "PLAN".into()
    } else {
        argument(file)
    };
    ["--out".to_owned(), file]
}

/// How the words of a plan over whole files begin.
pub(crate) const PLANS: &str = "plan ";

/// The command that makes the plan of whole files anew.
fn command_of(request: &Request, file: &Path, global: &GlobalFlags) -> String {
    let made_by = &request.settings.command;
    if !made_by.is_empty() {
        let words = [global.words_of_place(), out(file).to_vec()].concat();
        return format!("eksact {} {}", harmless(made_by), joined(&words));
    }
    let named = flow::file_of(request).unwrap_or("FILE");
    let mut words = ["eksact", "plan", "-f", named].map(str::to_owned).to_vec();
    if request.settings.prune {
        words.push("--prune".to_owned());
    }
    for guard in &request.settings.allow {
        words.extend(["--allow", guard.code().as_str()].map(str::to_owned));
    }
    words.extend(global.words_of_place());
    words.extend(out(file));
    joined(&words)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What eksctl's and terraform's users type: `apply cluster.yaml`.
    #[test]
    fn configuration_is_named_with_f() {
        let folder = tempfile::tempdir().unwrap();
        let loaded = |text: &str| {
            let file = folder.path().join("c.yaml");
            fs_err::write(&file, text).unwrap();
            load(&file, &["--profile".to_owned(), "prod".to_owned()]).unwrap_err()
        };
        for text in [
            "apiVersion: eksctl.io/v1alpha5\nkind: ClusterConfig\n",
            "# ours\n---\nkind: ClusterConfig\napiVersion: eksctl.io/v1alpha5\n",
            "{\"apiVersion\": \"eksctl.io/v1alpha5\"}",
            "{\"kind\": \"ClusterConfig\", \"apiVersion\": \"eksctl.io/v1alpha5\"}",
            "{kind: ClusterConfig, apiVersion: eksctl.io/v1alpha5}\n",
            "--- {apiVersion: eksctl.io/v1alpha5}\n",
            "\u{feff}apiVersion: eksctl.io/v1alpha5\nkind: ClusterConfig\n",
            "{\n  \"kind\": \"ClusterConfig\",\n  \"apiVersion\" : \"eksctl.io/v1alpha5\"\n}\n",
        ] {
            let failure = loaded(text);
            assert_eq!(failure.code, ExitCode::Configuration);
            assert!(failure.message.ends_with("it is a configuration"), "{text}");
            assert!(
                format!("{:?}", failure.help).contains("c.yaml --profile prod`"),
                "{failure:?}"
            );
        }
        for text in [
            "",
            "{}",
            "apiVersions\n",
            "myapiVersion: 1\n",
            "[\"apiVersion\"]",
            "{\"format_version\": \"1.0\", \"apiVersion\": \"v1\"}",
        ] {
            assert!(loaded(text).message.contains("cannot be used"), "{text}");
        }
    }

    /// `--out=-b.json` is a file, and `apply -b.json` a flag that nobody has.
    #[test]
    fn path_that_looks_like_a_flag_is_an_argument() {
        for (path, word) in [("-b.json", "./-b.json"), ("b.json", "b.json"), ("-", "-")] {
            assert_eq!(argument(Path::new(path)), word);
        }
        assert_eq!(
            command(&["eksact", "apply", &argument(Path::new("-b.json"))], &[]),
            "eksact apply ./-b.json"
        );
    }
}
