//! Text from elsewhere inside of Markdown: it stays text, whatever is in it. GitHub turns more than Markdown into links
//! and notices (`@team`, `#12`, `www.…`, commits, emoji), but never inside of code; so values are code.

use super::super::text::harmless;

/// `text` as a code span. Its delimiter is longer than any run of backticks in it.
pub(in super::super) fn code(text: &str) -> String {
    let text = match harmless(text) {
        text if text.is_empty() => "\"\"".into(),
        text => text,
    };
    let delimiter = "`".repeat(longest_run(&text) + 1);
    // One space on each side is taken away again by readers, and keeps a backtick of the text from the delimiter.
    let has_backtick = text.starts_with('`') || text.ends_with('`');
    let has_spaces = text.starts_with(' ') && text.ends_with(' ') && text.trim() != "";
    let space = if has_backtick || has_spaces { " " } else { "" };
    format!("{delimiter}{space}{text}{space}{delimiter}")
}

/// A sentence that names values: its words stay words; what it has in backticks, and what is not plainly a word of a
/// language, is code.
pub(in super::super) fn prose(text: &str) -> String {
    let text = harmless(text);
    let parts: Vec<&str> = text.split('`').collect();
    let is_paired = parts.len() % 2 == 1 && parts.iter().skip(1).step_by(2).all(|part| !part.is_empty());
    if !is_paired {
        return words(&text);
    }
    let mut written = String::new();
    for (index, part) in parts.iter().enumerate() {
        let piece = if index % 2 == 1 { code(part) } else { words(part) };
        // Two delimiters side by side would be one.
        let apart = written.ends_with('`') && piece.starts_with('`');
        let has_space = index > 0 && part.starts_with(' ') && index % 2 == 0;
        if apart || (has_space && !piece.is_empty()) {
            written.push(' ');
        }
        written.push_str(&piece);
        if index % 2 == 0 && part.ends_with(' ') && !written.ends_with(' ') && index + 1 < parts.len() {
            written.push(' ');
        }
    }
    written.trim().to_owned()
}

fn words(text: &str) -> String {
    let mut written: Vec<String> = Vec::new();
    // Values beside each other, such as a command, are one piece of code.
    let mut values: Vec<&str> = Vec::new();
    let end = |values: &mut Vec<&str>, written: &mut Vec<String>, trail: &str| {
        if !values.is_empty() {
            written.push(format!("{}{trail}", code(&values.join(" "))));
            values.clear();
        }
    };
    for whole in text.split(' ').filter(|word| !word.is_empty()) {
        let core = whole.trim_start_matches(['(', '"', '\'']);
        let lead = &whole[..whole.len() - core.len()];
        let inner = core.trim_end_matches(['.', ',', ';', ':', '!', '?', ')', '"', '\'']);
        let trail = &core[inner.len()..];
        // A word with hyphens behind a value belongs to it: `--allow oidc-provider-in-use`.
        let is_part = !values.is_empty() && lead.is_empty() && inner.contains('-');
        if is_word(inner) && !is_part {
            end(&mut values, &mut written, "");
            written.push(whole.to_owned());
        } else if lead.is_empty() {
            values.push(inner);
            if !trail.is_empty() {
                end(&mut values, &mut written, trail);
            }
        } else {
            end(&mut values, &mut written, "");
            written.push(format!("{lead}{}{trail}", code(inner)));
        }
    }
    end(&mut values, &mut written, "");
    written.join(" ")
}

/// Whether `word` is of letters or a number, or letters with single hyphens or apostrophes between them: nothing in
/// Markdown or on GitHub makes something of those.
fn is_word(word: &str) -> bool {
    if matches!(word, "" | "·" | "→" | "…" | "–" | "—") || word.chars().all(|c| c.is_ascii_digit()) {
        return true;
    }
    word.split(['-', '\'', '’'])
        .all(|part| !part.is_empty() && part.chars().all(char::is_alphabetic))
}

/// `text` inside of HTML.
pub(in super::super) fn html(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in harmless(text).chars() {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    safe
}

/// Lines in a fence that none of them can close.
pub(super) fn fence(info: &str, lines: &[String]) -> String {
    let longest = lines.iter().map(|line| longest_run(line)).max().unwrap_or(0);
    let fence = "`".repeat(3.max(longest + 1));
    format!("{fence}{info}\n{}\n{fence}\n", lines.join("\n"))
}

fn longest_run(text: &str) -> usize {
    text.split(|character| character != '`')
        .map(str::len)
        .max()
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_code_whatever_is_in_them() {
        for (text, written) in [
            ("plain", "`plain`"),
            ("", "`\"\"`"),
            ("a`b", "``a`b``"),
            ("`", "`` ` ``"),
            ("```", "```` ``` ````"),
            (" a ", "`  a  `"),
            ("one\ntwo", "`one two`"),
            ("@team</details>", "`@team</details>`"),
            ("a\u{202e}b", "`a\u{fffd}b`"),
        ] {
            assert_eq!(code(text), written);
        }
    }

    #[test]
    fn sentences_keep_their_words() {
        for (text, written) in [
            ("3 roles still trust it.", "3 roles still trust it."),
            (
                "the stack eksctl-prod-x1 is in UPDATE_FAILED.",
                "the stack `eksctl-prod-x1` is in `UPDATE_FAILED`.",
            ),
            (
                "To do it anyway: --allow oidc-provider-in-use",
                "To do it anyway: `--allow oidc-provider-in-use`",
            ),
            (
                "ask @team, #12 (see www.x.org)",
                "ask `@team`, `#12` (see `www.x.org`)",
            ),
            (
                "Plan for prod (111122223333, eu-west-1): 2 to create · 1 gives more access.",
                "Plan for prod (111122223333, `eu-west-1`): 2 to create · 1 gives more access.",
            ),
            (
                "run `kubectl -n app get pods`, then wait",
                "run `kubectl -n app get pods`, then wait",
            ),
            ("`a`b`c` v1`d`", "`a`b`c` `v1` `d`"),
            ("one ` alone, and ``", "one `` ` `` alone, and ``` `` ```"),
            ("a  **b** <script> c_d", "a `**b** <script> c_d`"),
            (":smile: GH-1 --- 1) don't", "`:smile`: `GH-1 ---` 1) don't"),
        ] {
            assert_eq!(prose(text), written);
        }
    }

    #[test]
    fn fence_is_longer_than_what_is_in_it() {
        assert_eq!(fence("diff", &["+ a".to_owned()]), "```diff\n+ a\n```\n");
        assert_eq!(fence("", &["  ````".to_owned()]), "`````\n  ````\n`````\n");
    }
}
