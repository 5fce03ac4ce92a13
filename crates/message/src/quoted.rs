//! What may be quoted of a text that somebody else wrote. Servers and proxies quote the request that they refuse: AWS the whole
//! canonical request where a signature is wrong, with the session's token in it, and error pages the headers.

use std::borrow::Cow;

/// Names of headers, parameters and fields whose values are secrets, in lower case.
const SECRETS: [&str; 18] = [
    "accesstoken",
    "aws_secret_access_key",
    "aws_session_token",
    "clientsecret",
    "password",
    "refreshtoken",
    "secretaccesskey",
    "sessiontoken",
    "signature",
    "token",
    "tokencode",
    "webidentitytoken",
    "x-amz-security-token",
    "x-amz-signature",
    "x-amz-sso_bearer_token",
    "x-aws-ec2-metadata-token",
    "x-aws-ec2-metadata-token-value",
    "x-amzn-authorization",
];
/// Names whose values may begin with a scheme.
const AUTHORIZATIONS: [&str; 2] = ["authorization", "proxy-authorization"];
/// Those of the names that are also words.
const PROSE: [&str; 3] = ["password", "signature", "token"];
/// What stands before a secret in such a value.
const SCHEMES: [&str; 4] = ["basic", "bearer", "digest", "negotiate"];
/// The one that stands before a secret wherever it is; the others are words of prose as well.
const BEARER: &str = "bearer";
/// The scheme of AWS, behind which only the signature is one, which has a name.
const SCHEME_OF_AWS: &str = "aws4-";
/// What ends a value.
const ENDS: &str = " \t\r\n\"'<>,;&\\";
const HIDDEN: &str = "[secret]";

/// `text` without the values of headers, parameters and fields that are secrets, and without tokens. What was there is said by
/// `[secret]`.
pub fn without_secrets(text: &str) -> Cow<'_, str> {
    let mut kept = String::new();
    let mut rest = text;
    while let Some(secret) = next_secret(rest) {
        kept.push_str(&rest[..secret.start]);
        kept.push_str(HIDDEN);
        rest = &rest[secret.end..];
    }
    if kept.is_empty() {
        return Cow::Borrowed(text);
    }
    kept.push_str(rest);
    Cow::Owned(kept)
}

/// The first secret of `text`.
fn next_secret(text: &str) -> Option<std::ops::Range<usize>> {
    let is_of_name = |character: char| character.is_ascii_alphanumeric() || "-_.".contains(character);
    let mut at = 0;
    loop {
        let start = at + text[at..].find(is_of_name)?;
        let end = text[start..]
            .find(|character| !is_of_name(character))
            .map_or(text.len(), |length| start + length);
        // `\n` in the `Debug` of a text is no letter of a name.
        let start = start + usize::from(text[..start].ends_with('\\'));
        let word = &text[start.min(end)..end];
        if is_token(word) {
            // What base64 has besides, and what was cut at a sign of it.
            let more = text[end..]
                .find(|character: char| character.is_whitespace() || "\"'<>,;&".contains(character));
            return Some(start..more.map_or(text.len(), |length| end + length));
        }
        let name = word.to_ascii_lowercase();
        if let Some(value) = value_of(&name, &text[end..])
            && !value.is_empty()
            && !text[end + value.start..].starts_with(HIDDEN)
        {
            return Some(end + value.start..end + value.end);
        }
        at = end;
    }
}

/// The token of a cluster, or a JSON Web Token.
fn is_token(word: &str) -> bool {
    word.contains("k8s-aws-v1.") || (word.starts_with("eyJ") && word.matches('.').count() >= 2)
}

/// Where the value of the name before `rest` is in it, if it is a secret.
fn value_of(name: &str, rest: &str) -> Option<std::ops::Range<usize>> {
    let word = |from: usize| {
        let length = rest[from..].find(|character: char| ENDS.contains(character));
        from..length.map_or(rest.len(), |length| from + length)
    };
    let next_word = |from: usize| {
        let blanks = rest[from..].len() - rest[from..].trim_start_matches(' ').len();
        (blanks > 0).then(|| word(from + blanks))
    };
    if name == BEARER {
        return next_word(0);
    }
    let is_authorization = AUTHORIZATIONS.contains(&name);
    if !is_authorization && !SECRETS.contains(&name) {
        return None;
    }
    // A word of prose as well: "the token: it has ended".
    if PROSE.contains(&name) && rest.starts_with([':', ' ']) {
        return None;
    }
    let separated = rest.trim_start_matches(['"', '\'', '\\', ' ']);
    let after = [":", "=", ">", "%3A", "%3D"]
        .iter()
        .find_map(|separator| separated.strip_prefix(separator))?;
    let value = word(rest.len() - after.trim_start_matches(['"', '\'', '\\', ' ']).len());
    let first = rest[value.clone()].to_ascii_lowercase();
    if !is_authorization {
        return Some(value);
    }
    if SCHEMES.contains(&first.as_str()) {
        return next_word(value.end);
    }
    (!first.starts_with(SCHEME_OF_AWS)).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_of_a_quoted_request_are_hidden() {
        for (text, shown) in [
            (
                "should have been 'POST / host:sts.amazonaws.com\nx-amz-security-token:IQoJ/b3+J=\nx-amz-date:1",
                "should have been 'POST / host:sts.amazonaws.com\nx-amz-security-token:[secret]\nx-amz-date:1",
            ),
            (
                "a?X-Amz-Security-Token=IQ%2F&b=c",
                "a?X-Amz-Security-Token=[secret]&b=c",
            ),
            (
                "Authorization: Bearer abc.def from x",
                "Authorization: Bearer [secret] from x",
            ),
            ("authorization:abc/d+e= from x", "authorization:[secret] from x"),
            (
                "authorization:AWS4-HMAC-SHA256 Credential=A/b, Signature=0a1b",
                "authorization:AWS4-HMAC-SHA256 Credential=A/b, Signature=[secret]",
            ),
            ("Bearer abc.def from x", "Bearer [secret] from x"),
            (
                "proxy-authorization: Basic bmluYQ==, y",
                "proxy-authorization: Basic [secret], y",
            ),
            ("was k8s-aws-v1.aHR0cHM6 too", "was [secret] too"),
            ("was eyJh.eyJi.c-d/e= too", "was [secret] too"),
            (
                "{\"SecretAccessKey\": \"x/y\", \"a\": 1}",
                "{\"SecretAccessKey\": \"[secret]\", \"a\": 1}",
            ),
            (
                "<SessionToken>x</SessionToken>",
                "<SessionToken>[secret]</SessionToken>",
            ),
            ("Action=A&TokenCode=123456&x", "Action=A&TokenCode=[secret]&x"),
            (
                "a\\nx-amz-sso_bearer_token:x/y=\\nb",
                "a\\nx-amz-sso_bearer_token:[secret]\\nb",
            ),
            ("token=a token=b", "token=[secret] token=[secret]"),
        ] {
            assert_eq!(without_secrets(text), shown);
            assert_eq!(without_secrets(shown), shown, "twice is once");
        }
    }

    #[test]
    fn other_texts_are_as_they_were() {
        for text in [
            "",
            "The security token included in the request is invalid",
            "secrets \"token\" is forbidden: User \"x\" cannot get resource \"secrets\"",
            "the token: it has ended",
            "bearer",
            "k8s",
            "arn:aws:iam::111122223333:role/token",
            "Basic authentication is off",
        ] {
            assert!(matches!(without_secrets(text), Cow::Borrowed(_)), "{text}");
        }
    }
}
