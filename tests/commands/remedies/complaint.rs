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
    // How far the help is indented whose further lines may follow.
    let mut open_help: Option<usize> = None;
    for line in output.lines() {
        let text = line.trim();
        let indent = line.len() - line.trim_start().len();
        let begins_help = text.starts_with("help: ");
        if let Some(start) = open_help
            && !begins_help
            && !text.is_empty()
            && indent > start
        {
            if let Some(help) = found.last_mut().and_then(|last| last.help.last_mut()) {
                // A command or a text to copy stands deeper than the sentences.
                help.push_str(if indent > start + 2 { "\n    " } else { "\n" });
                help.push_str(text);
            }
            continue;
        }
        open_help = begins_help.then_some(indent);
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

#[test]
fn remedy_of_several_lines_is_one_help() {
    let output = "error[a]: it fails\n  help: Add this:\n      {\"a\": 1}\n    The command, all else as it is:\n      aws iam x\n  \
                  help: Or this.\n\nwarning[b]: it is old\n  next line";
    let found = complaints(output);
    let says: Vec<&str> = found.iter().map(|one| one.says.as_str()).collect();
    assert_eq!(says, ["error[a]: it fails", "warning[b]: it is old"]);
    assert_eq!(
        found[0].help,
        [
            "Add this:\n    {\"a\": 1}\nThe command, all else as it is:\n    aws iam x",
            "Or this."
        ]
    );
    assert!(found[1].help.is_empty());
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
