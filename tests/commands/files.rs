//! Files that cannot be used, and files that come from elsewhere.

use crate::commands::place::{Place, assert_story};

const QUICKSTART: &str = include_str!("../../examples/quickstart.yaml");

#[test]
fn file_errors_are_reported_at_once_with_their_place() {
    let mut place = Place::new();
    place.write(
        "broken.yaml",
        &QUICKSTART
            .replace("  serviceAccounts:", "  serviceAcounts:")
            .replace("withOIDC: true", "withOIDC: maybe"),
    );
    place.write(
        "wrong.yaml",
        &QUICKSTART
            .replace("name: report-reader", "name: Report_Reader")
            .replace("arn:aws:iam::aws:policy/", "arn:aws-cn:iam::aws:policy/")
            .replace("externalDNS: true", "externalDSN: true")
            .replace("Effect: Allow", "Effect: Alow"),
    );
    place.write("template.yaml", &QUICKSTART.replace("quickstart", "${CLUSTER}"));
    place.write("no-yaml.yaml", "metadata:\n  name: [quickstart\n");
    place.write("empty.yaml", "");
    for file in [
        "broken.yaml",
        "wrong.yaml",
        "template.yaml",
        "no-yaml.yaml",
        "empty.yaml",
        "not-there.yaml",
    ] {
        let ended = place.tell(&["plan", "-f", file]);
        assert_eq!(ended.code, 65, "{file}");
        assert_eq!(ended.stdout, "", "{file}");
    }
    assert!(
        !place.path(".eksact-sandbox.json").exists(),
        "the account was looked at for a file that cannot be used"
    );
    assert_story!("files", place.story());
}

#[test]
fn sections_that_eksact_does_not_manage_are_named_once() {
    let mut place = Place::new();
    let file = format!(
        "{QUICKSTART}\nmanagedNodeGroups:\n  - name: workers\naddons:\n  - name: vpc-cni\n\
         vpc:\n  cidr: 10.0.0.0/16\n"
    );
    place.write("whole.yaml", &file.replace("externalDNS", "certManager"));
    place.run(&["apply", "-f", "whole.yaml", "--yes", "--quiet"]);
    let ended = place.tell(&["plan", "-f", "whole.yaml"]);
    assert_eq!(ended.code, 0);
    assert_story!("unmanaged-sections", place.story());
}

#[test]
fn file_is_read_from_standard_input() {
    let place = Place::new();
    let ended = place.run_with_input(&["apply", "-f", "-", "--yes"], QUICKSTART);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert!(ended.stdout.contains("(<stdin>:"), "{}", ended.stdout);
    let ended = place.run_with_input(&["plan", "-f", "-", "--detailed-exitcode"], QUICKSTART);
    assert_eq!(
        ended.stdout,
        "No changes. quickstart (111122223333, eu-west-1): all 9 objects are as standard\ninput says.\n"
    );
    assert_eq!(ended.code, 0);
}
