//! Kubeconfigs that commands under test wrote, kept below `target` for the test that shows each to the real kubectl.

use std::{
    collections::hash_map::DefaultHasher,
    fs,
    hash::{Hash as _, Hasher as _},
    path::{Path, PathBuf},
};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("kubeconfigs")
}

/// Keeps one, under a name made from its content.
#[allow(dead_code, reason = "not every test program writes some")]
pub(crate) fn keep(text: &str) {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    fs::create_dir_all(folder()).unwrap();
    fs::write(folder().join(format!("{:016x}", hasher.finish())), text).unwrap();
}

/// All that were kept, by path and content.
#[allow(dead_code, reason = "not every test program reads them")]
pub(crate) fn all() -> Vec<(String, String)> {
    let Ok(files) = fs::read_dir(folder()) else {
        return Vec::new();
    };
    files
        .map(|file| {
            let path = file.unwrap().path();
            (path.display().to_string(), fs::read_to_string(&path).unwrap())
        })
        .collect()
}
