//! Words as a shell takes them, in the commands that are printed.

/// A command of these words. No argument of a process has a NUL, which alone cannot be quoted.
pub(crate) fn joined(words: &[impl AsRef<str>]) -> String {
    let words = || words.iter().map(AsRef::as_ref);
    shlex::try_join(words()).unwrap_or_else(|_| words().collect::<Vec<_>>().join(" "))
}

/// One word.
pub(crate) fn quoted(word: &str) -> String {
    joined(&[word])
}
