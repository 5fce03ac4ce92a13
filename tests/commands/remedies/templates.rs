//! The remedies of the source: every `remedy!` with its literal, and which of them a printed text is.

use std::{fs, path::Path};

/// One `remedy!("…")`.
struct Template {
    /// `src/cli/run/flow.rs:238`.
    place: String,
    /// As it is written, without line breaks.
    text: String,
    /// What stands between the placeholders.
    parts: Vec<String>,
}

/// All of them.
pub(super) struct Templates(Vec<Template>);

impl Templates {
    pub(super) fn of_the_source() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut found = Vec::new();
        for rooms in ["src", "crates"] {
            read_folder(root, &root.join(rooms), &mut found);
        }
        assert!(found.len() > 200, "the search for `remedy!` finds too little");
        Self(found)
    }

    /// The remedies that no case tries.
    pub(super) fn untried(&self, tried: &[String]) -> Vec<String> {
        let mut seen: Vec<&[String]> = Vec::new();
        for text in tried {
            seen.extend(self.of(text));
        }
        // What two places say in the same words is one remedy.
        let untried = self
            .0
            .iter()
            .filter(|template| !seen.contains(&template.parts.as_slice()));
        untried
            .map(|template| format!("no case tries {}: {}", template.place, template.text))
            .collect()
    }

    /// The template that a text comes from, or the two that it was put together from.
    fn of(&self, text: &str) -> Vec<&[String]> {
        let text = &on_one_line(text);
        let whole = self.best(text).map(|(weight, found)| (weight, vec![found]));
        let pairs = text.match_indices(". ").filter_map(|(end, _)| {
            let (first, second) = (self.best(&text[..=end])?, self.best(&text[end + 2..])?);
            Some((first.0 + second.0, vec![first.1, second.1]))
        });
        let best = whole.into_iter().chain(pairs).max_by_key(|(weight, _)| *weight);
        best.map(|(_, found)| found).unwrap_or_default()
    }

    /// The most particular template of a text, with the length of what it says itself.
    fn best(&self, text: &str) -> Option<(usize, &[String])> {
        let fitting = self.0.iter().filter(|template| fits(&template.parts, text));
        let weighed = fitting.map(|template| {
            let weight: usize = template.parts.iter().map(String::len).sum();
            (weight, template.parts.as_slice())
        });
        weighed.max_by_key(|(weight, _)| *weight)
    }
}

/// Whether `text` begins with the first part, ends with the last and has the others between, in their order. As a sentence
/// it may begin with a capital and end with a full stop.
fn fits(parts: &[String], text: &str) -> bool {
    let (Some(first), Some(last)) = (parts.first(), parts.last()) else {
        return false;
    };
    let same = |a: &str, b: &str| a.get(..1).map(str::to_lowercase) == b.get(..1).map(str::to_lowercase);
    let begins = first.is_empty()
        || text.len() >= first.len()
            && text.is_char_boundary(first.len())
            && same(text, first)
            && text.get(1..first.len()).unwrap_or_default() == first.get(1..).unwrap_or_default();
    if !begins {
        return false;
    }
    if parts.len() == 1 {
        return text.len() == first.len() || text.len() == first.len() + 1 && text.ends_with('.');
    }
    let Some(middle) = text[first.len()..]
        .strip_suffix(last.as_str())
        .or_else(|| text[first.len()..].strip_suffix('.')?.strip_suffix(last.as_str()))
    else {
        return false;
    };
    let mut rest = middle;
    for part in &parts[1..parts.len() - 1] {
        match rest.split_once(part.as_str()) {
            Some((_, behind)) => rest = behind,
            None => return false,
        }
    }
    true
}

fn read_folder(root: &Path, folder: &Path, found: &mut Vec<Template>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            read_folder(root, &path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let source = fs::read_to_string(&path).unwrap();
            let name = path.strip_prefix(root).unwrap().display().to_string();
            let is_home = name == "crates/message/src/remedy.rs";
            assert!(
                is_home || !source.contains("of_template"),
                "{name} makes a remedy without remedy!"
            );
            if !is_home {
                read_file(&name, &source, found);
            }
        }
    }
}

fn read_file(name: &str, source: &str, found: &mut Vec<Template>) {
    for (at, call) in source.match_indices("remedy!(") {
        let rest = source[at + call.len()..].trim_start();
        let line = source[..at].matches('\n').count() + 1;
        let literal = rest
            .strip_prefix('"')
            .unwrap_or_else(|| panic!("{name}:{line}: `remedy!` begins with a literal in quotes"));
        // How lines are broken is the view's matter.
        let text = on_one_line(&unescaped(literal));
        found.push(Template {
            place: format!("{name}:{line}"),
            parts: parts(&text),
            text,
        });
    }
}

fn on_one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A string literal's text, from behind its first quote.
fn unescaped(literal: &str) -> String {
    let mut text = String::new();
    let mut letters = literal.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '"' => break,
            '\\' => match letters.next() {
                Some('\n') => while letters.next_if(|next| next.is_whitespace()).is_some() {},
                Some('n') => text.push('\n'),
                Some(other) => text.push(other),
                None => break,
            },
            other => text.push(other),
        }
    }
    text
}

/// What stands between the placeholders of a template.
fn parts(template: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut letters = template.chars().peekable();
    while let Some(letter) = letters.next() {
        let last = parts.last_mut().unwrap();
        match letter {
            '{' | '}' if letters.next_if_eq(&letter).is_some() => last.push(letter),
            '{' => {
                while letters.next().is_some_and(|inner| inner != '}') {}
                parts.push(String::new());
            }
            other => last.push(other),
        }
    }
    parts
}

#[test]
fn remedy_templates_are_found_in_what_is_printed() {
    let template = |text: &str| Template {
        place: String::new(),
        parts: parts(text),
        text: text.to_owned(),
    };
    let all = Templates(vec![
        template("write `{x}`"),
        template("write `{x}` or `{y}`, not `{{z}}`"),
        template("Pass --allow {} to do it."),
        template("bind it"),
        template("{}; then read it"),
    ]);
    let of = |text: &str| -> Vec<usize> {
        let found = all.of(text);
        let place = |parts: &&[String]| all.0.iter().position(|known| known.parts == *parts).unwrap();
        found.iter().map(place).collect()
    };
    assert_eq!(of("write `a`"), [0]);
    assert_eq!(of("Write `a` or `b`, not `{z}`."), [1]);
    assert_eq!(of("Bind it. Pass --allow x to do it."), [3, 2]);
    assert_eq!(of("save it; then read it"), [4]);
    assert!(all.of("bind it not").is_empty());
    assert_eq!(unescaped("a \\\"b\\\" \\\n      c\" d"), "a \"b\" c");
}
