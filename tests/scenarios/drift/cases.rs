//! What a hand can do to each part of a service account, or the file say otherwise, and what the plan makes of it.

use eksact_core::{engine::Action, ports::aws::Stack};
use eksact_simulator::World;
use serde_json::json;

use crate::scenarios::stage::{cluster, record_of, role_of};

const READER_ROLE: &str = "iam-role/app/reader";
const READER_ACCOUNT: &str = "service-account/app/reader";
const PROVIDER: &str = "oidc-provider/prod";
const LISTS_ONLY: &str = "arn:aws:iam::aws:policy/AmazonEC2ReadOnlyAccess";

/// What happens by hand, or to the file; and what the plan must say of it: address, action and first reason of each change.
pub(super) struct Case {
    pub(super) name: &'static str,
    pub(super) edit: fn(&mut World),
    pub(super) file: fn(String) -> String,
    pub(super) expected: &'static [(&'static str, Action, &'static str)],
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

pub(super) fn stack_of<'a>(world: &'a mut World, account: &str) -> &'a mut Stack {
    &mut record_of(world, account).stack
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

pub(super) fn cases() -> Vec<Case> {
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
