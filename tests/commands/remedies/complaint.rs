//! What a command complains about, read from what it prints.

use std::collections::BTreeSet;

/// A line that says what is wrong, and the help below it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Complaint {
    pub(super) says: String,
    pub(super) help: Vec<String>,
}

/// How lines begin that say what is wrong, behind a place or an object.
const MARKS: [&str; 6] = ["error: ", "error[", "warning: ", "warning[", "note[", "refused["];

/// Everything that `output` complains about, in its order.
pub(super) fn complaints(output: &str) -> Vec<Complaint> {
    let mut found: Vec<Complaint> = Vec::new();
    let mut before = String::new();
    for line in output.lines() {
        let text = line.trim();
        if let Some(help) = text.strip_prefix("help: ") {
            // Where nothing marks the line above, it is what the help is about.
            if found.is_empty() {
                found.push(Complaint {
                    says: before.clone(),
                    help: Vec::new(),
                });
            }
            if let Some(last) = found.last_mut() {
                last.help.push(help.to_owned());
            }
        } else if MARKS.iter().any(|mark| text.contains(mark)) {
            found.push(Complaint {
                says: text.to_owned(),
                help: Vec::new(),
            });
        }
        text.clone_into(&mut before);
    }
    found
}

/// What the complaints say, without the places in files, which move with what is above them.
pub(super) fn said(complaints: &[Complaint]) -> BTreeSet<String> {
    complaints
        .iter()
        .map(|complaint| without_place(&complaint.says))
        .collect()
}

fn without_place(line: &str) -> String {
    let mut text = line;
    for mark in MARKS {
        if let Some(at) = line.find(mark).filter(|at| line[..*at].ends_with(": ")) {
            text = &line[at..];
        }
    }
    text.to_owned()
}
