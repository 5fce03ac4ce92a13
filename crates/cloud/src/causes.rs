//! The causes of an error, as a chain and as text: each text once, root cause last, on one line, and without tokens.

use std::{error::Error, io};

use eksact_message::quoted::without_secrets;

/// Texts of strangers (error pages, plugins) are cut here.
const EXCERPT_CHARACTERS: usize = 300;

/// Whether a time limit ran out.
pub(crate) fn is_time_limit(cause: &(dyn Error + 'static)) -> bool {
    cause
        .downcast_ref::<io::Error>()
        .is_some_and(|error| error.kind() == io::ErrorKind::TimedOut)
}

/// What a cause says, without tokens. rustls adds the address of a page about its own use to a connection that the other side cuts.
pub(crate) fn text(cause: &(dyn Error + 'static)) -> String {
    let text = cause.to_string();
    let mut parts = text.split(": https://docs.rs/rustls/");
    let mut said = parts.next().unwrap_or_default().to_owned();
    for rest in parts {
        let behind = rest.find(char::is_whitespace).and_then(|end| rest.get(end..));
        said.push_str(behind.unwrap_or_default());
    }
    without_secrets(said.trim()).into_owned()
}

/// The error and what led to it. An `io::Error` hides the error that it wraps from `source`, and that is where rustls
/// sits.
pub(crate) fn causes<'a>(error: &'a (dyn Error + 'static)) -> Vec<&'a (dyn Error + 'static)> {
    let mut found = Vec::new();
    let mut next = Some(error);
    while let Some(error) = next {
        found.push(error);
        next = match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            Some(inner) => Some(inner),
            None => error.source(),
        };
    }
    found
}

/// The texts of the causes, root cause last, without repeating what an outer text already contains. kube's own wrapper
/// is left out: it only says that a request failed.
pub(crate) fn chain(causes: &[&(dyn Error + 'static)]) -> String {
    let mut texts: Vec<String> = Vec::new();
    for cause in causes.iter().filter(|cause| !cause.is::<kube::Error>()) {
        let text = text(*cause);
        if !text.is_empty() && !texts.iter().any(|outer| outer.contains(&text)) {
            texts.push(text);
        }
    }
    if texts.is_empty() {
        // Only reached for kube's own errors about the request, which quote neither header nor body.
        return causes.first().map(ToString::to_string).unwrap_or_default();
    }
    texts.join(": ")
}

/// The beginning of a stranger's text, on one line and without tokens.
pub(crate) fn excerpt(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let line = without_secrets(&line).into_owned();
    if line.chars().count() <= EXCERPT_CHARACTERS {
        return line;
    }
    let start: String = line.chars().take(EXCERPT_CHARACTERS).collect();
    format!("{start} …")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn echoed_tokens_are_hidden() {
        let page = "GET /api Authorization: Bearer abc.def from 10.0.0.1, was k8s-aws-v1.aHR0cHM6Ly9zdHM too";
        let text = excerpt(page);
        assert!(!text.contains("abc.def") && !text.contains("aHR0"), "{text}");
        assert!(text.ends_with("too"), "{text}");
    }

    #[test]
    fn cut_connection_is_told_without_the_manual_of_rustls() {
        let cut = "peer closed connection without sending TLS close_notify: https://docs.rs/rustls/latest/rustls/manual/_03_howto/index.html#unexpected-eof";
        let said = "peer closed connection without sending TLS close_notify";
        let of = |text_of_cause: &str| text(&io::Error::new(io::ErrorKind::UnexpectedEof, text_of_cause));
        assert_eq!(of(cut), said);
        // What stands behind the address is the cause's own.
        assert_eq!(
            of(&format!("{cut} (after 3 attempts)")),
            format!("{said} (after 3 attempts)")
        );
        assert_eq!(of(&format!("{cut} then {cut}")), format!("{said} then {said}"));
    }

    #[test]
    fn error_inside_an_io_error_is_found_and_texts_are_not_repeated() {
        let inner = rustls::Error::General("no shared cipher".to_owned());
        let middle = io::Error::new(io::ErrorKind::InvalidData, inner);
        let outer = io::Error::other(middle);
        let found = causes(&outer);
        assert!(found.iter().any(|cause| cause.is::<rustls::Error>()));
        assert_eq!(chain(&found).matches("no shared cipher").count(), 1);
    }
}
