//! Commands of a verb and a noun: the table of them in `src/cli/nouns/mod.rs`, the files of the nouns, and what a command is called.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use crate::commands::rooms;

/// The verbs of the table.
const VERBS: [&str; 6] = ["create", "get", "update", "delete", "associate", "disassociate"];

/// The source of each noun: of its file, or of all files of its folder.
fn nouns() -> BTreeMap<String, String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/cli/nouns");
    let mut all = Vec::new();
    rooms::files(&folder, &mut all);
    let mut nouns: BTreeMap<String, String> = BTreeMap::new();
    for file in all {
        let within = file.strip_prefix(&folder).unwrap().with_extension("");
        let noun = within.iter().next().unwrap().to_str().unwrap().to_owned();
        nouns
            .entry(noun)
            .or_default()
            .push_str(&fs::read_to_string(&file).unwrap());
    }
    // What they share, and the table itself.
    nouns.remove("list");
    nouns.remove("mod");
    assert!(nouns.len() > 6, "{:?}", nouns.keys());
    nouns
}

/// The words of the imports from the command line's own modules.
fn imported(source: &str) -> BTreeSet<&str> {
    ["use crate::cli", "use super"]
        .into_iter()
        .flat_map(|start| source.split(start).skip(1))
        .filter_map(|rest| rest.split(';').next())
        .flat_map(|names| names.split(|letter: char| !letter.is_alphanumeric() && letter != '_'))
        .collect()
}

/// A noun more is then its own file and lines in the table.
#[test]
fn nouns_do_not_name_each_other() {
    let nouns = nouns();
    for (noun, source) in &nouns {
        let others = nouns.keys().filter(|other| *other != noun);
        let named: Vec<&String> = others
            .filter(|other| imported(source).contains(other.as_str()))
            .collect();
        assert_eq!(named, [""; 0], "{noun}");
    }
    // The look itself.
    let source = "use super::list::X;\nuse crate::cli::{\n    nouns::cluster::{self, Y},\n};\nuse core::access_entry;\n";
    let imported = imported(source);
    assert!(imported.contains("list") && imported.contains("cluster"));
    assert!(!imported.contains("access_entry"));
}

/// What a command saves as its own words, for whoever needs its plan anew, is what it is called.
#[test]
fn nouns_call_their_commands_by_names_that_there_are() {
    let mut seen = 0;
    for (noun, source) in nouns() {
        let ends = [".end(", ".end_over("].into_iter();
        for call in ends.flat_map(|call| source.split(call).skip(1)) {
            let words = call.split('"').nth(1).unwrap();
            let mut command = &eksact::cli::command();
            for word in words.split(' ') {
                command = command
                    .get_subcommands()
                    .find(|below| below.get_name() == word)
                    .unwrap_or_else(|| panic!("{noun}: there is no `eksact {words}`"));
            }
            seen += 1;
        }
    }
    assert!(seen > 14, "{seen}");
}

/// The help of every verb lists nouns in one order.
#[test]
fn nouns_stand_in_one_order_under_every_verb() {
    let root = eksact::cli::command();
    let mut before: BTreeSet<(String, String)> = BTreeSet::new();
    for verb in VERBS {
        let verb = root.find_subcommand(verb).unwrap();
        let nouns: Vec<&str> = verb.get_subcommands().map(clap::Command::get_name).collect();
        for (place, noun) in nouns.iter().enumerate() {
            for later in &nouns[place + 1..] {
                assert!(
                    !before.contains(&((*later).to_owned(), (*noun).to_owned())),
                    "{}: {later} stands before {noun} elsewhere",
                    verb.get_name()
                );
                before.insert(((*noun).to_owned(), (*later).to_owned()));
            }
        }
    }
    assert!(before.len() > 10);
}
