//! Words as a POSIX shell takes them, for the commands that messages print.

/// `word` as one argument, in quotes where it needs them.
pub fn quoted(word: &str) -> String {
    let plain = |character: char| character.is_ascii_alphanumeric() || "-_=./:,@%+".contains(character);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_need_quotes_get_them() {
        for (word, expected) in [
            ("arn:aws:iam::1:role/a", "arn:aws:iam::1:role/a"),
            ("", "''"),
            ("a b", "'a b'"),
            ("{\"a\":1}", "'{\"a\":1}'"),
            ("it's", "'it'\\''s'"),
            ("$HOME", "'$HOME'"),
        ] {
            assert_eq!(quoted(word), expected);
        }
    }
}
