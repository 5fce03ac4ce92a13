use serde_json::json;

use super::*;
use crate::engine::{Action, Effect, Reason};

fn address(text: &str) -> Address {
    let (kind, name) = text.split_once('/').unwrap();
    Address::new(kind, name)
}

fn add(draft: &mut PlanDraft, text: &str, depends_on: &[&str], steps: Vec<StepId>) {
    draft.add_change(Change {
        address: address(text),
        action: Action::Create,
        reasons: vec![Reason::new("missing", "it does not exist")],
        source: None,
        attributes: Vec::new(),
        depends_on: depends_on.iter().map(|other| address(other)).collect(),
        steps,
        fingerprint: String::new(),
        origin: None,
        effect: Effect::Equal,
        notes: Vec::new(),
    });
}

/// `role/a` needs `provider/p`; `account/a` waits for a step of `role/a`; `mapping/x` and `mapping/y` are one write, which
/// waits for `binding/b`; `role/b` is alone; `role/c` is as wanted.
fn draft() -> PlanDraft {
    let mut draft = PlanDraft::default();
    let step = |draft: &mut PlanDraft, text: &str, depends_on: Vec<StepId>| {
        draft.add_step(&address(text), "make", "make", depends_on, &json!({}))
    };
    let provider = step(&mut draft, "provider/p", vec![]);
    add(&mut draft, "provider/p", &[], vec![provider]);
    let role = step(&mut draft, "role/a", vec![]);
    add(&mut draft, "role/a", &["provider/p"], vec![role.clone()]);
    let account = step(&mut draft, "account/a", vec![role]);
    add(&mut draft, "account/a", &[], vec![account]);
    let binding = step(&mut draft, "binding/b", vec![]);
    add(&mut draft, "binding/b", &[], vec![binding.clone()]);
    let both = vec![address("mapping/x"), address("mapping/y")];
    let write = draft.add_shared_step(
        &address("map/m"),
        "write",
        "write",
        vec![binding],
        &json!({}),
        both,
    );
    add(&mut draft, "mapping/x", &[], vec![write.clone()]);
    add(&mut draft, "mapping/y", &[], vec![write]);
    let alone = step(&mut draft, "role/b", vec![]);
    add(&mut draft, "role/b", &[], vec![alone]);
    draft.add_unchanged(address("role/c"));
    draft
}

#[test]
fn part_has_what_its_globs_take_and_need() {
    let everything = "account/a binding/b mapping/x mapping/y provider/p role/a role/b";
    for (targets, excluded, kept) in [
        (&["role/a"][..], &[][..], "provider/p role/a"),
        (&["account/a"], &[], "account/a provider/p role/a"),
        (&["*/a"], &[], "account/a provider/p role/a"),
        (&["role/*"], &[], "provider/p role/a role/b"),
        (&["role/[bc]"], &[], "role/b"),
        (&["{role,binding}/b"], &[], "binding/b role/b"),
        (&["mapping/x"], &[], "binding/b mapping/x mapping/y"),
        (&["role/c"], &[], ""),
        (&["*"], &[], everything),
        (
            &[],
            &["role/b"],
            "account/a binding/b mapping/x mapping/y provider/p role/a",
        ),
        (&[], &["provider/p"], "binding/b mapping/x mapping/y role/b"),
        (&[], &["binding/b"], "account/a provider/p role/a role/b"),
        (
            &[],
            &["mapping/x"],
            "account/a binding/b provider/p role/a role/b",
        ),
        (&["account/a"], &["role/a"], ""),
        (&["role/*"], &["role/a"], "role/b"),
    ] {
        let texts = |globs: &[&str]| globs.iter().map(|glob| (*glob).to_owned()).collect();
        let targets = Targets {
            targets: texts(targets),
            excluded: texts(excluded),
        };
        let mut part = draft();
        part.keep(&targets, &draft()).unwrap();
        let plan = part.finish("0").unwrap();
        let changes: Vec<String> = plan
            .changes
            .iter()
            .map(|change| change.address.to_string())
            .collect();
        assert_eq!(changes.join(" "), kept, "{targets:?}");
        let left_out = &plan.partial.as_ref().unwrap().left_out;
        assert_eq!(left_out.len() + changes.len(), 7, "{targets:?}");
    }
}

/// What a removal must wait for comes with it, though it is said after both were planned.
#[test]
fn order_binds_a_part() {
    let targets = Targets {
        targets: vec!["role/b".to_owned()],
        excluded: Vec::new(),
    };
    let mut part = draft();
    part.order(address("account/a"), address("role/b"));
    part.keep(&targets, &draft()).unwrap();
    let plan = part.finish("0").unwrap();
    assert_eq!(plan.changes.len(), 4);
}

#[test]
fn address_matches_itself_though_it_has_the_letters_of_globs() {
    let odd = address("rbac-role/app/[odd]*{name}");
    let glob = Glob::compile("--target", "rbac-role/app/\\[odd\\]*").unwrap();
    assert!(glob.matches(&odd));
    let itself = "shared-role/[odd]*";
    assert!(
        Glob::compile("--target", itself)
            .unwrap()
            .matches(&address(itself))
    );
}

#[test]
fn glob_with_a_slip_names_near_addresses_however_long_they_are() {
    let known: BTreeSet<Address> = [
        "iam-role/app/report-reader-of-the-night",
        "iam-role/ops/backup",
        "service-account/app/web",
        "oidc-provider/prod",
    ]
    .map(address)
    .into();
    let near =
        |text: &str| -> Vec<String> { nearest(text, &known).iter().map(ToString::to_string).collect() };
    assert_eq!(
        near("iam-rol/app/*"),
        ["iam-role/app/report-reader-of-the-night", "iam-role/ops/backup"]
    );
    assert_eq!(
        near("iam-role/op/*"),
        ["iam-role/ops/backup", "iam-role/app/report-reader-of-the-night"]
    );
    assert_eq!(near("service-accounts/*/web"), ["service-account/app/web"]);
    assert_eq!(near("oidc-provider/pord"), ["oidc-provider/prod"]);
    for nothing in ["*", "xyz/*", "*/*/*", "[/x"] {
        assert_eq!(near(nothing), [""; 0], "{nothing}");
    }
}
