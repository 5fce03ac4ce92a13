//! The name rules of Kubernetes: `k8s.io/apimachinery` 0.34, `pkg/util/validation/validation.go`. Pure predicates.

use eksact_message::remedy::Remedy;

/// RFC 1123 label: a namespace. At most 63 of `[a-z0-9-]`, alphanumeric at both ends.
pub(crate) fn is_label(text: &str) -> bool {
    text.len() <= 63 && is_dashed(text)
}

/// RFC 1123 subdomain: a service account. At most 253, labels joined by dots.
pub(in crate::config) fn is_subdomain(text: &str) -> bool {
    text.len() <= 253 && text.split('.').all(is_dashed)
}

fn is_dashed(text: &str) -> bool {
    let end = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    text.starts_with(end) && text.ends_with(end) && text.chars().all(|c| end(c) || c == '-')
}

/// The key of a label: an optional DNS prefix with a slash, then at most 63 of `[A-Za-z0-9_.-]`, alphanumeric at both ends.
pub(in crate::config) fn is_label_key(text: &str) -> bool {
    match text.split_once('/') {
        Some((prefix, name)) => is_subdomain(prefix) && is_label_name(name),
        None => is_label_name(text),
    }
}

/// The key of an annotation: as a label's, with the letters of either case in its prefix.
pub(in crate::config) fn is_annotation_key(text: &str) -> bool {
    is_label_key(&text.to_lowercase())
}

/// The value of a label: nothing, or what the name part of a key may be.
pub(in crate::config) fn is_label_value(text: &str) -> bool {
    text.is_empty() || is_label_name(text)
}

fn is_label_name(text: &str) -> bool {
    let end = |c: char| c.is_ascii_alphanumeric();
    text.len() <= 63
        && text.starts_with(end)
        && text.ends_with(end)
        && text.chars().all(|c| end(c) || matches!(c, '-' | '_' | '.'))
}

/// What `text` could be turned into by lower case and hyphens, if that makes it a name.
pub(in crate::config) fn suggestion(text: &str, fits: fn(&str) -> bool) -> Option<String> {
    let candidate: String = text
        .chars()
        .take(253)
        .map(|c| {
            if c.is_ascii_alphanumeric() || c == '.' {
                c.to_ascii_lowercase()
            } else {
                '-'
            }
        })
        .collect();
    let candidate = candidate.trim_matches('-').to_owned();
    fits(&candidate).then_some(candidate)
}

/// What to write in place of what cannot be a namespace.
pub(in crate::config) fn label_help(text: &str) -> Remedy {
    taken(text, is_label).unwrap_or_else(|| {
        remedy!(
            "it has at most 63 lower-case letters, digits and hyphens, and a letter or digit at both ends"
        )
    })
}

/// What to write in place of what cannot be the name of a service account.
pub(in crate::config) fn subdomain_help(text: &str) -> Remedy {
    taken(text, is_subdomain).unwrap_or_else(|| {
        remedy!(
            "it has at most 253 lower-case letters, digits, hyphens and dots, and a letter or digit at both ends"
        )
    })
}

fn taken(text: &str, fits: fn(&str) -> bool) -> Option<Remedy> {
    suggestion(text, fits).map(|name| remedy!("Kubernetes would accept `{name}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn follows_kubernetes() {
        for (text, label, subdomain) in [
            ("app", true, true),
            ("a.b", false, true),
            ("App", false, false),
            ("", false, false),
            ("-a", false, false),
            ("a-", false, false),
            ("a..b", false, false),
            ("a_b", false, false),
            ("1", true, true),
        ] {
            assert_eq!(
                (is_label(text), is_subdomain(text)),
                (label, subdomain),
                "{text:?}"
            );
        }
        assert!(is_label(&"a".repeat(63)) && !is_label(&"a".repeat(64)));
        assert!(
            is_label_key("app.kubernetes.io/name")
                && is_label_key("Tier_1")
                && !is_label_key("a/b/c")
                && !is_label_key("/a")
        );
        assert!(!is_label_key("App.io/name") && is_annotation_key("App.io/name"));
        assert!(is_label_value("") && is_label_value("1.30") && !is_label_value("a b"));
        assert_eq!(suggestion("My_App", is_label), Some("my-app".to_owned()));
    }
}
