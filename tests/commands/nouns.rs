//! Commands of a verb and a noun: the table of them in `src/cli/nouns/mod.rs`, and the files of the nouns.

use std::{collections::BTreeSet, fs, path::Path};

use crate::commands::rooms;

/// The verbs of the table.
const VERBS: [&str; 6] = ["create", "get", "update", "delete", "associate", "disassociate"];

/// A noun more is then its own file and lines in the table.
#[test]
fn nouns_do_not_name_each_other() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/cli/nouns");
    let table = fs::read_to_string(folder.join("mod.rs")).unwrap();
    let lines = table.lines().map(|line| line.trim_start_matches("pub(crate) "));
    let nouns: Vec<&str> = lines
        .filter_map(|line| line.strip_prefix("mod ")?.strip_suffix(';'))
        // What they share.
        .filter(|module| *module != "list")
        .collect();
    assert!(nouns.len() > 6, "{nouns:?}");
    assert_eq!(rooms::named_siblings(&folder, "nouns::", &nouns), [""; 0]);
}

/// A shell offers flags in this order: what `get` has for eksctl's sake comes last.
#[test]
fn nouns_are_listed_by_the_flags_of_lists_in_their_order() {
    let root = eksact::cli::command();
    for noun in root.find_subcommand("get").unwrap().get_subcommands() {
        let flags: Vec<&str> = noun.get_arguments().map(|flag| flag.get_id().as_str()).collect();
        let place = |flag: &str| flags.iter().position(|other| *other == flag).unwrap();
        assert_eq!(place("output") + 1, place("chunk_size"), "{}", noun.get_name());
    }
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
