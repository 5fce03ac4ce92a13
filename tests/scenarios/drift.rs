//! Every way in which what exists may differ from the file, one at a time: what is planned for it, with which reason and
//! steps, and that nothing is left to do afterwards.

use std::{collections::BTreeSet, fmt::Write as _, path::Path};

use eksact_core::{
    engine::{Action, Origin, Plan, Severity, drift},
    kinds::origin::REASONS,
    ports::aws::Stack,
};
use eksact_simulator::{Sandbox, World};
use serde_json::json;

use crate::scenarios::stage::{
    applied, apply, assert_row, assert_settled, cluster, file, file_with, human, plan, record_of, request,
    role_of, summary,
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

const READER_ROLE: &str = "iam-role/app/reader";
const READER_ACCOUNT: &str = "service-account/app/reader";
const PROVIDER: &str = "oidc-provider/prod";
const LISTS_ONLY: &str = "arn:aws:iam::aws:policy/AmazonEC2ReadOnlyAccess";

fn whole_file() -> String {
    file_with("tags: {team: platform}", &[READER, CONTROLLER, NAMED])
}

/// What happens by hand, or to the file; and what the plan must say of it: address, action and first reason of each change.
struct Case {
    name: &'static str,
    edit: fn(&mut World),
    file: fn(String) -> String,
    expected: &'static [(&'static str, Action, &'static str)],
}

fn same(file: String) -> String {
    file
}

fn nothing(_: &mut World) {}

fn inline_of<'a>(world: &'a mut World, account: &str) -> &'a mut serde_json::Value {
    role_of(world, account)
        .inline_policies
        .values_mut()
        .next()
        .unwrap()
}

fn forget_stack(world: &mut World, account: &str) {
    let record = record_of(world, account);
    "DELETE_COMPLETE".clone_into(&mut record.stack.status);
    let names: Vec<String> = record
        .resources
        .values()
        .map(|resource| resource.physical_id.clone())
        .collect();
    world.roles.retain(|name, _| !names.contains(name));
}

fn stack_of<'a>(world: &'a mut World, account: &str) -> &'a mut Stack {
    &mut record_of(world, account).stack
}

fn cases() -> Vec<Case> {
    use Action::{Create, Replace, Update};
    let by_hand = |name, edit, expected| Case {
        name,
        edit,
        file: same,
        expected,
    };
    let in_file = |name, file, expected| Case {
        name,
        edit: nothing,
        file,
        expected,
    };
    vec![
        by_hand(
            "trust policy widened",
            |world| {
                let trust = &mut role_of(world, "reader").trust_policy;
                trust["Statement"].as_array_mut().unwrap().push(json!({
                    "Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": "arn:aws:iam::999988887777:root"}
                }));
            },
            &[(READER_ROLE, Update, "drift")],
        ),
        by_hand(
            "trust policy written in another way that means the same",
            |world| {
                let statement = &mut role_of(world, "reader").trust_policy["Statement"][0];
                statement["Action"] = json!("sts:AssumeRoleWithWebIdentity");
            },
            &[],
        ),
        by_hand(
            "managed policy detached",
            |world| {
                role_of(world, "reader").managed_policy_arns.pop();
            },
            &[(READER_ROLE, Update, "drift")],
        ),
        by_hand(
            "managed policy attached by hand",
            |world| {
                role_of(world, "reader")
                    .managed_policy_arns
                    .push(LISTS_ONLY.to_owned());
            },
            &[(READER_ROLE, Update, "drift")],
        ),
        by_hand(
            "inline policy edited",
            |world| inline_of(world, "reader")["Statement"][0]["Action"] = json!("s3:*"),
            &[(READER_ROLE, Update, "drift")],
        ),
        by_hand(
            "inline policy deleted",
            |world| role_of(world, "reader").inline_policies.clear(),
            &[(READER_ROLE, Update, "drift")],
        ),
        by_hand(
            "inline policy added",
            |world| {
                let document = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]});
                role_of(world, "reader")
                    .inline_policies
                    .insert("quick-fix".to_owned(), document);
            },
            &[(READER_ROLE, Update, "drift")],
        ),
        by_hand(
            "boundary removed",
            |world| role_of(world, "reader").permissions_boundary = None,
            &[(READER_ROLE, Update, "drift")],
        ),
        by_hand(
            "boundary changed",
            |world| {
                role_of(world, "reader").permissions_boundary =
                    Some("arn:aws:iam::aws:policy/AdministratorAccess".to_owned());
            },
            &[(READER_ROLE, Update, "drift")],
        ),
        by_hand(
            "boundary added",
            |world| {
                role_of(world, "named").permissions_boundary =
                    Some("arn:aws:iam::aws:policy/PowerUserAccess".to_owned());
            },
            &[("iam-role/ops/named", Update, "drift")],
        ),
        by_hand(
            "role tag removed",
            |world| {
                role_of(world, "reader").tags.remove("team");
            },
            &[(READER_ROLE, Update, "drift")],
        ),
        by_hand(
            "role tag of somebody else's",
            |world| {
                role_of(world, "reader")
                    .tags
                    .insert("audited".to_owned(), "yes".to_owned());
            },
            &[],
        ),
        by_hand(
            "stack tag removed",
            |world| {
                stack_of(world, "reader").tags.remove("team");
            },
            &[(READER_ROLE, Update, "differs")],
        ),
        by_hand(
            "termination protection off",
            |world| stack_of(world, "reader").termination_protection = false,
            &[(READER_ROLE, Update, "termination-protection")],
        ),
        by_hand(
            "role deleted",
            |world| {
                let name = role_of(world, "reader").name.clone();
                world.roles.remove(&name);
            },
            &[
                (READER_ROLE, Replace, "role-gone"),
                (READER_ACCOUNT, Update, "differs"),
            ],
        ),
        by_hand(
            "role with a given name deleted",
            |world| {
                world.roles.remove("deployer");
            },
            &[("iam-role/ops/named", Replace, "role-gone")],
        ),
        by_hand(
            "stack deleted",
            |world| forget_stack(world, "reader"),
            &[
                (READER_ROLE, Create, "missing"),
                (READER_ACCOUNT, Update, "differs"),
            ],
        ),
        by_hand(
            "older policy of the load balancer controller, by a tool of that time",
            |world| {
                without(NEWS_OF_CONTROLLER, inline_of(world, "controller"));
                let record = record_of(world, "controller");
                let mut template = serde_json::from_str(&record.template).unwrap();
                without(NEWS_OF_CONTROLLER, &mut template);
                record.template = template.to_string();
                for resource in record.resources.values_mut() {
                    without(NEWS_OF_CONTROLLER, &mut resource.properties);
                }
            },
            &[(
                "iam-role/kube-system/controller",
                Update,
                "well-known-policy-version",
            )],
        ),
        by_hand(
            "older policy of the load balancer controller, put there by hand",
            |world| without(NEWS_OF_CONTROLLER, inline_of(world, "controller")),
            &[("iam-role/kube-system/controller", Update, "drift")],
        ),
        by_hand(
            "annotation removed",
            |world| {
                let account = cluster(world).service_accounts.get_mut("app/reader").unwrap();
                account.annotations.remove("eks.amazonaws.com/role-arn");
            },
            &[(READER_ACCOUNT, Update, "annotation-missing")],
        ),
        by_hand(
            "annotation edited",
            |world| {
                let account = cluster(world).service_accounts.get_mut("app/reader").unwrap();
                account.annotations.insert(
                    "eks.amazonaws.com/role-arn".to_owned(),
                    "arn:aws:iam::999988887777:role/other".to_owned(),
                );
            },
            &[(READER_ACCOUNT, Update, "differs")],
        ),
        by_hand(
            "label removed",
            |world| {
                let account = cluster(world).service_accounts.get_mut("app/reader").unwrap();
                account.labels.remove("tier");
            },
            &[(READER_ACCOUNT, Update, "differs")],
        ),
        by_hand(
            "service account deleted",
            |world| {
                cluster(world).service_accounts.remove("app/reader");
            },
            &[(READER_ACCOUNT, Create, "missing")],
        ),
        by_hand(
            "namespace deleted, and what was in it",
            |world| {
                cluster(world).namespaces.remove("app");
                cluster(world).service_accounts.remove("app/reader");
            },
            &[
                ("namespace/app", Create, "missing"),
                (READER_ACCOUNT, Create, "missing"),
            ],
        ),
        by_hand(
            "provider deleted",
            |world| world.oidc_providers.clear(),
            &[(PROVIDER, Create, "missing")],
        ),
        by_hand(
            "provider's audience removed",
            |world| {
                let provider = world.oidc_providers.values_mut().next().unwrap();
                provider.audiences = vec!["vault".to_owned()];
            },
            &[(PROVIDER, Update, "audience-missing")],
        ),
        by_hand(
            "provider's thumbprint changed, which nobody asked to compare",
            |world| {
                let provider = world.oidc_providers.values_mut().next().unwrap();
                provider.thumbprints = vec!["ab".repeat(20)];
            },
            &[],
        ),
        by_hand(
            "eksctl's tag of the cluster removed",
            |world| cluster(world).cluster.tags.clear(),
            &[(PROVIDER, Update, "cluster-tag-missing")],
        ),
        in_file(
            "roleName changed",
            |file| file.replace("roleName: deployer", "roleName: releaser"),
            &[
                ("iam-role/ops/named", Replace, "role-name"),
                ("service-account/ops/named", Update, "differs"),
            ],
        ),
        in_file(
            "roleName removed",
            |file| file.replace("      roleName: deployer\n", ""),
            &[
                ("iam-role/ops/named", Replace, "role-name"),
                ("service-account/ops/named", Update, "differs"),
            ],
        ),
        in_file(
            "roleName added",
            |file| {
                file.replace(
                    "      wellKnownPolicies",
                    "      roleName: balancer\n      wellKnownPolicies",
                )
            },
            &[
                ("iam-role/kube-system/controller", Replace, "role-name"),
                ("service-account/kube-system/controller", Update, "differs"),
            ],
        ),
        Case {
            name: "roleName changed, and the role changed by hand in every way",
            edit: |world| {
                let role = role_of(world, "named");
                role.tags.remove("team");
                role.managed_policy_arns = vec![LISTS_ONLY.to_owned()];
                role.permissions_boundary = Some("arn:aws:iam::aws:policy/PowerUserAccess".to_owned());
                role.inline_policies.insert(
                    "quick-fix".to_owned(),
                    json!({"Version": "2012-10-17", "Statement": []}),
                );
            },
            file: |file| file.replace("roleName: deployer", "roleName: releaser"),
            expected: &[
                ("iam-role/ops/named", Replace, "role-name"),
                ("service-account/ops/named", Update, "differs"),
            ],
        },
        in_file(
            "managed policy added to the file",
            |file| {
                file.replace(
                    "['arn:aws:iam::aws:policy/ReadOnlyAccess']",
                    "['arn:aws:iam::aws:policy/ReadOnlyAccess', 'arn:aws:iam::aws:policy/AmazonEC2ReadOnlyAccess']",
                )
            },
            &[("iam-role/ops/named", Update, "differs")],
        ),
        in_file(
            "boundary and inline policy removed from the file",
            |file| {
                let start = file.find("      attachPolicy:").unwrap();
                let end = file.find("      tags: {cost").unwrap();
                format!("{}{}", &file[..start], &file[end..])
            },
            &[(READER_ROLE, Update, "differs")],
        ),
        in_file(
            "label and annotation removed from the file",
            |file| file.replace(", labels: {tier: backend}, annotations: {owner: payments}", ""),
            &[(READER_ACCOUNT, Update, "differs")],
        ),
        in_file(
            "tag of the file changed",
            |file| file.replace("cost-center: '42'", "cost-center: '43'"),
            &[(READER_ROLE, Update, "differs")],
        ),
        Case {
            name: "managed policy detached by hand and another added to the file",
            edit: |world| {
                role_of(world, "reader").managed_policy_arns.pop();
            },
            file: |file| {
                file.replace(
                    "AmazonS3ReadOnlyAccess'",
                    "AmazonS3ReadOnlyAccess', 'arn:aws:iam::aws:policy/AmazonEC2ReadOnlyAccess'",
                )
            },
            expected: &[(READER_ROLE, Update, "differs")],
        },
    ]
}

/// What the newest version of the controller's policy brought.
const NEWS_OF_CONTROLLER: &str = "ec2:DescribeRouteTables";

/// Takes a text out of every list.
fn without(text: &str, value: &mut serde_json::Value) {
    match value {
        serde_json::Value::Array(items) => {
            items.retain(|item| item != text);
            for item in items {
                without(text, item);
            }
        }
        serde_json::Value::Object(fields) => fields.values_mut().for_each(|item| without(text, item)),
        _ => {}
    }
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
