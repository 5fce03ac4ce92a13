//! What is suggested for mistaken words: of every key of the formats the usual slips, and what people really wrote.

use super::*;
use crate::config::fields::types;

fn nothing() -> Suggestion {
    Suggestion {
        help: "".into(),
        meant: None,
    }
}

fn suggestion(key: &str, type_name: &str, path: &str) -> Suggestion {
    let kind = DocumentKind::ClusterConfig;
    for_unknown_key(key, kind, &types(kind)[type_name], &FieldPath::of(path)).unwrap_or_else(nothing)
}

#[test]
fn unknown_key_finds_what_was_meant() {
    for (key, type_name, path, wanted) in [
        (
            "attachPolicyArns",
            "ClusterIAMServiceAccount",
            "iam",
            "did you mean `attachPolicyARNs`? Keys are case-sensitive",
        ),
        (
            "attachPolicyARN",
            "ClusterIAMServiceAccount",
            "iam",
            "did you mean `attachPolicyARNs`?",
        ),
        (
            "policyARNs",
            "ClusterIAMServiceAccount",
            "iam.serviceAccounts",
            "did you mean `attachPolicyARNs`?",
        ),
        (
            "policies",
            "ClusterIAMServiceAccount",
            "iam.serviceAccounts",
            "did you mean `wellKnownPolicies`?",
        ),
        (
            "role-arn",
            "ClusterIAMServiceAccount",
            "iam.serviceAccounts",
            "did you mean `attachRoleARN`?",
        ),
        (
            "service-accounts",
            "ClusterIAM",
            "iam",
            "did you mean `serviceAccounts`?",
        ),
        (
            "serviceAccount",
            "ClusterIAM",
            "iam",
            "did you mean `serviceAccounts`?",
        ),
        ("accounts", "ClusterIAM", "iam", "did you mean `serviceAccounts`?"),
        ("oidc", "ClusterIAM", "iam", "did you mean `withOIDC`?"),
        (
            "roleName",
            "ClusterMeta",
            "metadata",
            "`roleName` belongs to iam.serviceAccounts[]",
        ),
        (
            "labels",
            "ClusterIAMServiceAccount",
            "iam.serviceAccounts",
            "`labels` belongs to iam.serviceAccounts[].metadata",
        ),
        ("name", "ClusterConfig", "", "`name` belongs to metadata"),
        ("region", "ClusterConfig", "", "`region` belongs to metadata"),
        ("withOIDC", "ClusterConfig", "", "`withOIDC` belongs to iam"),
        ("withOIDC", "ClusterMeta", "metadata", "`withOIDC` belongs to iam"),
        (
            "apiVersion",
            "ClusterMeta",
            "metadata",
            "`apiVersion` belongs to the root of the file",
        ),
        (
            "identityMappings",
            "ClusterConfig",
            "",
            "did you mean `iamIdentityMappings`?",
        ),
        (
            "identityMappings",
            "ClusterIAM",
            "iam",
            "did you mean `iamIdentityMappings`, which belongs to the root of the file?",
        ),
        (
            "identityMapping",
            "ClusterIAM",
            "iam",
            "did you mean `iamIdentityMappings`, which belongs to the root of the file?",
        ),
        (
            "iam_identity_mappings",
            "ClusterConfig",
            "",
            "did you mean `iamIdentityMappings`?",
        ),
        (
            "enable",
            "ClusterCloudWatchLogging",
            "cloudWatch.clusterLogging",
            "did you mean `enableTypes`?",
        ),
        (
            "types",
            "ClusterCloudWatchLogging",
            "cloudWatch.clusterLogging",
            "did you mean `enableTypes`?",
        ),
        (
            "logging",
            "ClusterCloudWatch",
            "cloudWatch",
            "did you mean `clusterLogging`?",
        ),
        (
            "logRetention",
            "ClusterCloudWatchLogging",
            "cloudWatch.clusterLogging",
            "did you mean `logRetentionInDays`?",
        ),
        (
            "groups ",
            "IAMIdentityMapping",
            "iamIdentityMappings",
            "did you mean `groups`?",
        ),
        (
            "user\u{a0}name",
            "IAMIdentityMapping",
            "iamIdentityMappings",
            "did you mean `username`?",
        ),
        (
            "rolearn",
            "IAMIdentityMapping",
            "iamIdentityMappings",
            "did you mean `arn`?",
        ),
        (
            "policyArn",
            "ClusterIAMServiceAccount",
            "iam.serviceAccounts",
            "did you mean `attachPolicyARNs`?",
        ),
        (
            "roleARN",
            "ClusterIAMServiceAccount",
            "iam.serviceAccounts",
            "did you mean `attachRoleARN`?",
        ),
        (
            "role",
            "ClusterIAMServiceAccount",
            "iam.serviceAccounts",
            "did you mean `roleName` or `roleOnly`?",
        ),
        (
            "role",
            "ClusterIAM",
            "iam",
            "did you mean `roleName`, which belongs to iam.serviceAccounts[]?",
        ),
        (
            "attachPolicyARN",
            "ClusterConfig",
            "",
            "did you mean `attachPolicyARNs`, which belongs to iam.serviceAccounts[]?",
        ),
        (
            "attachPolicyARNs",
            "ClusterConfig",
            "",
            "`attachPolicyARNs` belongs to iam.serviceAccounts[]",
        ),
        (
            "instanceType",
            "ClusterIAM",
            "iam",
            "`instanceType` belongs to managedNodeGroups[]",
        ),
        ("zzz", "ClusterConfig", "", ""),
    ] {
        let found = suggestion(key, type_name, path).help;
        assert_eq!(found, wanted, "{key} in {type_name}");
    }
}

#[test]
fn unknown_key_belongs_to_what_is_acted_on_before_anything_else() {
    for (key, type_name, path, wanted) in [
        (
            "name",
            "ClusterIAM",
            "iam",
            "`name` belongs to iam.serviceAccounts[].metadata",
        ),
        (
            "annotations",
            "ClusterIAM",
            "iam",
            "`annotations` belongs to iam.serviceAccounts[].metadata",
        ),
        (
            "metadata",
            "ClusterIAM",
            "iam",
            "`metadata` belongs to iam.serviceAccounts[]",
        ),
        (
            "metadata",
            "PodIdentityAssociation",
            "iam.podIdentityAssociations[]",
            "`metadata` belongs to iam.serviceAccounts[]",
        ),
        (
            "annotations",
            "PodIdentityAssociation",
            "iam.podIdentityAssociations[]",
            "`annotations` belongs to iam.serviceAccounts[].metadata",
        ),
        (
            "permissionsBoundary",
            "IAMIdentityMapping",
            "iamIdentityMappings[]",
            "`permissionsBoundary` belongs to iam.serviceAccounts[]",
        ),
        (
            "permissionsBoundary",
            "ClusterMeta",
            "metadata",
            "`permissionsBoundary` belongs to iam.serviceAccounts[]",
        ),
        (
            "roleArn",
            "AccessEntry",
            "accessConfig.accessEntries[]",
            "did you mean `roleARN`, which belongs to iam.podIdentityAssociations[]?",
        ),
        (
            "roleArn",
            "IdentityProvider",
            "identityProviders[]",
            "did you mean `roleARN`, which belongs to iam.podIdentityAssociations[]?",
        ),
        (
            "type",
            "ClusterConfig",
            "",
            "`type` belongs to identityProviders[]",
        ),
        (
            "policyARN",
            "ClusterConfig",
            "",
            "`policyARN` belongs to accessConfig.accessEntries[].accessPolicies[]",
        ),
        (
            "accessPolicies",
            "ClusterConfig",
            "",
            "`accessPolicies` belongs to accessConfig.accessEntries[]",
        ),
        (
            "accessScope",
            "ClusterConfig",
            "",
            "`accessScope` belongs to accessConfig.accessEntries[].accessPolicies[]",
        ),
        (
            "namespaces",
            "ClusterConfig",
            "",
            "`namespaces` belongs to accessConfig.accessEntries[].accessPolicies[].accessScope",
        ),
    ] {
        let found = suggestion(key, type_name, path).help;
        assert_eq!(found, wanted, "{key} in {path}");
    }
}

#[test]
fn choice_that_is_none_is_told_which_there_are() {
    let seven = "the keys here are `autoScaler`, `awsLoadBalancerController`, `certManager`, `ebsCSIController`, \
                 `efsCSIController`, `externalDNS` and `imageBuilder`";
    let path = "iam.serviceAccounts.wellKnownPolicies";
    for key in [
        "s3",
        "albIngress",
        "xRay",
        "fsx",
        "cloudWatch",
        "roleName",
        "albController",
    ] {
        assert_eq!(suggestion(key, "WellKnownPolicies", path).help, seven, "{key}");
    }
    for (key, wanted) in [
        ("loadBalancerController", "awsLoadBalancerController"),
        ("ebsCSI", "ebsCSIController"),
        ("efs-csi-controller", "efsCSIController"),
        ("cert_manager", "certManager"),
        ("clusterAutoScaler", "autoScaler"),
        ("external-dns", "externalDNS"),
    ] {
        assert_eq!(
            suggestion(key, "WellKnownPolicies", path).help,
            *format!("did you mean `{wanted}`?"),
            "{key}"
        );
    }
}

#[test]
fn suggestion_is_a_path() {
    let path = FieldPath::of("iam.serviceAccounts").index(3);
    let kind = DocumentKind::ClusterConfig;
    let of = |key: &str| {
        let suggestion = for_unknown_key(key, kind, &types(kind)["ClusterIAMServiceAccount"], &path);
        suggestion
            .and_then(|suggestion| suggestion.meant)
            .map(|meant| meant.to_string())
    };
    assert_eq!(
        of("name").as_deref(),
        Some("iam.serviceAccounts[3].metadata.name")
    );
    assert_eq!(of("metdata").as_deref(), Some("iam.serviceAccounts[3].metadata"));
    assert_eq!(of("withOIDC").as_deref(), Some("iam.withOIDC"));
    assert_eq!(of("instanceType"), None);
}

#[test]
fn long_word_costs_nothing() {
    assert_eq!(nearest(&"a".repeat(1_000_000), ["aaa"]), None);
}

/// The usual slips of a word, each with its name.
fn slips(word: &str) -> Vec<(&'static str, String)> {
    let letters: Vec<char> = word.chars().collect();
    let mut slips = vec![
        ("upper case", word.to_uppercase()),
        ("lower case", word.to_lowercase()),
        (
            "a capital",
            letters
                .iter()
                .take(1)
                .flat_map(|c| c.to_uppercase())
                .chain(letters.iter().skip(1).copied())
                .collect(),
        ),
    ];
    for (name, separator) in [("kebab-case", '-'), ("snake_case", '_')] {
        let mut text = String::new();
        for (index, letter) in letters.iter().enumerate() {
            let is_start = letter.is_uppercase() && index > 0 && letters[index - 1].is_lowercase();
            if is_start {
                text.push(separator);
            }
            text.extend(letter.to_lowercase());
        }
        slips.push((name, text));
    }
    let number = match (
        word.strip_suffix("ies"),
        word.strip_suffix('s'),
        word.strip_suffix('y'),
    ) {
        (Some(stem), ..) => format!("{stem}y"),
        (_, Some(singular), _) => singular.to_owned(),
        (_, _, Some(stem)) => format!("{stem}ies"),
        _ => format!("{word}s"),
    };
    slips.push(("number", number));
    for at in 0..letters.len() {
        let without = |at: usize| {
            letters
                .iter()
                .enumerate()
                .filter(move |(index, _)| *index != at)
                .map(|(_, c)| *c)
        };
        slips.push(("a letter dropped", without(at).collect()));
        let mut doubled = letters.clone();
        doubled.insert(at, letters[at]);
        slips.push(("a letter doubled", doubled.iter().collect()));
        if at + 1 < letters.len() {
            let mut swapped = letters.clone();
            swapped.swap(at, at + 1);
            slips.push(("letters swapped", swapped.iter().collect()));
        }
    }
    slips
}

#[test]
fn keys_are_all_found_by_the_usual_slips() {
    let mut wrong = Vec::new();
    let (mut tried, mut several) = (0, 0);
    for kind in DocumentKind::ALL {
        for (type_name, object) in types(kind) {
            for field in &object.fields {
                for (slip, word) in slips(&field.name) {
                    // One letter says nothing, and another key of this place is that key.
                    let is_known = object.fields.iter().any(|other| other.name == word);
                    if is_known || word.len() < 2 {
                        continue;
                    }
                    tried += 1;
                    let help = for_unknown_key(&word, kind, object, &FieldPath::default())
                        .unwrap_or_else(nothing)
                        .help;
                    let is_found =
                        help.starts_with("did you mean ") && help.contains(&format!("`{}`", field.name));
                    several += usize::from(is_found && help.contains(" or `"));
                    // Of two letters one is left or another: every key of two letters is as near.
                    let is_short = field.name.len() < 3 && help.starts_with("the keys here are ");
                    if !is_found && !is_short {
                        wrong.push(format!("{type_name}.{} ({slip}): {word}: {help}", field.name));
                    }
                }
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {tried}:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    assert!(tried > 10_000 && several < tried / 100, "{tried} {several}");
}

#[test]
fn key_like_many_of_its_place_belongs_to_no_other() {
    let kind = DocumentKind::ClusterConfig;
    let path = FieldPath::of("nodeGroups").index(0);
    let found = for_unknown_key("volume", kind, &types(kind)["NodeGroup"], &path);
    assert!(found.is_none(), "{found:?}");
}
