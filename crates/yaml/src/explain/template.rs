//! Templates in a file that another tool was to fill in: `{{NAME}}` and `{% if %}`.

use eksact_message::remedy::Remedy;

/// The first template of a line, up to its end or that of the line, and the byte at which it begins.
pub(super) fn first(line: &str) -> Option<(usize, &str)> {
    [("{{", "}}"), ("{%", "%}")]
        .into_iter()
        .find_map(|(open, close)| {
            let start = line.find(open)?;
            let rest = line.get(start..)?;
            let end = rest.find(close).map_or(rest.len(), |end| end + close.len());
            Some((start, rest.get(..end)?))
        })
}

/// What to do about a template.
pub fn help(template: &str) -> Remedy {
    if template.starts_with("{%") {
        remedy!("render the template first, or write what it stands for")
    } else if name(template).starts_with('.') || template.contains(" .Values.") {
        remedy!("render the chart first, for example with `helm template`, or write the value itself")
    } else {
        remedy!("render the template first, or write the value itself")
    }
}

/// What stands between the braces.
pub fn name(template: &str) -> &str {
    template
        .trim_matches(|c: char| matches!(c, '{' | '}' | '%' | '-'))
        .trim()
}
