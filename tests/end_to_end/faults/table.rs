//! The document: one section a test, made from its rows, and written with `EKSACT_BLESS=1`.

use std::{
    env,
    fmt::Write as _,
    fs,
    sync::{Mutex, PoisonError},
};

use super::Row;

const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/faults.md");
/// The sections, in their order in the document.
const SECTIONS: [&str; 11] = [
    "answers-of-aws",
    "answers-of-kubernetes",
    "kube-apiserver-killed",
    "kube-apiserver-silent",
    "etcd-killed",
    "etcd-silent",
    "authenticator",
    "network",
    "disk",
    "clock",
    "ending",
];
/// Fewer would not be worth a table.
const ROWS: usize = 60;

/// The tests of the sections run side by side.
static DOCUMENT: Mutex<()> = Mutex::new(());

fn begin_of(section: &str) -> String {
    format!("<!-- rows: {section} -->\n")
}

const END: &str = "<!-- end of rows -->\n";

/// The place of a section's rows in the document.
fn place(document: &str, section: &str) -> std::ops::Range<usize> {
    let begin = begin_of(section);
    let at = document
        .find(&begin)
        .unwrap_or_else(|| panic!("docs/faults.md has no `{}`", begin.trim()));
    let from = at + begin.len();
    let length = document[from..].find(END).unwrap();
    from..from + length
}

/// Compares the rows with those of the document, or writes them there.
pub(super) fn check(section: &str, rows: &[Row]) {
    assert!(SECTIONS.contains(&section), "{section} is not in the list");
    let mut text = "\n| fault | command | exit | within | the world afterwards | what the user reads |\n|---|---|---|---|---|---|\n".to_owned();
    for row in rows {
        let told = if row.told.is_empty() { "—" } else { &row.told };
        let told = told.replace('|', "\\|").replace('<', "\\<");
        let _ = writeln!(
            text,
            "| {} | `{}` | {} | {} s | {} | {told} |",
            row.fault, row.command, row.ended, row.within, row.world
        );
    }
    text += "\n";
    let _turn = DOCUMENT.lock().unwrap_or_else(PoisonError::into_inner);
    let mut document = fs::read_to_string(PATH).unwrap();
    let place = place(&document, section);
    if env::var_os("EKSACT_BLESS").is_some() {
        document.replace_range(place, &text);
        fs::write(PATH, document).unwrap();
        return;
    }
    let lines = |text: &str| text.lines().map(ToOwned::to_owned).collect::<Vec<_>>();
    let (written, seen) = (lines(&document[place]), lines(&text));
    let differing: Vec<_> = seen.iter().filter(|line| !written.contains(line)).collect();
    assert!(
        written == seen,
        "docs/faults.md, {section}: this was seen, and the document has it otherwise: {differing:#?}\nEKSACT_BLESS=1 cargo test --test test_bed faults"
    );
}

#[test]
fn document_has_rows_enough_and_no_others() {
    if env::var_os("EKSACT_BLESS").is_some() {
        // The others are writing it.
        return;
    }
    let document = fs::read_to_string(PATH).unwrap();
    assert_eq!(document.matches("<!-- rows: ").count(), SECTIONS.len());
    let rows: Vec<usize> = SECTIONS
        .iter()
        .map(|section| {
            let rows = document[place(&document, section)]
                .lines()
                .filter(|line| line.starts_with("| "));
            rows.count() - 1
        })
        .collect();
    assert!(rows.iter().sum::<usize>() >= ROWS, "{rows:?}");
}
