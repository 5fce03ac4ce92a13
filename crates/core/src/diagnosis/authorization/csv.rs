//! The answer to who may as CSV (RFC 4180): one row a path, cells that a spreadsheet would take for a formula made harmless.

use super::{reach::Namespaces, who_can::WhoCan};
use crate::view::text::harmless;

/// The names of the columns.
const HEADER: [&str; 11] = [
    "kind",
    "subject",
    "how",
    "verdict",
    "via",
    "becomes",
    "binding",
    "role",
    "rule",
    "scope",
    "dependsOn",
];

/// One more, where each namespace is asked about.
const NAMESPACES: &str = "namespaces";

/// The table.
pub fn csv(answer: &WhoCan) -> String {
    let each_namespace = answer.namespaces.is_some();
    let whole = |cells: [&str; 11], namespaces: &str| {
        let mut all = cells.to_vec();
        if each_namespace {
            all.push(namespaces);
        }
        line(&all)
    };
    let names = |namespaces: &Option<Namespaces>| {
        let names = namespaces
            .as_ref()
            .map(|namespaces| namespaces.words().join(", "));
        names.unwrap_or_default()
    };
    let mut text = whole(HEADER, NAMESPACES);
    for row in &answer.direct {
        let (kind, name) = (row.actor.kind(), row.actor.name());
        let verdict = row.verdict.as_str();
        for path in &row.paths {
            let cells = [
                kind,
                &name,
                "direct",
                verdict,
                path.via.as_deref().unwrap_or_default(),
                "",
                &path.reason.binding,
                &path.reason.role,
                &path.reason.rule,
                &path.reason.scope,
                "",
            ];
            text += &whole(cells, &names(&path.namespaces));
        }
        for what in &row.depends_on {
            let cells = [kind, &name, "direct", verdict, "", "", "", "", "", "", what];
            text += &whole(cells, &names(&row.namespaces));
        }
    }
    for row in &answer.can_become {
        let cells = [
            row.actor.kind(),
            &row.actor.name(),
            &format!("can become: {}", row.by),
            row.verdict.as_str(),
            row.via.as_deref().unwrap_or_default(),
            &row.becomes,
            &row.reason.binding,
            &row.reason.role,
            &row.reason.rule,
            &row.reason.scope,
            row.depends_on.as_deref().unwrap_or_default(),
        ];
        text += &whole(cells, &names(&row.namespaces));
    }
    text
}

/// A row of these cells, with its end.
pub(in crate::diagnosis) fn line(cells: &[&str]) -> String {
    let cells: Vec<String> = cells.iter().map(|text| cell(text)).collect();
    cells.join(",") + "\r\n"
}

/// A cell: on one line without what a terminal would obey, quoted where it must be, and behind an apostrophe where a spreadsheet would
/// calculate (OWASP, "CSV injection").
fn cell(text: &str) -> String {
    let text = harmless(text);
    let text = if text.starts_with(['=', '+', '-', '@']) {
        format!("'{text}")
    } else {
        text.into_owned()
    };
    if text.contains(['"', ',']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_neither_broken_nor_calculated() {
        for (text, expected) in [
            ("nina", "nina"),
            ("a,b", "\"a,b\""),
            ("say \"x\"", "\"say \"\"x\"\"\""),
            ("=cmd()", "'=cmd()"),
            ("@x,y", "\"'@x,y\""),
            ("a=b", "a=b"),
            ("a\u{1b}[2J\nb", "a\u{fffd}[2J b"),
        ] {
            assert_eq!(cell(text), expected, "{text}");
        }
    }
}
