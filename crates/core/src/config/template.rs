//! Files that another tool was to fill in first: `{{NAME}}` or `{% if %}` without quotes, which YAML takes for mappings, or
//! for nothing at all. Each is told once, by its name, in place of what YAML makes of it.

use super::diagnostic::quoted;
use super::finding::Finding;
use super::path::FieldPath;
use super::source::Position;
use eksact_message::code::Code;
use eksact_message::remedy::Remedy;
use eksact_yaml::explain::template::{self, name};

/// Texts that the authenticator fills in itself.
const OF_THE_AUTHENTICATOR: [&str; 5] = [
    "SessionName",
    "SessionNameRaw",
    "AccountID",
    "AccessKeyID",
    "EC2PrivateDNSName",
];
/// More of them than this are not told.
const MOST: usize = 20;

/// A template without quotes, and where it stands.
#[derive(Debug, PartialEq, Eq)]
struct Template<'t> {
    text: &'t str,
    at: Position,
    /// Where it is in the text, in bytes.
    start: usize,
}

/// What is to be said of the templates without quotes in `text`; nothing where there are none.
pub(super) fn check(text: &str) -> Vec<(Position, Finding)> {
    let mut found: Vec<(Template<'_>, usize)> = Vec::new();
    for template in unquoted(text) {
        let name = name(template.text);
        if let Some((_, count)) = found.iter_mut().find(|(first, _)| self::name(first.text) == name) {
            *count += 1;
        } else if found.len() < MOST {
            found.push((template, 1));
        }
    }
    found
        .into_iter()
        .map(|(template, count)| {
            let name = name(template.text);
            let finding = if OF_THE_AUTHENTICATOR.contains(&name) {
                let message = format!("{} needs quotes{}", quoted(template.text), times(count));
                Finding::error(Code::Placeholder, FieldPath::default(), message).help(remedy!(
                    "write '{{{{{name}}}}}': without quotes YAML reads it as a mapping"
                ))
            } else {
                let mut finding = unexpanded(template.text, FieldPath::default());
                finding.message.push_str(&times(count));
                finding
            };
            (template.at, finding)
        })
        .collect()
}

/// That something was not filled in.
pub(super) fn unexpanded(text: &str, path: FieldPath) -> Finding {
    let message = format!("{} is not expanded by eksact", quoted(text));
    Finding::error(Code::Placeholder, path, message).help(help(text))
}

/// How often it is there, where it is there more than once.
pub(super) fn times(count: usize) -> String {
    match count {
        0 | 1 => String::new(),
        count => format!("; it is there {count} times"),
    }
}

fn help(text: &str) -> Remedy {
    if text.starts_with('{') {
        template::help(text)
    } else if text.starts_with('$') && !text.starts_with("$(") {
        remedy!("fill it in first, for example with envsubst")
    } else {
        remedy!("write the value itself")
    }
}

/// The text with every template replaced by a word as long, to see what else is wrong with it.
pub(super) fn masked(text: &str) -> String {
    let mut masked = String::with_capacity(text.len());
    let mut rest = 0;
    for template in unquoted(text) {
        masked.push_str(text.get(rest..template.start).unwrap_or_default());
        // A statement has a line of its own: no value.
        let filling = if template.text.starts_with("{%") || template.text.starts_with('$') {
            ['#', ' ']
        } else {
            ['x', 'x']
        };
        let [first, other] = filling;
        let length = template.text.chars().count();
        masked.push(first);
        masked.extend(std::iter::repeat_n(other, length.saturating_sub(1)));
        rest = template.start + template.text.len();
    }
    masked.push_str(text.get(rest..).unwrap_or_default());
    masked
}

/// The templates in `text` that stand in no quotes, no comment and no block of text.
fn unquoted(text: &str) -> Vec<Template<'_>> {
    let mut found = Vec::new();
    let mut start = 0;
    // The indentation of the line under which a block of text stands.
    let mut block: Option<usize> = None;
    for (line_number, line) in (1..).zip(text.split_inclusive('\n')) {
        let indentation = line.len() - line.trim_start_matches(' ').len();
        let is_blank = line.trim().is_empty();
        if block.is_some_and(|above| is_blank || indentation > above) {
            start += line.len();
            continue;
        }
        block = None;
        // A variable that is a whole line stands for whole lines, which YAML cannot know.
        let word = line.trim();
        if let Some(inside) = word.strip_prefix("${")
            && inside.find('}').is_some_and(|end| end + 1 == inside.len())
        {
            found.push(Template {
                text: word,
                at: Position {
                    line: line_number,
                    column: u32::try_from(indentation + 1).unwrap_or(u32::MAX),
                },
                start: start + line.len() - line.trim_start().len(),
            });
            start += line.len();
            continue;
        }
        let code = scan(line, |at, template| {
            let column = line.get(..at).unwrap_or_default().chars().count() + 1;
            found.push(Template {
                text: template,
                at: Position {
                    line: line_number,
                    column: u32::try_from(column).unwrap_or(u32::MAX),
                },
                start: start + at,
            });
        });
        if opens_block(code) {
            block = Some(indentation);
        }
        start += line.len();
    }
    found
}

/// Whether a line ends in `|` or `>`, under which a block of text stands.
fn opens_block(code: &str) -> bool {
    let last = code.split_whitespace().next_back().unwrap_or_default();
    let sign = last.trim_end_matches(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-'));
    matches!(sign, "|" | ">") && code.trim() != last
}

/// Tells each template of a line by its place, and gives the line without its comment.
fn scan<'t>(line: &'t str, mut tell: impl FnMut(usize, &'t str)) -> &'t str {
    let mut quote: Option<char> = None;
    let mut before = ' ';
    let mut at = 0;
    while let Some(rest) = line.get(at..).filter(|rest| !rest.is_empty()) {
        let Some(character) = rest.chars().next() else {
            break;
        };
        match quote {
            Some(open) => {
                if character == '\\' && open == '"' {
                    at += 1 + rest.chars().nth(1).map_or(0, char::len_utf8);
                    continue;
                }
                if character == open {
                    quote = None;
                }
            }
            None if character == '#' && before.is_whitespace() => return line.get(..at).unwrap_or_default(),
            None if matches!(character, '"' | '\'')
                && (before.is_whitespace() || "[{,:(".contains(before)) =>
            {
                quote = Some(character);
            }
            None => {
                // Mustache has three braces for what is not to be escaped.
                let found = [("{{{", "}}}"), ("{{", "}}"), ("{%", "%}")]
                    .into_iter()
                    .filter(|(open, _)| rest.starts_with(open))
                    .find_map(|(_, close)| Some(rest.find(close)? + close.len()));
                if let Some(length) = found {
                    tell(at, rest.get(..length).unwrap_or_default());
                    at += length;
                    before = '}';
                    continue;
                }
            }
        }
        before = character;
        at += character.len_utf8();
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> Vec<(u32, u32, String)> {
        let found = check(text).into_iter();
        found
            .map(|(at, finding)| (at.line, at.column, finding.message))
            .collect()
    }

    #[test]
    fn template_is_told_once_with_its_name() {
        let text = "metadata:\n  name: {{NAME}}\n  region: {{ REGION }}  # {{comment}}\nx: [{{ NAME }}, \"{{quoted}}\"]\n\
                    {% if a %}\ny: {{ .Values.y | default(\"z\") }}\n";
        assert_eq!(
            told(text),
            [
                (
                    2,
                    9,
                    "`{{NAME}}` is not expanded by eksact; it is there 2 times".to_owned()
                ),
                (3, 11, "`{{ REGION }}` is not expanded by eksact".to_owned()),
                (5, 1, "`{% if a %}` is not expanded by eksact".to_owned()),
                (
                    6,
                    4,
                    "`{{ .Values.y | default(\"z\") }}` is not expanded by eksact".to_owned()
                ),
            ]
        );
    }

    #[test]
    fn template_in_quotes_comments_and_blocks_is_text() {
        for text in [
            "a: '{{X}}'\n",
            "a: \"say \\\" {{X}}\"\n",
            "# {{X}}\na: b # {{X}}\n",
            "a: |\n  {{X}}\n\n  {% y %}\nb: c\n",
            "a:\n  - >-\n    {{X}}\n",
            "{\"a\": {\"b\": {}}}",
            "a: {b: {c: d}}\n",
        ] {
            assert_eq!(told(text), [], "{text}");
        }
        assert_eq!(told("a:\n  ${LINES}\n")[0].1, 3);
        assert_eq!(told("a:\n  ${\n  ${}x\n"), []);
        assert_eq!(told("a: {{{x}}}\n")[0].2, "`{{{x}}}` is not expanded by eksact");
        assert_eq!(told("a: {b: {{x}}}\n")[0].2, "`{{x}}` is not expanded by eksact");
        assert_eq!(told("a: it's {{X}}\n").len(), 1);
        assert_eq!(told("a: |\n  x\nb: {{X}}\n").len(), 1);
    }

    #[test]
    fn masked_text_keeps_its_place() {
        let text = "a: {{ X }}\n{% if %}\nb: [\n";
        assert_eq!(masked(text), "a: xxxxxxx\n#       \nb: [\n");
        assert_eq!(masked("a: b\n"), "a: b\n");
    }
}
