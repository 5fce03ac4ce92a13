//! What docs/threats.md says is there: each test that it names, and what holds in the tree itself.

use std::{fs, path::Path};

use crate::commands::rooms;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(ROOT).join(path)).unwrap()
}

/// The tests in the last column of the page's tables.
fn named(page: &str) -> Vec<&str> {
    let rows = page
        .lines()
        .filter(|line| line.starts_with("| ") && line.matches('|').count() == 4);
    let last = rows.filter_map(|row| row.trim_end_matches('|').rsplit('|').next());
    last.flat_map(|cell| cell.split('`').skip(1).step_by(2))
        .filter(|name| !name.contains(['/', ' ', '.', '-']))
        .collect()
}

#[test]
fn threats_name_tests_that_exist() {
    let page = read("docs/threats.md");
    let mut files = Vec::new();
    for folder in ["crates", "src", "tests"] {
        rooms::files(&Path::new(ROOT).join(folder), &mut files);
    }
    let sources: String = files
        .iter()
        .map(|file| fs::read_to_string(file).unwrap())
        .collect();
    let missing = |names: &[&str]| -> Vec<String> {
        names
            .iter()
            .filter(|name| !sources.contains(&format!("fn {name}(")))
            .map(|&name| name.to_owned())
            .collect()
    };
    let named = named(&page);
    assert!(named.len() > 30, "{named:?}");
    assert_eq!(missing(&named), [""; 0]);
    // The look itself.
    assert_eq!(missing(&["no_test_has_this_name"]), ["no_test_has_this_name"]);
}

#[test]
fn unsafe_code_is_forbidden_in_every_crate() {
    assert!(read("Cargo.toml").contains("[workspace.lints.rust]\nunsafe_code = \"forbid\"\n"));
    let mut manifests = vec!["Cargo.toml".to_owned()];
    for entry in fs::read_dir(Path::new(ROOT).join("crates")).unwrap() {
        manifests.push(format!(
            "crates/{}/Cargo.toml",
            entry.unwrap().file_name().to_str().unwrap()
        ));
    }
    assert!(manifests.len() > 8, "{manifests:?}");
    for manifest in manifests {
        assert!(
            read(&manifest).contains("[lints]\nworkspace = true\n"),
            "{manifest}"
        );
    }
}

#[test]
fn builds_are_all_locked() {
    let mut seen = 0;
    for path in [
        "scripts/test",
        ".github/workflows/ci.yml",
        ".github/workflows/nightly.yml",
        ".github/workflows/release.yml",
        "release/build.py",
    ] {
        for line in read(path).lines() {
            let words = line.replace(['"', ',', '[', ']'], " ");
            let words: Vec<&str> = words.split_whitespace().collect();
            let builds = words.windows(2).any(|pair| {
                pair[0] == "cargo"
                    && ["build", "test", "run", "check", "clippy", "install", "auditable"].contains(&pair[1])
            });
            if builds && !line.trim_start().starts_with('#') {
                seen += 1;
                assert!(words.contains(&"--locked"), "{path}: {line}");
            }
        }
    }
    assert!(seen > 5, "{seen}");
}

/// The default features of these bring a second TLS stack, another provider of cryptography, or a client of their own.
#[test]
fn heavy_dependencies_are_named_without_their_defaults() {
    let manifest = read("Cargo.toml");
    for name in [
        "aws-config",
        "aws-runtime",
        "aws-sdk-cloudformation",
        "aws-sdk-eks",
        "aws-sdk-iam",
        "aws-sdk-sts",
        "aws-sigv4",
        "aws-smithy-http-client",
        "hyper",
        "kube",
        "rustls",
        "tokio-rustls",
    ] {
        let line = manifest
            .lines()
            .find(|line| line.starts_with(&format!("{name} = ")));
        assert!(
            line.is_some_and(|line| line.contains("default-features = false")),
            "{name}"
        );
    }
}
