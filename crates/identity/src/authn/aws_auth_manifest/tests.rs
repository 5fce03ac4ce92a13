//! Manifests as people keep them and as kubectl prints them.

use super::*;

const BLOCK: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: aws-auth\n  namespace: kube-system\ndata:\n  mapRoles: |\n    - rolearn: a\n      username: b\n  mapUsers: \"- userarn: c\\n- userarn: d\\n\"\n";

#[test]
fn lines_of_a_block_are_lines_of_the_file() {
    let manifest = Manifest::read(BLOCK).unwrap();
    assert!(manifest.is_aws_auth());
    assert_eq!(manifest.data["mapRoles"], "- rolearn: a\n  username: b\n");
    assert_eq!(manifest.line(SectionKey::Roles, Some(2)), Some(9));
    // In quotes there are no lines to point at.
    assert_eq!(manifest.line(SectionKey::Users, Some(2)), Some(10));
    assert_eq!(manifest.line(SectionKey::Accounts, Some(1)), None);
    assert_eq!(BLOCK.lines().nth(8), Some("      username: b"));
}

#[test]
fn json_and_lists_are_read_too() {
    let json = r#"{"kind": "List", "items": [{"kind": "ConfigMap", "metadata": {"name": "other"}}, {"kind": "ConfigMap", "metadata": {"name": "aws-auth", "namespace": "kube-system"}, "data": {"mapAccounts": "- \"111122223333\"\n"}}]}"#;
    let manifest = Manifest::read(&json.replace('\n', "\\n")).unwrap();
    assert_eq!(manifest.data["mapAccounts"], "- \"111122223333\"\n");
    assert_eq!(
        Manifest::read("kind: List\nitems: []\n"),
        Err(ManifestError::NotInList)
    );
}

#[test]
fn documents_and_items_are_all_looked_at() {
    let aws_auth = |namespace: &str, account: &str| {
        let object = serde_json::json!({
            "kind": "ConfigMap",
            "metadata": {"name": "aws-auth", "namespace": namespace},
            "data": {"mapAccounts": account},
        });
        object.to_string()
    };
    let accounts = |text: &str| -> Vec<String> {
        let all = Manifest::read_all(text).unwrap();
        all.iter().map(|one| one.data["mapAccounts"].clone()).collect()
    };
    let right = aws_auth("kube-system", "right");
    let (other, unset) = (aws_auth("dev", "other"), aws_auth("", "unset"));
    assert_eq!(accounts(&format!("---\n# empty\n---\n{right}\n")), ["right"]);
    let before = format!("kind: Namespace\n---\n{other}\n---\n{right}\n---\n");
    assert_eq!(accounts(&before), ["right"]);
    let several = format!("{unset}\n---\nkind: List\nitems: [{other}, {right}]\n");
    assert_eq!(accounts(&several), ["unset", "right"]);
    assert_eq!(
        Manifest::read(&several),
        Err(ManifestError::Several { first: 1, second: 4 })
    );
    assert_eq!(accounts(&other), ["other"]);
    let of_the_api = "kind: ConfigMapList\nitems: [{metadata: {name: aws-auth}, data: {mapAccounts: api}}]\n";
    assert_eq!(accounts(of_the_api), ["api"]);
    let later = Manifest::read_all(&format!("{right}\n---\na: [\n"));
    assert!(
        matches!(later, Err(ManifestError::Syntax { line: 4, .. })),
        "{later:?}"
    );
    let itself = "kind: List\nitems: &x [{kind: List, items: *x}]\n";
    assert_eq!(Manifest::read_all(itself), Err(ManifestError::NotInList));
}

#[test]
fn key_that_is_written_twice_is_named() {
    let text = "kind: ConfigMap\ndata:\n  mapRoles: a\n  mapRoles: b\n  mapRoles: c\nkind: ConfigMap\nmetadata: {name: x, name: y}\n";
    let manifest = Manifest::read(text).unwrap();
    let named: Vec<_> = manifest
        .duplicates
        .iter()
        .map(|key| (key.path.as_str(), key.before, key.line))
        .collect();
    assert_eq!(
        named,
        [
            ("kind", 1, 6),
            ("metadata.name", 7, 7),
            ("data.mapRoles", 3, 4),
            ("data.mapRoles", 4, 5),
        ]
    );
    assert_eq!(manifest.data["mapRoles"], "c");
}

#[test]
fn document_that_is_no_config_map_says_so() {
    let error = |text: &str| Manifest::read(text).unwrap_err().to_string();
    assert_eq!(
        error("kind: Secret\n"),
        "it is not the manifest of a ConfigMap: its kind is `Secret`"
    );
    assert_eq!(
        error("mapRoles: []\n"),
        "it is not the manifest of a ConfigMap: it has no `kind: ConfigMap`"
    );
    assert_eq!(error(""), "it is not the manifest of a ConfigMap: it is empty");
    assert!(error("a: [\n").starts_with("it is not YAML: "));
}

proptest::proptest! {
    #[test]
    fn manifest_panics_on_no_text(text in "(kind: ConfigMap|kind: List|data:|items:|metadata:|[ \\n\\t&*!|>'\"{}\\[\\]:,a-c-]){0,40}") {
        if let Ok(manifest) = Manifest::read(&text) {
            let _ = manifest.line(SectionKey::Roles, Some(usize::MAX / 2));
        }
    }
}

#[test]
fn values_that_are_no_texts_are_named() {
    let text = "kind: ConfigMap\ndata:\n  mapRoles:\n  - rolearn: a\n  mapUsers: 3\n  mapAccounts:\n";
    let manifest = Manifest::read(text).unwrap();
    let named: Vec<(&str, usize)> = manifest
        .not_texts
        .iter()
        .map(|value| (value.key.as_str(), value.line))
        .collect();
    assert_eq!(named, [("mapRoles", 3), ("mapUsers", 5)]);
    assert_eq!(manifest.data["mapAccounts"], "");
}
