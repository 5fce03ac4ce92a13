//! `kubectl config …` on kubeconfigs, as client-go changes them: each entry in the file that it comes from.

use std::{fs, path::PathBuf};

use serde_json::Value;

use crate::commands::place::Ended;

/// Runs it over these files, the first of which goes before the others.
pub(super) fn run(files: &[PathBuf], arguments: &[String]) -> Ended {
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    // A file that is named stands in place of all others.
    if let (["--kubeconfig", name, ..], Some(first)) = (words.as_slice(), files.first()) {
        return run(&[first.with_file_name(name)], &arguments[2..]);
    }
    let done = match words.as_slice() {
        ["get-contexts"] => Ok(()),
        ["delete-context", name] => change(files, |file| {
            let contexts = file.get_mut("contexts").and_then(Value::as_array_mut);
            contexts.is_some_and(|contexts| {
                let before = contexts.len();
                contexts.retain(|context| context["name"] != **name);
                contexts.len() < before
            })
        }),
        ["set-credentials", name, flags @ ..] => set_credentials(files, name, flags),
        _ => Err(format!("not simulated: kubectl config {}", arguments.join(" "))),
    };
    Ended {
        code: i32::from(done.is_err()),
        stdout: String::new(),
        stderr: done.err().unwrap_or_default(),
    }
}

/// kubectl changes how a program is run only where the user runs one.
fn set_credentials(files: &[PathBuf], name: &str, flags: &[&str]) -> Result<(), String> {
    let mut values = Vec::new();
    for flag in flags {
        values.push(match flag.split_once('=') {
            Some(("--exec-api-version", value)) => ("apiVersion", value),
            Some(("--exec-interactive-mode", value @ ("Never" | "IfAvailable" | "Always"))) => {
                ("interactiveMode", value)
            }
            _ => return Err(format!("not simulated: kubectl config set-credentials {flag}")),
        });
    }
    change(files, |file| {
        let users = file.get_mut("users").and_then(Value::as_array_mut);
        let user = users.and_then(|users| users.iter_mut().find(|user| user["name"] == *name));
        let exec = user.and_then(|user| user.pointer_mut("/user/exec")?.as_object_mut());
        exec.is_some_and(|exec| {
            let values = values.iter();
            exec.extend(values.map(|(key, value)| ((*key).to_owned(), Value::from(*value))));
            true
        })
    })
}

fn change(files: &[PathBuf], edit: impl Fn(&mut Value) -> bool) -> Result<(), String> {
    for path in files {
        let text = fs::read_to_string(path).map_err(|error| error.to_string())?;
        let mut file: Value = serde_saphyr::from_str(&text).map_err(|error| error.to_string())?;
        if edit(&mut file) {
            return fs::write(path, file.to_string()).map_err(|error| error.to_string());
        }
    }
    Err("kubectl: there is no such thing in the kubeconfig".to_owned())
}
