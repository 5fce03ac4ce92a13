//! What a plan says and does for the states of aws-auth and RBAC that it can meet.

use std::fmt::Write as _;

use eksact_core::{
    engine::{Origin, Severity},
    kinds::Request,
};
use eksact_simulator::Sandbox;

use super::{
    DEVELOPERS, HAND_WRITTEN, aws_auth, deletion, file, file_with_access, hand_written, pruning, text, write,
};
use crate::scenarios::stage::{
    apply, assert_row, assert_settled, cluster, fresh_world, human, plan, request, sandbox, summary,
};

/// The lines of `after` that `before` does not have, and the other way round: what kubectl diff would show.
fn changed_lines(before: &str, after: &str) -> String {
    let lines = |text: &str| text.split_inclusive('\n').map(str::to_owned).collect::<Vec<_>>();
    let (before, after) = (lines(before), lines(after));
    let mut text = String::new();
    for line in before.iter().filter(|line| !after.contains(line)) {
        write!(text, "-{line}").unwrap();
    }
    for line in after.iter().filter(|line| !before.contains(line)) {
        write!(text, "+{line}").unwrap();
    }
    text
}

/// Every drift of the one mapping over a hand-written ConfigMap: what the plan says, which lines it changes, and that a
/// second plan has nothing to do.
#[tokio::test(start_paused = true)]
async fn mapping_drift_is_found_and_repaired() {
    let other = |old: &str, new: &str| {
        let entry = "- rolearn: arn:aws:iam::111122223333:role/dev\n  username: dev:{{SessionName}}\n  groups:\n  - developers\n";
        assert!(entry.contains(old));
        format!("{HAND_WRITTEN}{}", entry.replace(old, new))
    };
    let cases: [(&str, String); 12] = [
        ("absent", HAND_WRITTEN.to_owned()),
        ("as wanted", other("dev:", "dev:")),
        (
            "as wanted, in other words",
            other("  groups:\n  - developers\n", "  groups: [\"developers\"]\n"),
        ),
        ("another user name", other("dev:{{SessionName}}", "developer")),
        (
            "one group more",
            other("- developers", "- developers\n  - admins"),
        ),
        ("no groups", other("  groups:\n  - developers\n", "")),
        ("groups as a text", other("\n  - developers", " developers")),
        ("an ARN in capitals", other("role/dev", "ROLE/DEV")),
        (
            "a field of its own",
            other("  username", "  team: red # keep\n  username"),
        ),
        (
            "twice, the last one differs",
            format!(
                "{}{}",
                other("dev:", "dev:"),
                "- {rolearn: 'arn:aws:iam::111122223333:role/dev', username: ghost}\n"
            ),
        ),
        (
            "an indented list",
            "  - rolearn: arn:aws:iam::111122223333:role/node\n    username: node\n".to_owned(),
        ),
        ("an empty list", "[]\n".to_owned()),
    ];
    for (case, before) in cases {
        let bed = hand_written();
        write(&bed, "mapRoles", Some(&before));
        let request = request(&file(&[DEVELOPERS]));
        let plan = apply(&bed, &request).await;
        assert_settled(&bed, &request, case).await;
        let after = text(&bed, "mapRoles");
        assert_row!(
            "mapping-drift",
            case,
            format!("{}{}", summary(&plan), changed_lines(&before, &after))
        );
    }
}

/// A ConfigMap that is not there is made; what is to be deleted from one that is not there is nothing to do.
#[tokio::test(start_paused = true)]
async fn absent_config_map_is_made_only_by_what_is_desired() {
    let without = || {
        let mut world = fresh_world();
        cluster(&mut world).config_maps.clear();
        sandbox(world)
    };
    let bed = without();
    let request = request(&file(&[DEVELOPERS, "account: \"444455556666\""]));
    apply(&bed, &request).await;
    assert_settled(&bed, &request, "made").await;
    assert_eq!(text(&bed, "mapAccounts"), "- \"444455556666\"\n");
    assert!(text(&bed, "mapRoles").contains("role/dev"));

    let bed = without();
    let deletion = deletion("arn:aws:iam::111122223333:role/dev", true);
    let plan = apply(&bed, &deletion).await;
    assert!(summary(&plan).contains("nothing-to-delete"), "{}", summary(&plan));
    assert_eq!(aws_auth(&bed), None);
    let bed = without();
    apply(&bed, &pruning(super::super::stage::request(&file(&[])))).await;
    assert_eq!(aws_auth(&bed), None);
}

/// Users and accounts; a user ARN that somebody put into mapRoles counts there, and is changed there.
#[tokio::test(start_paused = true)]
async fn mappings_of_users_and_accounts() {
    let bed = hand_written();
    write(
        &bed,
        "mapUsers",
        Some("- userarn: arn:aws:iam::111122223333:user/ann\n  username: ann\n"),
    );
    write(&bed, "mapAccounts", Some("# partners\n- \"000011112222\"\n"));
    let roles = format!("{HAND_WRITTEN}- rolearn: arn:aws:iam::111122223333:user/bob\n  username: bob\n");
    write(&bed, "mapRoles", Some(&roles));
    let request = request(&file(&[
        "arn: arn:aws:iam::111122223333:user/ann\nusername: ann\ngroups: [admins]",
        "arn: arn:aws:iam::111122223333:user/bob\nusername: robert",
        "account: \"444455556666\"",
        "account: \"000011112222\"",
    ]));
    let plan = apply(&bed, &request).await;
    assert_settled(&bed, &request, "users and accounts").await;
    assert_eq!(
        text(&bed, "mapAccounts"),
        "# partners\n- \"000011112222\"\n- \"444455556666\"\n"
    );
    assert!(text(&bed, "mapRoles").ends_with("user/bob\n  username: robert\n"));
    assert!(!text(&bed, "mapUsers").contains("bob"));
    insta::assert_snapshot!(human(&plan));
}

/// A deletion takes one entry and its lines; of several it takes none unasked.
#[tokio::test(start_paused = true)]
async fn mapping_deletions() {
    let platform = "arn:aws:iam::111122223333:role/platform";
    let twice =
        format!("{HAND_WRITTEN}- rolearn: {platform}\n  username: other\n  groups: [system:masters]\n");
    for (case, before, arn, all) in [
        ("one", HAND_WRITTEN, platform, false),
        (
            "in capitals",
            HAND_WRITTEN,
            "arn:aws:iam::111122223333:ROLE/Platform",
            false,
        ),
        ("several", &twice, platform, false),
        ("all of several", &twice, platform, true),
        (
            "nobody of that name",
            HAND_WRITTEN,
            "arn:aws:iam::111122223333:role/teams/platform",
            false,
        ),
    ] {
        let bed = hand_written();
        write(&bed, "mapRoles", Some(before));
        let request = deletion(arn, all);
        let plan = plan(&bed, &request).await;
        if plan.findings_of(Severity::Error).next().is_none() {
            apply(&bed, &request).await;
            assert_settled(&bed, &request, case).await;
        }
        assert_row!(
            "mapping-deletion",
            case,
            format!(
                "{}{}",
                summary(&plan),
                changed_lines(before, &text(&bed, "mapRoles"))
            )
        );
    }
}

const GROUPS: &str = "\
groups:
- name: developers
  bindings:
  - clusterRole: view
  - clusterRole: edit
    namespaces: [kube-public]
- name: deployers
  bindings:
  - rules:
    - {apiGroups: [apps], resources: [deployments], verbs: [get, patch]}
    namespaces: [kube-public]
";

/// Groups are bound as the file says, changed bindings are mended, and what the file no longer says is pruned.
#[tokio::test(start_paused = true)]
async fn groups_and_their_bindings() {
    let bed = hand_written();
    let whole = request(&file_with_access(&[DEVELOPERS], GROUPS));
    let first = apply(&bed, &whole).await;
    assert_settled(&bed, &whole, "bound").await;
    let mut story = format!("## bound\n{}", summary(&first));
    // Somebody takes the subject away, gives the role another rule, and points a binding elsewhere.
    bed.edit(|world| {
        let cluster = cluster(world);
        for (key, binding) in &mut cluster.rbac_bindings {
            if key.ends_with("eksact:developers:view") {
                binding.subjects.clear();
            }
            if key.ends_with("eksact:developers:edit") {
                binding.role_name = "admin".to_owned();
            }
        }
        for (key, role) in &mut cluster.rbac_roles {
            if key.contains("eksact:deployers:") {
                role.rules[0].verbs.push("delete".to_owned());
            }
        }
    })
    .unwrap();
    let mended = apply(&bed, &whole).await;
    assert_settled(&bed, &whole, "mended").await;
    write!(story, "## mended\n{}", human(&mended)).unwrap();
    let less = pruning(request(&file(&[])));
    let pruned = apply(&bed, &less).await;
    assert_settled(&bed, &less, "pruned").await;
    write!(story, "## pruned\n{}", summary(&pruned)).unwrap();
    assert_eq!(text(&bed, "mapRoles"), HAND_WRITTEN, "byte for byte as before");
    insta::assert_snapshot!(story);
}

/// What cannot be bound, or gives nothing, is said; what somebody else made is left alone.
#[tokio::test(start_paused = true)]
async fn bindings_that_cannot_be() {
    let bed = hand_written();
    let request = request(&file_with_access(
        &[DEVELOPERS],
        "groups:\n- name: a\n  bindings:\n  - {clusterRole: nobody-made-it}\n  - {clusterRole: view, namespaces: [nowhere]}\n- name: b\n  bindings:\n  - {clusterRole: view}\n",
    ));
    bed.edit(|world| {
        let cluster = cluster(world);
        let mut foreign = cluster.rbac_bindings.values().next().unwrap().clone();
        foreign.name = "eksact:b:view".to_owned();
        cluster.rbac_bindings.insert("/eksact:b:view".to_owned(), foreign);
    })
    .unwrap();
    insta::assert_snapshot!(summary(&plan(&bed, &request).await));
}

/// EMR's mapping brings its role and binding, as eksctl's does.
#[tokio::test(start_paused = true)]
async fn service_has_its_role_and_binding() {
    let bed = hand_written();
    let request = request(&file(&["serviceName: emr-containers\nnamespace: kube-public"]));
    let plan = apply(&bed, &request).await;
    assert_settled(&bed, &request, "emr").await;
    insta::assert_snapshot!(summary(&plan));
    let entry = "- rolearn: arn:aws:iam::111122223333:role/AWSServiceRoleForAmazonEMRContainers\n  username: emr-containers\n";
    assert!(text(&bed, "mapRoles").ends_with(entry));
}

async fn findings(bed: &Sandbox, request: &Request) -> String {
    let plan = plan(bed, request).await;
    let mut text = String::new();
    for finding in &plan.findings {
        writeln!(
            text,
            "{:?} {}: {}",
            finding.severity, finding.code, finding.message
        )
        .unwrap();
    }
    text
}

/// A role as IAM Identity Center makes it.
pub(super) fn permission_set_role(world: &mut eksact_simulator::World, name: &str) {
    let path = "/aws-reserved/sso.amazonaws.com/eu-west-1/";
    let role = eksact_core::ports::aws::Role {
        name: name.to_owned(),
        arn: format!("arn:aws:iam::111122223333:role{path}{name}"),
        id: format!("AROA{name}"),
        path: path.to_owned(),
        trust_policy: serde_json::json!({}),
        managed_policy_arns: Vec::new(),
        inline_policies: std::collections::BTreeMap::new(),
        max_session_seconds: None,
        permissions_boundary: None,
        tags: std::collections::BTreeMap::new(),
    };
    world.roles.insert(name.to_owned(), role);
}

/// Permission sets become the one role that they made, without its path; none and several are errors that list them.
#[tokio::test(start_paused = true)]
async fn permission_sets() {
    let bed = hand_written();
    bed.edit(|world| {
        permission_set_role(world, "AWSReservedSSO_Admin_0123456789abcdef");
        permission_set_role(world, "AWSReservedSSO_Twice_0123456789abcdef");
        permission_set_role(world, "AWSReservedSSO_Twice_fedcba9876543210");
    })
    .unwrap();
    let asking = |name: &str| {
        request(&file_with_access(
            &[],
            &format!(
                "identityMappings:\n- permissionSet: {name}\n  username: a\n  groups: [system:masters]\n"
            ),
        ))
    };
    apply(&bed, &asking("{name: Admin}")).await;
    assert!(
        text(&bed, "mapRoles")
            .contains("rolearn: arn:aws:iam::111122223333:role/AWSReservedSSO_Admin_0123456789abcdef\n")
    );
    let mut story = String::new();
    for name in [
        "{name: Twice}",
        "{name: admin}",
        "{name: Admin, account: \"444455556666\"}",
    ] {
        write!(story, "{}", findings(&bed, &asking(name)).await).unwrap();
    }
    bed.edit(|world| world.denied.insert("iam:ListRoles".to_owned()))
        .unwrap();
    write!(story, "{}", findings(&bed, &asking("{name: Admin}")).await).unwrap();
    insta::assert_snapshot!(story);
}

/// What cannot be written at all, and clusters that do not look at aws-auth.
#[tokio::test(start_paused = true)]
async fn mapping_that_cannot_be_written_is_an_error() {
    let request = request(&file(&[DEVELOPERS]));
    let told = async |case: &str, bed: Sandbox, request: &Request| {
        let found = findings(&bed, request).await;
        assert_row!("mapping-unwritable", case, found);
    };
    let bed = hand_written();
    bed.edit(|world| {
        let config_maps = &mut cluster(world).config_maps;
        config_maps.get_mut("kube-system/aws-auth").unwrap().immutable = true;
    })
    .unwrap();
    told("immutable", bed, &request).await;

    let bed = hand_written();
    let filler = format!(
        "{HAND_WRITTEN}# {}\n",
        "x".repeat(1024 * 1024 - HAND_WRITTEN.len() - 50)
    );
    write(&bed, "mapRoles", Some(&filler));
    told("too large", bed, &request).await;

    let bed = hand_written();
    bed.edit(|world| cluster(world).cluster.authentication_mode = Some("API".to_owned()))
        .unwrap();
    told("access entries only", bed, &request).await;

    let bed = hand_written();
    bed.edit(|world| {
        cluster(world)
            .denied
            .insert("get configmaps in kube-system".to_owned())
    })
    .unwrap();
    told("denied", bed, &request).await;

    let bed = hand_written();
    bed.edit(|world| cluster(world).unreachable = true).unwrap();
    told("unreachable", bed, &request).await;
}

/// The digests of what eksact wrote outlive an edit by hand, so that the edit can be told from one of the file.
#[tokio::test(start_paused = true)]
async fn mapping_origin_follows_the_digest_of_what_was_written() {
    let changed = DEVELOPERS.replace("developers", "reviewers");
    assert_ne!(changed, DEVELOPERS);
    let cases: [(&str, &str, Option<&str>, Option<Origin>); 4] = [
        (
            "removed by hand",
            DEVELOPERS,
            Some(HAND_WRITTEN),
            Some(Origin::Live),
        ),
        (
            "changed by hand",
            DEVELOPERS,
            Some("- {rolearn: 'arn:aws:iam::111122223333:role/dev', username: ghost}\n"),
            Some(Origin::Live),
        ),
        ("changed in the file", &changed, None, Some(Origin::Configuration)),
        (
            "changed in both",
            &changed,
            Some("- {rolearn: 'arn:aws:iam::111122223333:role/dev', username: ghost}\n"),
            None,
        ),
    ];
    for (case, wanted, by_hand, origin) in cases {
        let bed = hand_written();
        let fresh = plan(&bed, &request(&file(&[DEVELOPERS]))).await;
        assert_eq!(fresh.changes[0].origin, Some(Origin::New));
        apply(&bed, &request(&file(&[DEVELOPERS]))).await;
        if let Some(map) = by_hand {
            write(&bed, "mapRoles", Some(map));
        }
        let found = plan(&bed, &request(&file(&[wanted]))).await;
        assert_eq!(found.changes[0].origin, origin, "{case}\n{}", human(&found));
    }
}
