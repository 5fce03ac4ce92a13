//! Decision tables of the guards over access: each case, and its nearest neighbours that are none.

mod doubtful_entries;

use super::*;
use crate::{
    guard::{
        access::{KnownRefusal, principal_key},
        entries::Counted,
    },
    ports::aws::{AccessEntry, AccessPolicy},
};

const DEV: &str = "arn:aws:iam::111122223333:role/dev";
const OPS: &str = "arn:aws:iam::111122223333:role/ops";
const NODE: &str = "arn:aws:iam::111122223333:role/node";

fn admitted(username: &str, groups: &[&str]) -> Admitted {
    Admitted {
        username: username.to_owned(),
        groups: groups.iter().map(|group| (*group).to_owned()).collect(),
    }
}

fn access(principals: &[(&str, Admitted)]) -> AwsAuthAccess {
    AwsAuthAccess {
        principals: principals
            .iter()
            .map(|(key, admitted)| ((*key).to_owned(), admitted.clone()))
            .collect(),
        accounts: BTreeSet::new(),
    }
}

fn entry(arn: &str, policy: Option<(&str, Option<&str>)>) -> AccessEntry {
    AccessEntry {
        principal_arn: arn.to_owned(),
        policies: policy
            .map(|(name, namespace)| AccessPolicy {
                arn: format!("arn:aws:eks::aws:cluster-access-policy/{name}"),
                namespaces: namespace.map(|namespace| vec![namespace.to_owned()]),
            })
            .into_iter()
            .collect(),
        ..AccessEntry::default()
    }
}

/// These entries, each with whether it lets its principal in.
fn counted(entries: &[(&AccessEntry, Option<bool>)]) -> AccessEntries {
    let counted = |(entry, lets_in): &(&AccessEntry, Option<bool>)| Counted {
        key: principal_key(&entry.principal_arn),
        lets_in: *lets_in,
        is_elsewhere: !entry.principal_arn.contains("111122223333"),
        entry: (*entry).clone(),
    };
    AccessEntries::known(entries.iter().map(counted).collect())
}

/// These entries, all of which let their principals in.
fn known(entries: &[AccessEntry]) -> AccessEntries {
    let all: Vec<_> = entries.iter().map(|entry| (entry, Some(true))).collect();
    counted(&all)
}

fn codes(
    before: &AwsAuthAccess,
    after: &AwsAuthAccess,
    entries: &AccessEntries,
    caller: Option<&Caller>,
) -> Vec<&'static str> {
    codes_over((before, entries), (after, entries), caller)
}

fn codes_over(
    (before, entries_before): (&AwsAuthAccess, &AccessEntries),
    (after, entries): (&AwsAuthAccess, &AccessEntries),
    caller: Option<&Caller>,
) -> Vec<&'static str> {
    refusals(&Evidence {
        before: Side {
            aws_auth: before,
            entries: entries_before,
        },
        after: Side {
            aws_auth: after,
            entries,
        },
        caller,
        dropped: &[],
        foreign: &[],
        recovery: "eksact create accessentry …",
        successor: "aws eks create-access-entry …",
    })
    .iter()
    .map(|refusal| refusal.guard.code().as_str())
    .collect()
}

/// A name, as whom the caller gets in before and after, the access entries, and the codes of the guards that refuse.
type Case<'table> = (
    &'table str,
    Option<Admitted>,
    Option<Admitted>,
    &'table AccessEntries,
    Vec<&'table str>,
);

#[test]
fn callers_own_access() {
    let none_at_all = known(&[]);
    let masters = || Some(admitted("me", &[MASTERS]));
    let dev = || Some(admitted("me", &["dev", "readers"]));
    let plain = || Some(admitted("me", &[]));
    let entry_of_caller = [entry("arn:aws:iam::111122223333:role/teams/Dev", None)];
    let other_entry = [entry(OPS, None)];
    let lost = vec!["own-access-lost"];
    let table: [Case<'_>; 13] = [
        ("goes", dev(), None, &none_at_all, lost.clone()),
        ("never came this way", None, None, &none_at_all, vec![]),
        ("stays", dev(), dev(), &none_at_all, vec![]),
        ("leaves masters", masters(), dev(), &none_at_all, lost.clone()),
        (
            "renamed master",
            masters(),
            Some(admitted("other", &[MASTERS])),
            &none_at_all,
            vec![],
        ),
        (
            "loses a group",
            dev(),
            Some(admitted("me", &["dev"])),
            &none_at_all,
            lost.clone(),
        ),
        (
            "gains a group",
            dev(),
            Some(admitted("me", &["readers", "dev", "x"])),
            &none_at_all,
            vec![],
        ),
        (
            "renamed in its groups",
            dev(),
            Some(admitted("you", &["dev", "readers"])),
            &none_at_all,
            vec![],
        ),
        (
            "renamed without groups",
            plain(),
            Some(admitted("you", &[])),
            &none_at_all,
            lost.clone(),
        ),
        (
            "without groups, gets one",
            plain(),
            Some(admitted("me", &["x"])),
            &none_at_all,
            vec![],
        ),
        (
            "has an access entry",
            dev(),
            None,
            &known(&entry_of_caller),
            vec![],
        ),
        ("another has one", dev(), None, &known(&other_entry), lost.clone()),
        ("entries unknown", dev(), None, &AccessEntries::Unknown, lost),
    ];
    for (case, before, after, entries, expected) in table {
        let caller = Caller {
            key: DEV.to_owned(),
            before,
            after,
        };
        let nobody = AwsAuthAccess::default();
        assert_eq!(
            codes(&nobody, &nobody, entries, Some(&caller)),
            expected,
            "{case}"
        );
    }
}

#[test]
fn last_administrator() {
    let none_at_all = known(&[]);
    let two = access(&[(DEV, admitted("a", &[MASTERS])), (OPS, admitted("b", &[MASTERS]))]);
    let one = access(&[(DEV, admitted("a", &[MASTERS]))]);
    let none = access(&[(DEV, admitted("a", &["dev"]))]);
    let admin = [entry(OPS, Some(("AmazonEKSClusterAdminPolicy", None)))];
    let admin_of_namespace = [entry(OPS, Some(("AmazonEKSClusterAdminPolicy", Some("app"))))];
    let viewer = [entry(OPS, Some(("AmazonEKSViewPolicy", None)))];
    let overrides = [entry(DEV, None)];
    let lost = vec!["last-admin-lost"];
    let table: [(&str, &AwsAuthAccess, &AwsAuthAccess, &AccessEntries, Vec<&str>); 9] = [
        ("one of two", &two, &one, &none_at_all, vec![]),
        ("both of two", &two, &none, &none_at_all, lost.clone()),
        ("the one", &one, &none, &none_at_all, lost.clone()),
        ("there never was one", &none, &none, &none_at_all, vec![]),
        ("an access entry is one", &one, &none, &known(&admin), vec![]),
        (
            "an access entry is one in a namespace",
            &one,
            &none,
            &known(&admin_of_namespace),
            lost.clone(),
        ),
        (
            "an access entry may look",
            &one,
            &none,
            &known(&viewer),
            lost.clone(),
        ),
        (
            "the one was overridden all along",
            &one,
            &none,
            &known(&overrides),
            vec![],
        ),
        ("entries unknown", &one, &none, &AccessEntries::Unknown, lost),
    ];
    for (case, before, after, entries, expected) in table {
        assert_eq!(codes(before, after, entries, None), expected, "{case}");
    }
}

#[test]
fn roles_of_nodes() {
    let none_at_all = known(&[]);
    let node = || {
        admitted(
            "system:node:{{EC2PrivateDNSName}}",
            &["system:bootstrappers", NODES],
        )
    };
    let mapped = access(&[(NODE, node())]);
    let gone = AwsAuthAccess::default();
    let ungrouped = access(&[(
        NODE,
        admitted("system:node:{{EC2PrivateDNSName}}", &["system:bootstrappers"]),
    )]);
    let renamed = access(&[(NODE, admitted("node", &["system:bootstrappers", NODES]))]);
    let other_name = access(&[(
        NODE,
        admitted("system:node:{{SessionName}}", &["system:bootstrappers", NODES]),
    )]);
    let never_bootstraps = access(&[(NODE, admitted("system:node:{{EC2PrivateDNSName}}", &[NODES]))]);
    let reordered = access(&[(
        NODE,
        admitted(
            "system:node:{{EC2PrivateDNSName}}",
            &["monitored", NODES, "system:bootstrappers"],
        ),
    )]);
    let entry_of_node = [entry(NODE, None)];
    let lost = vec!["node-role-lost"];
    let table: [(&str, &AwsAuthAccess, &AccessEntries, Vec<&str>); 9] = [
        ("stays", &mapped, &none_at_all, vec![]),
        ("goes", &gone, &none_at_all, lost.clone()),
        ("loses the group", &ungrouped, &none_at_all, lost.clone()),
        ("loses the name", &renamed, &none_at_all, lost.clone()),
        (
            "has a node's name, and not its own",
            &other_name,
            &none_at_all,
            lost.clone(),
        ),
        (
            "loses the other group",
            &never_bootstraps,
            &none_at_all,
            lost.clone(),
        ),
        ("keeps what makes it a node", &reordered, &none_at_all, vec![]),
        (
            "an access entry takes its place",
            &gone,
            &known(&entry_of_node),
            vec![],
        ),
        ("entries unknown", &gone, &AccessEntries::Unknown, lost),
    ];
    for (case, after, entries, expected) in table {
        assert_eq!(codes(&mapped, after, entries, None), expected, "{case}");
    }
}

#[test]
fn dropped_sections_and_foreign_changes() {
    let nobody = AwsAuthAccess::default();
    let entries = known(&[]);
    let side = Side {
        aws_auth: &nobody,
        entries: &entries,
    };
    let evidence = Evidence {
        before: side,
        after: side,
        caller: None,
        dropped: &[(
            "mapRoles".to_owned(),
            "line 3: mapping values are not allowed here".to_owned(),
        )],
        foreign: &["entry 2 of mapUsers".to_owned()],
        recovery: "",
        successor: "aws eks create-access-entry …",
    };
    let refused = refusals(&evidence);
    let codes: Vec<&str> = refused
        .iter()
        .map(|refusal| refusal.guard.code().as_str())
        .collect();
    assert_eq!(codes, ["aws-auth-section-dropped", "aws-auth-foreign-change"]);
    assert!(
        refused[0].message.contains("mapRoles (line 3"),
        "{}",
        refused[0].message
    );

    // What a write that meets a moved ConfigMap may pass: the same guard about the same or fewer, nothing else.
    let known = KnownRefusal::from(&refused[0]);
    assert!(refused[0].is_covered_by(&known));
    assert!(!refused[1].is_covered_by(&known));
    let more = Refusal {
        subjects: BTreeSet::from(["mapRoles".to_owned(), "mapUsers".to_owned()]),
        ..refused[0].clone()
    };
    assert!(!more.is_covered_by(&known));
}
