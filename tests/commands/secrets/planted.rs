//! Secrets that can be told from everything else, and the search for them in every form in which one could get out.

use std::fmt::Write as _;

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD},
};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// What AWS encodes in a query.
pub(super) const IN_QUERY: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

/// What every planted secret begins with; nothing else has it.
const MARK: &str = "EksactCanary7Q";

/// A planted secret: its place, and what is planted there. Signs that an encoding would change are part of it, as they are of
/// real ones.
pub(super) fn canary(place: &str) -> String {
    format!("{MARK}/{place}+{MARK}=")
}

/// One that may stand in a word of a URL or a JSON Web Token.
pub(super) fn plain_canary(place: &str) -> String {
    format!("{MARK}-{place}-{MARK}")
}

/// One of hexadecimal digits, as signatures are.
pub(super) fn hex_canary() -> String {
    hex(MARK.as_bytes()).repeat(3)[..64].to_owned()
}

fn hex(bytes: &[u8]) -> String {
    let mut digits = String::new();
    for byte in bytes {
        write!(digits, "{byte:02x}").unwrap();
    }
    digits
}

/// The digits of base64 that `text` alone decides, in each of the three places where it can begin.
fn in_base64(text: &str) -> Vec<String> {
    (0..3)
        .flat_map(|before| {
            let bytes = [&vec![b' '; before], text.as_bytes()].concat();
            let from = (before * 8).div_ceil(6);
            let to = bytes.len() * 8 / 6;
            [STANDARD_NO_PAD.encode(&bytes), URL_SAFE_NO_PAD.encode(&bytes)]
                .map(|digits| digits[from..to].to_owned())
        })
        .collect()
}

/// Every form in which `text` could be written.
fn forms(text: &str) -> Vec<String> {
    let encoded = utf8_percent_encode(text, IN_QUERY).to_string();
    let plain = [text.to_owned(), encoded];
    let in_base64_once: Vec<String> = plain.iter().flat_map(|text| in_base64(text)).collect();
    let twice = in_base64_once.iter().flat_map(|text| in_base64(text));
    let numbers: Vec<String> = text.bytes().map(|byte| byte.to_string()).collect();
    let others = [
        text.to_lowercase(),
        hex(text.as_bytes()),
        hex(text.as_bytes()).to_uppercase(),
        // `{:?}` of bytes.
        numbers.join(", "),
    ];
    let mut all: Vec<String> = plain
        .iter()
        .cloned()
        .chain(in_base64_once.iter().cloned())
        .chain(twice)
        .chain(others)
        .collect();
    // The longest first: where one is taken out, no piece of it may be left.
    all.sort_by_key(|form| std::cmp::Reverse(form.len()));
    all.dedup();
    all
}

/// What is looked for.
pub(super) struct Search {
    forms: Vec<String>,
}

impl Search {
    /// Every planted secret, and these texts, of which only a part may be quoted.
    pub(super) fn new(others: &[String]) -> Self {
        Self {
            forms: forms(MARK).into_iter().chain(others.iter().cloned()).collect(),
        }
    }

    /// What of `text` is a secret, with what stands around it. Those of `allowed` are not told.
    pub(super) fn found(&self, text: &str, allowed: &[String]) -> Vec<String> {
        let mut text = text.to_owned();
        for form in allowed.iter().flat_map(|secret| forms(secret)) {
            text = text.replace(&form, "…");
        }
        // A line that was wrapped for a terminal, or a value in several lines, is no hiding place.
        let unbroken: String = text.split_whitespace().collect();
        let seen = |text: &str| -> Option<String> {
            let at = self.forms.iter().find_map(|form| text.find(form.as_str()))?;
            let from = text.floor_char_boundary(at.saturating_sub(60));
            let to = text.floor_char_boundary(at + 60);
            Some(text[from..to].to_owned())
        };
        seen(&text).or_else(|| seen(&unbroken)).into_iter().collect()
    }
}

#[test]
fn secrets_are_found_in_every_form() {
    let search = Search::new(&["AHandfulOfAKey".to_owned()]);
    let secret = canary("session");
    let url = format!("https://x/?Token={}&a=b", utf8_percent_encode(&secret, IN_QUERY));
    for text in [
        secret.clone(),
        url.clone(),
        format!("k8s-aws-v1.{}", URL_SAFE_NO_PAD.encode(&url)),
        STANDARD_NO_PAD.encode(URL_SAFE_NO_PAD.encode(&url)),
        STANDARD_NO_PAD.encode(format!("a{secret}")),
        STANDARD_NO_PAD.encode(format!("ab{secret}")),
        format!("{:?}", secret.as_bytes()),
        format!("{secret:?}"),
        hex(secret.as_bytes()),
        hex_canary(),
        secret.to_lowercase(),
        plain_canary("x"),
        format!("{}\n    {}", &secret[..5], &secret[5..]),
        "-----BEGIN\nAHandfulOfAKey\n".to_owned(),
    ] {
        assert_eq!(search.found(&text, &[]).len(), 1, "{text}");
    }
    for text in [&secret, &url, &URL_SAFE_NO_PAD.encode(&url)] {
        assert_eq!(
            search.found(text, std::slice::from_ref(&secret)),
            [""; 0],
            "{text}"
        );
        assert_eq!(search.found(text, &[canary("other")]).len(), 1, "{text}");
    }
    assert_eq!(search.found("Eksact, a Canary, 7 Q", &[]), [""; 0]);
}
