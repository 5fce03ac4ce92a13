//! Texts as they come in and go out: files, YAML, words of a shell.

pub(crate) mod facts_format;
pub(crate) mod file;
pub(crate) mod shell;
pub(crate) mod whole_file;
pub(crate) mod yaml;
