//! Entries of which it is not known whether they let somebody in, or known that they do not.

use super::*;

/// Entries, each with whether it lets its principal in.
type Entries<'a> = &'a [(&'a AccessEntry, Option<bool>)];

/// A name, lines and entries before and after, and the codes of the guards that refuse.
type Row<'a> = (
    &'a str,
    (&'a AwsAuthAccess, Entries<'a>),
    (&'a AwsAuthAccess, Entries<'a>),
    Vec<&'static str>,
);

/// An entry whose principal is gone or was made again is no access, and one of which that is not known is neither lost without a word
/// nor counted on.
#[test]
fn entries_that_may_let_no_one_in() {
    const ELSEWHERE: &str = "arn:aws:iam::444455556666:role/admin";
    let admin = |arn: &str| entry(arn, Some(("AmazonEKSClusterAdminPolicy", None)));
    let (dev, ops, elsewhere) = (admin(DEV), admin(OPS), admin(ELSEWHERE));
    let node = AccessEntry {
        entry_type: "EC2_LINUX".to_owned(),
        ..entry(NODE, None)
    };
    let nobody = AwsAuthAccess::default();
    let master = access(&[(DEV, admitted("dev", &[MASTERS]))]);
    let mapped_node = access(&[(
        NODE,
        admitted(
            "system:node:{{EC2PrivateDNSName}}",
            &["system:bootstrappers", NODES],
        ),
    )]);
    let (yes, no, unknown) = (Some(true), Some(false), None);
    let lost = vec!["last-admin-lost"];
    let nodes = vec!["node-role-lost"];
    let table: [Row<'_>; 17] = [
        (
            "one that counts stays",
            (&nobody, &[(&dev, yes), (&ops, yes)]),
            (&nobody, &[(&ops, yes)]),
            vec![],
        ),
        (
            "a stale one stays",
            (&nobody, &[(&dev, yes), (&ops, no)]),
            (&nobody, &[(&ops, no)]),
            lost.clone(),
        ),
        (
            "an unknown one stays",
            (&nobody, &[(&dev, yes), (&ops, unknown)]),
            (&nobody, &[(&ops, unknown)]),
            lost.clone(),
        ),
        (
            "one of another account stays",
            (&nobody, &[(&dev, yes), (&elsewhere, unknown)]),
            (&nobody, &[(&elsewhere, unknown)]),
            lost.clone(),
        ),
        (
            "the only one is unknown and goes",
            (&nobody, &[(&ops, unknown)]),
            (&nobody, &[]),
            lost.clone(),
        ),
        (
            "the only one is stale and goes",
            (&nobody, &[(&ops, no)]),
            (&nobody, &[]),
            vec![],
        ),
        (
            "the only one is unknown, another is given less",
            (&nobody, &[(&ops, unknown), (&node, yes)]),
            (&nobody, &[(&ops, unknown)]),
            nodes.clone(),
        ),
        (
            "a line goes, a stale entry stays",
            (&master, &[(&ops, no)]),
            (&nobody, &[(&ops, no)]),
            lost.clone(),
        ),
        (
            "a line goes, an entry that counts stays",
            (&master, &[(&ops, yes)]),
            (&nobody, &[(&ops, yes)]),
            vec![],
        ),
        (
            "a line goes that an entry overrides",
            (&master, &[(&entry(DEV, None), yes)]),
            (&nobody, &[(&entry(DEV, None), yes)]),
            vec![],
        ),
        (
            "a line goes that a stale entry may not override",
            (&master, &[(&entry(DEV, None), no)]),
            (&nobody, &[(&entry(DEV, None), no)]),
            lost.clone(),
        ),
        (
            "a line goes that an unknown entry may not override",
            (&master, &[(&entry(DEV, None), unknown)]),
            (&nobody, &[(&entry(DEV, None), unknown)]),
            lost.clone(),
        ),
        (
            "a line stays that a stale entry may override",
            (&master, &[(&dev, no), (&ops, yes)]),
            (&master, &[(&dev, no)]),
            lost,
        ),
        (
            "nodes by a stale entry and a line",
            (&mapped_node, &[(&node, no)]),
            (&nobody, &[(&node, no)]),
            nodes.clone(),
        ),
        (
            "nodes by an entry and a line",
            (&mapped_node, &[(&node, yes)]),
            (&nobody, &[(&node, yes)]),
            vec![],
        ),
        (
            "nodes by an unknown entry",
            (&nobody, &[(&node, unknown)]),
            (&nobody, &[]),
            nodes,
        ),
        (
            "nodes by a stale entry",
            (&nobody, &[(&node, no)]),
            (&nobody, &[]),
            vec![],
        ),
    ];
    for (case, (before, now), (after, would), expected) in table {
        let (now, would) = (counted(now), counted(would));
        assert_eq!(
            codes_over((before, &now), (after, &would), None),
            expected,
            "{case}"
        );
    }
}

/// The caller's own entry: it is there as long as nothing says otherwise.
#[test]
fn callers_own_entry() {
    let dev = AccessEntry {
        username: "dev".to_owned(),
        groups: vec!["ops".to_owned()],
        ..entry(DEV, None)
    };
    let nobody = AwsAuthAccess::default();
    let lost = vec!["own-access-lost"];
    for (case, lets_in, line, expected) in [
        ("counts", Some(true), None, lost.clone()),
        ("is unknown", None, None, lost),
        ("is stale", Some(false), None, vec![]),
        (
            "is stale, and a line takes its place",
            Some(false),
            Some(admitted("dev", &["ops"])),
            vec![],
        ),
    ] {
        let caller = Caller {
            key: DEV.to_owned(),
            before: line.clone(),
            after: line,
        };
        let now = counted(&[(&dev, lets_in)]);
        let found = codes_over((&nobody, &now), (&nobody, &known(&[])), Some(&caller));
        assert_eq!(found, expected, "{case}");
    }
}
