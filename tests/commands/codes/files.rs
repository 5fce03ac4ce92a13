//! What is wrong with a file: each file of `tests/fixtures/codes` is named after the code that it shows, and those below are
//! too large to keep.

use std::{fmt::Write as _, fs, path::Path};

use super::{ACCESS, HEAD, row};

/// Has each file of a folder of fixtures shown by this command.
fn of_folder(folder: &str, command: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut seen = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "yaml") {
            let code = path.file_stem().unwrap().to_str().unwrap().to_owned();
            let file = format!("{code}.yaml");
            row(code.leak())
                .file(&file, &fs::read_to_string(&path).unwrap())
                .shows(&format!("{command} -f {file}"));
            seen += 1;
        }
    }
    assert!(seen > 20, "only {seen} files");
}

#[test]
fn codes_of_configurations_are_shown() {
    of_folder("tests/fixtures/codes", "plan");
}

#[test]
fn codes_of_aws_auth_are_shown() {
    of_folder(
        "tests/fixtures/codes/aws-auth",
        "check aws-auth --region eu-west-1",
    );
}

#[test]
fn codes_of_files_out_of_bounds_are_shown() {
    let plan = "plan -f c.yaml";
    row("file-too-large")
        .file("c.yaml", &"#".repeat(3 * 1024 * 1024))
        .shows(plan);
    row("control-character")
        .config("iam:\n  withOIDC: \u{7}true\n")
        .shows(plan);
    row("too-many-documents")
        .config(&format!("{ACCESS}groups: []\n").repeat(70))
        .shows(plan);
    row("yaml-too-deep")
        .config(&format!("x: {}{}\n", "[".repeat(300), "]".repeat(300)))
        .shows(plan);
    let mut anchors = format!("x-a: &a [{}]\n", "'xxxxxxxxxx',".repeat(10));
    for (next, last) in "bcdefgh".chars().zip("abcdefg".chars()) {
        let items = format!("*{last},").repeat(10);
        writeln!(anchors, "x-{next}: &{next} [{items}]").unwrap();
    }
    row("yaml-too-large").config(&anchors).shows(plan);
    let policy = format!(
        "iam:\n  withOIDC: true\n  serviceAccounts:\n    - metadata: {{name: app}}\n      attachPolicy:\n        Version: '2012-10-17'\n        \
         Statement:\n          - Effect: Allow\n            Action: s3:GetObject\n            Resource: arn:aws:s3:::{}\n",
        "b".repeat(10_300)
    );
    row("inline-policy-limit").config(&policy).shows(plan);
    let latin = row("not-utf8");
    fs::write(
        latin.place.path("c.yaml"),
        [HEAD.as_bytes(), b"# caf\xe9\n"].concat(),
    )
    .unwrap();
    latin.shows(plan);
}
