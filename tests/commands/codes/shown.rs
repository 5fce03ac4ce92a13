//! No stable code that is never shown. A code counts as shown where
//!
//! * a snapshot under `tests/` or the table of `docs/faults.md` has it as the program prints it, `error[code]`, or as JSON
//!   gives it, `"code": "code"`; or
//! * a test asserts it: a test's source has `Code::Name`, `[code]`, or the code as a word. A word alone does not count where
//!   it may mean something else: without a hyphen (`region`), or as a text that the program itself has (`shared-role`, the
//!   name of a kind). Nor does it in the table of remedies, which names codes that may be left as well.

use std::{collections::BTreeSet, fs, path::Path};

use eksact_message::code::Code;

use crate::commands::rooms;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// What is shown and what is asserted.
#[derive(Default)]
struct Seen {
    /// Snapshots, and the table of faults.
    shown: String,
    /// Sources of tests, without comments.
    tests: String,
    /// Words of those that are not remedies.
    words: BTreeSet<String>,
    /// Whole texts of the program.
    texts: BTreeSet<String>,
}

impl Seen {
    fn of_the_repository() -> Self {
        let root = Path::new(ROOT);
        let mut seen = Self::default();
        seen.snapshots(&root.join("tests"));
        seen.shown
            .push_str(&fs::read_to_string(root.join("docs/faults.md")).unwrap());
        let mut files = Vec::new();
        for folder in ["src", "crates", "tests"] {
            rooms::files(&root.join(folder), &mut files);
        }
        for file in files {
            let name = file.strip_prefix(root).unwrap().to_str().unwrap();
            // The table of codes has them all, and the rows here are made to be shown.
            if name != "crates/message/src/code.rs" && !name.starts_with("tests/commands/codes/") {
                seen.source(name, &without_comments(&fs::read_to_string(&file).unwrap()));
            }
        }
        seen
    }

    fn snapshots(&mut self, folder: &Path) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                self.snapshots(&path);
            } else if path.extension().is_some_and(|extension| extension == "snap") {
                self.shown.push_str(&fs::read_to_string(&path).unwrap());
            }
        }
    }

    fn source(&mut self, name: &str, text: &str) {
        let is_test = name.starts_with("tests/") || name.contains("/tests/") || name.ends_with("tests.rs");
        let (program, tests) = match text.split_once("#[cfg(test)]\nmod tests {") {
            _ if is_test => ("", text),
            Some((program, tests)) => (program, tests),
            None => (text, ""),
        };
        self.texts.extend(program.split('"').map(str::to_owned));
        self.tests.push_str(tests);
        if !name.starts_with("tests/commands/remedies/") {
            let is_of_none = |letter: char| !(letter.is_ascii_alphanumeric() || "-_/".contains(letter));
            self.words.extend(tests.split(is_of_none).map(str::to_owned));
        }
    }

    fn has(&self, code: &str) -> bool {
        let variant: String = code
            .split('-')
            .map(|word| word[..1].to_uppercase() + &word[1..])
            .collect();
        let is_printed = ["error", "warning", "note", "refused"]
            .iter()
            .any(|kind| self.shown.contains(&format!("{kind}[{code}]")));
        is_printed
            || self.shown.contains(&format!("\"code\": \"{code}\""))
            || self.tests.contains(&format!("[{code}]"))
            || self.tests.split("Code::").skip(1).any(|rest| {
                rest.strip_prefix(&variant)
                    .is_some_and(|rest| !rest.starts_with(|letter: char| letter.is_alphanumeric()))
            })
            || code.contains('-') && self.words.contains(code) && !self.texts.contains(code)
    }
}

fn without_comments(source: &str) -> String {
    let lines = source.lines().filter(|line| !line.trim_start().starts_with("//"));
    lines.flat_map(|line| [line, "\n"]).collect()
}

#[test]
fn codes_are_all_shown_by_a_test() {
    let seen = Seen::of_the_repository();
    let codes = Code::BY_AREA.iter().flat_map(|(_, codes)| *codes);
    let unseen: Vec<&str> = codes
        .map(|code| code.as_str())
        .filter(|code| !seen.has(code))
        .collect();
    assert!(
        unseen.is_empty(),
        "no test shows these codes; give each a row in tests/commands/codes, or a file in tests/fixtures/codes: {unseen:?}"
    );
}

/// Whose row or fixture is gone shows nothing any more.
#[test]
fn snapshots_of_codes_each_have_a_row_or_a_fixture() {
    let root = Path::new(ROOT);
    let codes = root.join("tests/commands/codes");
    let mut files = Vec::new();
    rooms::files(&codes, &mut files);
    files.retain(|file| !file.ends_with("shown.rs"));
    let rows: String = files
        .iter()
        .map(|file| without_comments(&fs::read_to_string(file).unwrap()))
        .collect();
    let fixtures = root.join("tests/fixtures/codes");
    let folders = [fixtures.clone(), fixtures.join("aws-auth")];
    let mut seen = 0;
    for entry in fs::read_dir(codes.join("snapshots")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let code = name.strip_suffix(".snap").unwrap_or(&name);
        let has_fixture = folders
            .iter()
            .any(|folder| folder.join(format!("{code}.yaml")).exists());
        assert!(has_fixture || rows.contains(&format!("\"{code}\"")), "{name}");
        seen += 1;
    }
    assert!(seen > 100, "{seen}");
}

/// `codes_are_all_shown_by_a_test` can fail.
#[test]
fn code_that_no_test_has_is_found_out() {
    let mut seen = Seen {
        shown: "error[shown-code]: x\n\"code\": \"json-code\"".to_owned(),
        ..Seen::default()
    };
    seen.source(
        "tests/commands/x.rs",
        "says(\"no asserted-code\") kind region \"[bracketed]\"",
    );
    seen.source("tests/commands/remedies/x.rs", "leaves(\"left-code\")");
    seen.source(
        "crates/core/src/x.rs",
        "const KIND: &str = \"kind-code\";\n#[cfg(test)]\nmod tests {\nCode::VariantCode, kind-code",
    );
    for code in [
        "shown-code",
        "json-code",
        "asserted-code",
        "bracketed",
        "variant-code",
    ] {
        assert!(seen.has(code), "{code}");
    }
    for code in [
        "shown",
        "region",
        "left-code",
        "kind-code",
        "variant",
        "asserted-code-x",
    ] {
        assert!(!seen.has(code), "{code}");
    }
}
