//! The text of a config file, line by line, as the AWS SDK for Rust reads it (`aws-runtime`, `env_config/parse.rs` and
//! `normalize.rs`), and edits of one profile in it.

use std::ops::Range;

/// What the SDKs take for blanks; no more than these.
const BLANKS: [char; 2] = [' ', '\t'];
const COMMENTS: [char; 2] = ['#', ';'];

/// A change of one property.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProfileEdit<'a> {
    /// It has this value.
    Set(&'a str, &'a str),
    /// It is not there.
    Remove(&'a str),
}

/// Why a profile cannot be changed in its place.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotEditable {
    /// Several sections make it, whose order matters to some readers and not to others.
    #[error("the profile {name} has more than one section, on lines {first} and {second}")]
    SeveralSections {
        /// The profile.
        name: String,
        /// Line of one, from 1.
        first: usize,
        /// Line of another, from 1.
        second: usize,
    },
}

/// A text, and where what is in it.
#[derive(Clone, Debug)]
pub struct ProfileText<'t> {
    text: &'t str,
    sections: Vec<Section<'t>>,
}

#[derive(Clone, Debug)]
struct Section<'t> {
    /// The profile that it is of; none for sections of another kind.
    profile: Option<&'t str>,
    /// Its line, from 1.
    line: usize,
    /// Where the last line of it that says something ends, with its line break.
    end: usize,
    properties: Vec<Property>,
}

#[derive(Clone, Debug)]
struct Property {
    /// In lower case.
    key: String,
    /// Its lines, the first of them and those that go on with its value.
    lines: Vec<Range<usize>>,
    /// Its value on the first line.
    value: Range<usize>,
}

impl<'t> ProfileText<'t> {
    /// Finds the sections and their properties. What no reader takes is passed over.
    pub fn read(text: &'t str) -> Self {
        let mut sections: Vec<Section<'t>> = Vec::new();
        let mut begins = 0;
        for (number, whole) in text.split_inclusive('\n').enumerate() {
            let place = begins..begins + whole.len();
            let line = text_of_line(whole);
            begins = place.end;
            if line.trim_matches(BLANKS).is_empty() || line.starts_with(COMMENTS) {
                continue;
            }
            if line.starts_with('[') {
                let header = without_comment(line, false);
                let inner = header.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
                sections.push(Section {
                    profile: inner.and_then(profile_of),
                    line: number + 1,
                    end: place.end,
                    properties: Vec::new(),
                });
                continue;
            }
            let Some(section) = sections.last_mut() else {
                continue;
            };
            section.end = place.end;
            if line.starts_with(BLANKS) {
                if let Some(property) = section.properties.last_mut() {
                    property.lines.push(place);
                }
            } else if let Some((key, value)) = without_comment(line, true).split_once('=') {
                let before = place.start + key.len() + 1;
                let trimmed = value.trim_start_matches(BLANKS);
                let from = before + (value.len() - trimmed.len());
                section.properties.push(Property {
                    key: key.trim_matches(BLANKS).to_ascii_lowercase(),
                    value: from..from + trimmed.trim_end_matches(BLANKS).len(),
                    lines: vec![place],
                });
            }
        }
        Self { text, sections }
    }

    /// The text with these changes to a profile; one that is not there is added at the end.
    ///
    /// Names and values must be such as no reader takes for something else.
    ///
    /// # Errors
    /// When the profile has several sections.
    pub fn edited(&self, profile: &str, edits: &[ProfileEdit<'_>]) -> Result<String, NotEditable> {
        let own: Vec<&Section<'t>> = self.sections_of(profile);
        let section = match own.as_slice() {
            [] => return Ok(self.with_section(profile, edits)),
            [section] => section,
            [first, second, ..] => {
                return Err(NotEditable::SeveralSections {
                    name: profile.to_owned(),
                    first: first.line,
                    second: second.line,
                });
            }
        };
        let mut changes: Vec<(Range<usize>, String)> = Vec::new();
        let mut added = String::new();
        for edit in edits {
            match edit {
                ProfileEdit::Set(key, value) => {
                    // The last of several counts.
                    let last = section.properties.iter().rfind(|property| property.key == *key);
                    match last {
                        Some(property) => {
                            changes.push((property.value.clone(), (*value).to_owned()));
                            let more = property.lines.iter().skip(1);
                            changes.extend(more.map(|line| (line.clone(), String::new())));
                        }
                        None => added.push_str(&self.line(key, value)),
                    }
                }
                ProfileEdit::Remove(key) => {
                    let named = section.properties.iter().filter(|property| property.key == *key);
                    let lines = named.flat_map(|property| &property.lines);
                    changes.extend(lines.map(|line| (line.clone(), String::new())));
                }
            }
        }
        if !added.is_empty() {
            let added = format!("{}{added}", self.missing_break(&self.text[..section.end]));
            changes.push((section.end..section.end, added));
        }
        Ok(self.with(changes))
    }

    /// The sections that make a profile. `[default]` counts only where there is no `[profile default]`.
    fn sections_of(&self, profile: &str) -> Vec<&Section<'t>> {
        let named = |name: &str| -> Vec<&Section<'t>> {
            let mut all = self.sections.iter();
            all.by_ref()
                .filter(|section| section.profile == Some(name))
                .collect()
        };
        let own = named(profile);
        if own.is_empty() && profile == DEFAULT {
            return named(UNPREFIXED_DEFAULT);
        }
        own
    }

    fn with_section(&self, profile: &str, edits: &[ProfileEdit<'_>]) -> String {
        let line_break = self.line_break();
        let mut text = self.text.to_owned();
        if !text.is_empty() {
            text.push_str(self.missing_break(self.text));
            text.push_str(line_break);
        }
        let header = if profile == DEFAULT {
            "[default]".to_owned()
        } else {
            format!("[profile {profile}]")
        };
        text.push_str(&header);
        text.push_str(line_break);
        for edit in edits {
            if let ProfileEdit::Set(key, value) = edit {
                text.push_str(&self.line(key, value));
            }
        }
        text
    }

    fn line(&self, key: &str, value: &str) -> String {
        format!("{key} = {value}{}", self.line_break())
    }

    /// That of the file, by its first line.
    fn line_break(&self) -> &'static str {
        match self.text.split_inclusive('\n').next() {
            Some(line) if line.ends_with("\r\n") => "\r\n",
            _ => "\n",
        }
    }

    /// What is missing at the end of `before` for another line to begin.
    fn missing_break(&self, before: &str) -> &'static str {
        match before.as_bytes().last() {
            Some(b'\n') => "",
            Some(b'\r') => "\n",
            _ => self.line_break(),
        }
    }

    fn with(&self, mut changes: Vec<(Range<usize>, String)>) -> String {
        changes.sort_by_key(|(place, _)| place.start);
        let mut text = String::with_capacity(self.text.len());
        let mut at = 0;
        for (place, new) in changes {
            text.push_str(&self.text[at..place.start]);
            text.push_str(&new);
            at = place.end;
        }
        text.push_str(&self.text[at..]);
        text
    }
}

const DEFAULT: &str = "default";
/// The name under which a section `[default]` is kept apart: no profile has a blank in its name.
const UNPREFIXED_DEFAULT: &str = " default";

/// The profile that a section is of, by what is between its brackets.
fn profile_of(inner: &str) -> Option<&str> {
    let inner = inner.trim_matches(BLANKS);
    match inner.split_once(BLANKS) {
        Some((prefix, name)) => (prefix.trim() == "profile").then(|| name.trim()),
        None => (inner.trim() == DEFAULT).then_some(UNPREFIXED_DEFAULT),
    }
}

/// A line without its line break. The last line may have half of one: what is written behind it makes it whole.
fn text_of_line(line: &str) -> &str {
    let line = line.strip_suffix('\n').unwrap_or(line);
    line.strip_suffix('\r').unwrap_or(line)
}

/// A line up to its comment, which in a value begins behind a blank, without blanks at its end.
fn without_comment(line: &str, needs_blank: bool) -> &str {
    let mut is_behind_blank = false;
    for (at, character) in line.char_indices() {
        if COMMENTS.contains(&character) && (is_behind_blank || !needs_blank) {
            return line[..at].trim_end_matches(BLANKS);
        }
        is_behind_blank = character.is_whitespace();
    }
    line.trim_end_matches(BLANKS)
}

#[cfg(test)]
mod tests {
    use super::*;

    const EDITS: [ProfileEdit<'static>; 1] = [ProfileEdit::Set("region", "eu-west-1")];

    /// Fuzzing found it: the profile was not seen, and came into the file a second time.
    #[test]
    fn half_a_line_break_at_the_end_hides_no_profile() {
        for text in [
            "[profile dev]\r",
            "[profile dev]\r\nregion = x\r",
            "[profile dev]\r\nregion = eu-west-1\r",
            "[profile other]\r\n[profile dev]\r",
        ] {
            let written = ProfileText::read(text).edited("dev", &EDITS).unwrap();
            assert_eq!(written.matches("[profile dev]").count(), 1, "{written:?}");
            assert_eq!(written.matches("region = eu-west-1").count(), 1, "{written:?}");
            assert_eq!(
                ProfileText::read(&written).edited("dev", &EDITS).unwrap(),
                written
            );
        }
    }
}
