//! The rights that `eksact permissions` prints, held against the calls that random runs make: each call is covered, and each
//! action is called by some run.

use std::{cell::RefCell, collections::BTreeSet};

use eksact_core::{
    engine::Plan,
    guard::Guard,
    kinds::{
        Request,
        permissions::{Place, Rights, to_apply, to_plan},
        request::Settings,
    },
};
use eksact_simulator::{Call, Sandbox};
use globset::Glob;
use proptest::{prelude::*, strategy::ValueTree as _, test_runner::TestRunner};

use eksact_simulation::{
    inhabitants::settle,
    request,
    service_accounts::{edits, files},
    story::{Command, Story, story_of},
};

use crate::scenarios::{
    laws::{config, overriding, run, wanted, world_of},
    stage::{CLUSTER, REGION, again, attempt, carry_out, plan, pruning, sandbox, try_plan},
};

const ACCOUNT: &str = "111122223333";

/// Actions that only CloudFormation calls, in the caller's name; the simulated one has all rights.
const THROUGH_STACKS: &[&str] = &[
    "iam:AttachRolePolicy",
    "iam:CreateRole",
    "iam:DeleteRole",
    "iam:DeleteRolePermissionsBoundary",
    "iam:PutRolePermissionsBoundary",
    "iam:PutRolePolicy",
    "iam:TagRole",
    "iam:UntagRole",
    "iam:UpdateRole",
    "iam:UpdateRoleDescription",
];
/// Actions that are called when something went wrong.
const WHEN_IT_FAILS: &[&str] = &[
    "cloudformation:DeleteChangeSet",
    "cloudformation:DescribeStackEvents",
    "iam:AddClientIDToOpenIDConnectProvider",
];
/// Actions that AWS asks for where a call brings tags, or takes some away.
const WITH_TAGS: &[&str] = &[
    "cloudformation:TagResource",
    "cloudformation:UntagResource",
    "iam:TagOpenIDConnectProvider",
];

/// Calls that read many objects at once, where there are more than random worlds have.
const WITH_MANY: &[&str] = &[
    "iam:GetAccountAuthorizationDetails",
    "iam:GetAccountSummary",
    "list namespaces",
];

/// Everyone may ask who he is and what he may do; the issuer's documents are public.
fn needs_no_right(call: &Call) -> bool {
    ["sts", "issuer"].contains(&call.service)
        || call.action.contains("selfsubject")
        || call.action.starts_with("get /")
        || call.action == "get version"
}

/// Whether the rights allow a call, and the action that does.
fn allows(rights: &Rights, call: &Call) -> Option<String> {
    if call.service == "kubernetes" {
        let (verb, resource) = call.action.split_once(' ')?;
        let covers = rights.kubernetes.iter().any(|right| {
            let place = right.namespace.as_deref();
            let is_there = place.is_none_or(|namespace| {
                call.object == namespace || call.object.starts_with(&format!("{namespace}/"))
            });
            right.verb == verb && right.resource == resource && is_there
        });
        return covers.then(|| call.action.clone());
    }
    let action = format!("{}:{}", call.service, call.action);
    let object = call.object.as_str();
    let arn = match (call.service, object.split('/').next().unwrap_or_default()) {
        (_, "") => "*".to_owned(),
        // IAM asks for the right on the stack, whose name a change set does not tell.
        ("cloudformation", _) if object.contains(":changeSet/") => {
            return rights
                .aws
                .iter()
                .any(|right| right.action == action)
                .then_some(action);
        }
        ("eks", _) if call.action != "TagResource" => {
            format!("arn:aws:eks:{REGION}:{ACCOUNT}:{}", eks_resource(&call.action))
        }
        _ if object.starts_with("arn:") => object.to_owned(),
        ("iam", "https:") => format!(
            "arn:aws:iam::{ACCOUNT}:oidc-provider/{}",
            object.trim_start_matches("https://")
        ),
        ("iam", name) if call.action == "GetUser" => format!("arn:aws:iam::{ACCOUNT}:user/{name}"),
        ("iam", name) => format!("arn:aws:iam::{ACCOUNT}:role/{name}"),
        ("cloudformation", name) => format!("arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/{name}/0"),
        (service, _) => format!(
            "arn:aws:{service}:{REGION}:{ACCOUNT}:{}",
            eks_resource(&call.action)
        ),
    };
    let covers = rights.aws.iter().any(|right| {
        right.action == action
            && Glob::new(&right.resource)
                .unwrap()
                .compile_matcher()
                .is_match(&arn)
    });
    covers.then_some(action)
}

/// On what EKS asks for an action, by "Actions, resources, and condition keys for Amazon Elastic Kubernetes Service".
fn eks_resource(action: &str) -> String {
    let own = match action {
        "DescribeAccessEntry"
        | "UpdateAccessEntry"
        | "DeleteAccessEntry"
        | "AssociateAccessPolicy"
        | "DisassociateAccessPolicy"
        | "ListAssociatedAccessPolicies" => "access-entry",
        "DescribePodIdentityAssociation"
        | "UpdatePodIdentityAssociation"
        | "DeletePodIdentityAssociation" => "podidentityassociation",
        "DescribeIdentityProviderConfig" | "DisassociateIdentityProviderConfig" => "identityproviderconfig",
        "DescribeAddon" => return format!("addon/{CLUSTER}/eks-pod-identity-agent/1"),
        _ => return format!("cluster/{CLUSTER}"),
    };
    format!("{own}/{CLUSTER}/one/of/them")
}

/// Adds the actions of the calls that the rights cover to the first, and the other calls to the second.
fn compare(
    bed: &Sandbox,
    rights: &Rights,
    used: &RefCell<BTreeSet<String>>,
    missing: &RefCell<BTreeSet<String>>,
) {
    let calls = bed.faults().calls();
    for call in calls.iter().filter(|call| !needs_no_right(call)) {
        match allows(rights, call) {
            Some(action) => used.borrow_mut().insert(action),
            None => missing
                .borrow_mut()
                .insert(format!("{} {}", call.action, call.object)),
        };
    }
}

fn actions(rights: &Rights) -> impl Iterator<Item = String> {
    let aws = rights.aws.iter().map(|right| right.action.to_owned());
    let kubernetes = rights
        .kubernetes
        .iter()
        .map(|right| format!("{} {}", right.verb, right.resource));
    aws.chain(kubernetes)
}

async fn planned(bed: &Sandbox, request: &Request) -> Plan {
    let planned = plan(bed, request).await;
    assert!(planned.may_be_applied());
    planned
}

#[test]
fn permissions_cover_each_call_of_a_run_and_no_action_that_none_makes() {
    let (used, missing) = (RefCell::default(), RefCell::default());
    let printed = RefCell::new(BTreeSet::new());
    let cases = (files(), edits(), files(), any::<bool>(), any::<bool>());
    let mut runner = TestRunner::new(config(60));
    let tried = runner.run(&cases, |(before, hands, after, force, prune)| {
        run(async {
            let bed = world_of(&before, &hands).await;
            let mut request = again(&overriding(wanted(&after), force), 1);
            if prune {
                request = pruning(request);
            }
            let to_plan = to_plan(&request, &Place::new(CLUSTER, REGION, None));
            let plan = planned(&bed, &request).await;
            compare(&bed, &to_plan, &used, &missing);
            let to_apply = to_apply(&request, &Place::new(CLUSTER, REGION, Some(ACCOUNT)), &plan).unwrap();
            let report = carry_out(&bed, &plan, &request).await;
            assert!(report.succeeded(), "{report:#?}");
            compare(&bed, &to_apply, &used, &missing);
            printed.borrow_mut().extend(actions(&to_apply));
        });
        Ok(())
    });
    tried.unwrap();
    let missing: BTreeSet<String> = missing.take();
    let some: Vec<&String> = missing.iter().take(20).collect();
    assert!(missing.is_empty(), "not covered: {some:#?}");
    let without_call = [THROUGH_STACKS, WHEN_IT_FAILS, WITH_TAGS, WITH_MANY].concat();
    let used: BTreeSet<String> = used.take();
    let unused: Vec<String> = printed
        .take()
        .into_iter()
        .filter(|action| !used.contains(action) && !without_call.contains(&action.as_str()))
        .collect();
    assert!(unused.is_empty(), "no run calls {unused:?}");
}

/// The same over every kind: the files of the simulation's stories, with mappings, access entries, modes, associations and shared
/// roles.
#[test]
fn permissions_cover_each_call_of_every_kind() {
    let (used, missing) = (RefCell::default(), RefCell::default());
    for seed in 0..STORIES {
        run(hold(&story_of(seed).current(), &used, &missing));
    }
    let missing: BTreeSet<String> = missing.take();
    assert!(missing.is_empty(), "not covered: {missing:#?}");
    let used: BTreeSet<String> = used.take();
    for action in [
        "eks:AssociateAccessPolicy",
        "eks:CreateAccessEntry",
        "eks:DeleteAccessEntry",
        "eks:UpdateAccessEntry",
        "eks:CreatePodIdentityAssociation",
        "eks:DeletePodIdentityAssociation",
        "eks:UpdatePodIdentityAssociation",
        "eks:UpdateClusterConfig",
        "iam:UpdateAssumeRolePolicy",
        "patch configmaps",
        "create clusterrolebindings",
        "delete rolebindings",
    ] {
        assert!(used.contains(action), "no story calls {action}, but {used:#?}");
    }
}

const STORIES: u64 = 150;

async fn hold(story: &Story, used: &RefCell<BTreeSet<String>>, missing: &RefCell<BTreeSet<String>>) {
    let mut bed = sandbox(settle(&story.land).await);
    let settings = Settings {
        override_existing_service_accounts: true,
        allow: Guard::ALL.into(),
        ..Settings::default()
    };
    attempt(&bed, &Request::ensure(story.before.config(), settings)).await;
    bed.edit(|world| {
        for hand in &story.hands {
            hand.apply(world);
        }
    })
    .unwrap();
    // The command prints the rights of files.
    let files = story
        .runs
        .iter()
        .filter(|run| matches!(run.command, Command::Apply(_)));
    for one in files {
        bed = bed.another_process();
        let Ok(request) = request::request(one, "run", &bed).await else {
            continue;
        };
        bed.faults().forget_calls();
        let plan = try_plan(&bed, &request).await.unwrap();
        compare(
            &bed,
            &to_plan(&request, &Place::new(CLUSTER, REGION, None)),
            used,
            missing,
        );
        if !plan.may_be_applied() {
            continue;
        }
        let to_apply = to_apply(&request, &Place::new(CLUSTER, REGION, Some(ACCOUNT)), &plan).unwrap();
        carry_out(&bed, &plan, &request).await;
        compare(&bed, &to_apply, used, missing);
    }
}
