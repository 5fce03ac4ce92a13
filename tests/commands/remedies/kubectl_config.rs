//! `kubectl config …` on kubeconfigs, as client-go changes them: each entry in the file that it comes from.

use std::{fs, path::PathBuf};

use serde_json::Value;

use crate::place::Ended;

/// Runs it over these files, the first of which goes before the others.
pub(super) fn run(files: &[PathBuf], arguments: &[String]) -> Ended {
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
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
        _ => Err(format!("not simulated: kubectl config {}", arguments.join(" "))),
    };
    Ended {
        code: i32::from(done.is_err()),
        stdout: String::new(),
        stderr: done.err().unwrap_or_default(),
    }
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
