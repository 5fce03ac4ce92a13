//! Every way in which what exists may differ from the file, one at a time: what is planned for it, with which reason and
//! steps, and that nothing is left to do afterwards.

mod cases;

use std::{collections::BTreeSet, fmt::Write as _, path::Path};

use eksact_core::{
    engine::{Action, Origin, Plan, Severity, drift},
    kinds::origin::REASONS,
};
use eksact_simulator::Sandbox;

use self::cases::{Case, cases, stack_of};
use crate::scenarios::stage::{
    applied, apply, assert_row, assert_settled, file, file_with, human, plan, request, role_of, summary,
};

const READER: &str = "\
metadata: {name: reader, namespace: app, labels: {tier: backend}, annotations: {owner: payments}}
attachPolicyARNs: ['arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess', 'arn:aws:iam::aws:policy/AmazonSQSFullAccess']
attachPolicy:
  Version: '2012-10-17'
  Statement: [{Effect: Allow, Action: ['s3:GetObject', 's3:ListBucket'], Resource: '*'}]
permissionsBoundary: arn:aws:iam::aws:policy/PowerUserAccess
tags: {cost-center: '42'}";
const CONTROLLER: &str = "\
metadata: {name: controller, namespace: kube-system}
wellKnownPolicies: {awsLoadBalancerController: true}";
const NAMED: &str = "\
metadata: {name: named, namespace: ops}
roleName: deployer
attachPolicyARNs: ['arn:aws:iam::aws:policy/ReadOnlyAccess']";

fn whole_file() -> String {
    file_with("tags: {team: platform}", &[READER, CONTROLLER, NAMED])
}

fn check(case: &Case, plan: &Plan) {
    let found: Vec<(String, Action, &str)> = plan
        .changes
        .iter()
        .map(|change| {
            (
                change.address.to_string(),
                change.action,
                change.reasons[0].code.as_str(),
            )
        })
        .collect();
    let expected: Vec<(String, Action, &str)> = case
        .expected
        .iter()
        .map(|(address, action, reason)| ((*address).to_owned(), *action, *reason))
        .collect();
    assert_eq!(found, expected, "{}\n{}", case.name, human(plan));
    assert_eq!(plan.findings_of(Severity::Error).count(), 0, "{}", summary(plan));
}

async fn play(case: &Case) -> (Sandbox, Plan) {
    let (sandbox, _) = applied(&whole_file()).await;
    sandbox.edit(case.edit).unwrap();
    let wanted = request(&(case.file)(whole_file()));
    let found = plan(&sandbox, &wanted).await;
    check(case, &found);
    apply(&sandbox, &wanted).await;
    assert_settled(&sandbox, &wanted, case.name).await;
    (sandbox, found)
}

#[tokio::test(start_paused = true)]
async fn drift_is_found_and_repaired() {
    for case in cases() {
        let (_, plan) = play(&case).await;
        assert_origins(&case, &plan);
        let mut row = human(&plan);
        for step in &plan.steps {
            writeln!(row, "step: {}", step.title).unwrap();
        }
        assert_row!("drift", case.name, row);
    }
}

/// What a hand did is never taken for the file's doing or for a new object, and nothing of the file's for a hand's.
fn assert_origins(case: &Case, plan: &Plan) {
    let is_of_file = (case.file)(whole_file()) != whole_file();
    let is_of_both = is_of_file && case.name.contains("by hand");
    for change in &plan.changes {
        let possible = if is_of_both && change.address.kind() == "iam-role" {
            &[Some(Origin::Live)][..]
        } else if is_of_file {
            &[Some(Origin::Configuration), None][..]
        } else if change.reasons[0].code == "well-known-policy-version" {
            // Its stack was made by an older eksact.
            &[Some(Origin::Configuration)][..]
        } else {
            &[Some(Origin::Live), None][..]
        };
        assert!(
            possible.contains(&change.origin),
            "{}: {} is {:?}",
            case.name,
            change.address,
            change.origin
        );
        let sure = ["drift", "role-gone"];
        if sure.contains(&change.reasons[0].code.as_str()) {
            assert_eq!(change.origin, Some(Origin::Live), "{}", case.name);
        }
    }
    let (shown, left_out) = drift::of(plan);
    assert_eq!(shown.changes.len() + left_out.len(), plan.changes.len());
    if !is_of_file
        && plan
            .changes
            .iter()
            .all(|change| change.reasons[0].code != "well-known-policy-version")
    {
        assert!(left_out.is_empty(), "{}: {left_out:?}", case.name);
    }
}

/// What each case says of the origin of its first change, where it is sure.
#[tokio::test(start_paused = true)]
async fn origin_is_told_where_something_shows_it() {
    for (name, origin) in [
        ("managed policy detached", Some(Origin::Live)),
        ("role tag removed", Some(Origin::Live)),
        ("annotation edited", Some(Origin::Live)),
        ("role deleted", Some(Origin::Live)),
        // The stack's tags are what was applied last, and have no second record.
        ("stack tag removed", None),
        ("label removed", None),
        ("service account deleted", None),
        ("provider deleted", None),
        ("managed policy added to the file", Some(Origin::Configuration)),
        (
            "boundary and inline policy removed from the file",
            Some(Origin::Configuration),
        ),
        ("roleName changed", Some(Origin::Configuration)),
        (
            "managed policy detached by hand and another added to the file",
            Some(Origin::Live),
        ),
    ] {
        let case = cases().into_iter().find(|case| case.name == name).unwrap();
        let (_, plan) = play(&case).await;
        assert_eq!(plan.changes[0].origin, origin, "{name}");
    }
    let (sandbox, _) = applied(&whole_file()).await;
    let more = "metadata: {name: more, namespace: fresh}\nattachPolicyARNs: ['arn:aws:iam::aws:policy/ReadOnlyAccess']";
    let wanted = request(&file_with(
        "tags: {team: platform}",
        &[READER, CONTROLLER, NAMED, more],
    ));
    let found = plan(&sandbox, &wanted).await;
    assert_eq!(found.changes.len(), 3);
    assert!(
        found
            .changes
            .iter()
            .all(|change| change.origin == Some(Origin::New)),
        "{}",
        summary(&found)
    );
}

#[test]
fn origin_of_every_reason_is_thought_about() {
    fn sources(folder: &Path, found: &mut String) {
        for entry in fs_err::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                sources(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push_str(&fs_err::read_to_string(path).unwrap());
            }
        }
    }
    let mut text = String::new();
    for folder in ["kinds", "kubeconfig"] {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        sources(&root.join("crates/core/src").join(folder), &mut text);
    }
    let written: BTreeSet<&str> = text
        .split("Reason::new(")
        .skip(1)
        .map(|rest| {
            let code = rest
                .trim_start()
                .strip_prefix('"')
                .and_then(|rest| rest.split('"').next());
            code.unwrap_or_else(|| panic!("a code that is not written out: {rest:.60}"))
        })
        .collect();
    let known: BTreeSet<&str> = REASONS.iter().map(|(code, _)| *code).collect();
    assert_eq!(written, known);
}

#[tokio::test(start_paused = true)]
async fn repair_keeps_tags_and_attachments_of_others() {
    let (sandbox, request) = applied(&file(&[READER])).await;
    sandbox
        .edit(|world| {
            let role = role_of(world, "reader");
            role.tags.insert("audited".to_owned(), "yes".to_owned());
            role.permissions_boundary = None;
            stack_of(world, "reader")
                .tags
                .insert("ticket".to_owned(), "OPS-1".to_owned());
        })
        .unwrap();
    apply(&sandbox, &request).await;
    let mut world = sandbox.world().unwrap();
    assert_eq!(role_of(&mut world, "reader").tags["audited"], "yes");
    assert_eq!(stack_of(&mut world, "reader").tags["ticket"], "OPS-1");
}
