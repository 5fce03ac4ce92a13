//! Whose a service account is, against what is asked of it: what happens, and what stays as it was to the byte.

use std::{collections::BTreeMap, fmt::Write as _};

use eksact_core::{
    engine::Severity,
    kinds::Request,
    ports::kubernetes::{FieldManager, ServiceAccount},
};
use eksact_simulator::Sandbox;

use crate::scenarios::stage::{
    apply, assert_row, assert_settled, cluster, deletion, file, fresh_world, human, plan, pruning, request,
    sandbox, service_account, summary,
};

const ACCOUNT: &str = "\
metadata: {name: web, namespace: app, labels: {tier: front}}
attachPolicyARNs: ['arn:aws:iam::aws:policy/ReadOnlyAccess']";
const ATTACHED: &str = "\
metadata: {name: web, namespace: app, labels: {tier: front}}
attachRoleARN: arn:aws:iam::111122223333:role/deployer";
const KEY: &str = "app/web";
const ROLE: &str = "eks.amazonaws.com/role-arn";

/// A service account that somebody else made, with these marks.
fn foreign(labels: &[(&str, &str)], annotations: &[(&str, &str)]) -> ServiceAccount {
    let map = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
        pairs
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect()
    };
    let (labels, annotations) = (map(labels), map(annotations));
    ServiceAccount {
        namespace: "app".to_owned(),
        name: "web".to_owned(),
        uid: "7d3c2f66-0000-4000-8000-000000000001".to_owned(),
        resource_version: "3".to_owned(),
        field_managers: vec![FieldManager {
            manager: "somebody".to_owned(),
            operation: "Update".to_owned(),
            labels: labels.keys().cloned().collect(),
            annotations: annotations.keys().cloned().collect(),
        }],
        labels,
        annotations,
        terminating: false,
    }
}

fn owners() -> Vec<(&'static str, ServiceAccount)> {
    vec![
        (
            "nobody marked it",
            foreign(&[("team", "web")], &[("note", "mine")]),
        ),
        (
            "Helm's",
            foreign(
                &[("app.kubernetes.io/managed-by", "Helm")],
                &[("meta.helm.sh/release-name", "web")],
            ),
        ),
        (
            "Argo CD's",
            foreign(
                &[],
                &[("argocd.argoproj.io/tracking-id", "web:/ServiceAccount:app/web")],
            ),
        ),
        (
            "somebody's, with a role of their own",
            foreign(&[], &[(ROLE, "arn:aws:iam::111122223333:role/theirs")]),
        ),
        (
            "Helm's, but eksctl's override put its label on it",
            foreign(
                &[("app.kubernetes.io/managed-by", "eksctl")],
                &[
                    ("meta.helm.sh/release-name", "web"),
                    (ROLE, "arn:aws:iam::111122223333:role/theirs"),
                ],
            ),
        ),
        (
            "eksctl's",
            foreign(
                &[("app.kubernetes.io/managed-by", "eksctl")],
                &[(ROLE, "arn:aws:iam::111122223333:role/old")],
            ),
        ),
    ]
}

fn with(account: &ServiceAccount) -> Sandbox {
    let mut world = fresh_world();
    world.namespace("app");
    cluster(&mut world)
        .service_accounts
        .insert(KEY.to_owned(), account.clone());
    sandbox(world)
}

/// Adds a namespace.
trait Namespaces {
    fn namespace(&mut self, name: &str);
}

impl Namespaces for eksact_simulator::World {
    fn namespace(&mut self, name: &str) {
        let namespace = eksact_core::ports::kubernetes::Namespace {
            name: name.to_owned(),
            terminating: false,
        };
        cluster(self).namespaces.insert(name.to_owned(), namespace);
    }
}

fn overriding(mut request: Request) -> Request {
    request.settings.override_existing_service_accounts = true;
    request
}

/// Applies what can be applied of a request, findings or not.
async fn apply_what_can_be(sandbox: &Sandbox, request: &Request) -> String {
    let plan = plan(sandbox, request).await;
    assert!(plan.may_be_applied(), "{}", summary(&plan));
    let report = crate::scenarios::stage::carry_out(sandbox, &plan, request).await;
    assert!(report.succeeded(), "{report:#?}");
    let accounts: Vec<_> = summary(&plan)
        .lines()
        .filter(|line| line.starts_with("service-account") || line.contains("service account"))
        .map(str::to_owned)
        .collect();
    if accounts.is_empty() {
        "    the service account is left alone".to_owned()
    } else {
        accounts.join("\n")
    }
}

fn told(account: Option<&ServiceAccount>) -> String {
    let Some(account) = account else {
        return "gone".to_owned();
    };
    let text = format!(
        "labels {:?} annotations {:?}",
        account.labels, account.annotations
    );
    // A made-up role name says nothing about whose the account is.
    match text.split_once("-Role1-") {
        Some((before, after)) => format!("{before}-Role1-…{}", &after[12..]),
        None => text,
    }
}

#[tokio::test(start_paused = true)]
async fn service_account_of_each_owner_against_each_request() {
    for (owner, before) in owners() {
        let mut row = format!("before: {}\n", told(Some(&before)));
        for account in [ACCOUNT, ATTACHED] {
            let way = if account == ACCOUNT {
                "a role of its own"
            } else {
                "attachRoleARN"
            };
            let wanted = request(&file(&[account]));

            let create = with(&before);
            let done = apply_what_can_be(&create, &wanted).await;
            let after = service_account(&create, KEY);
            writeln!(row, "--- create, {way}\n{done}\nthen:   {}", told(after.as_ref())).unwrap();
            if before
                .labels
                .get("app.kubernetes.io/managed-by")
                .map(String::as_str)
                != Some("eksctl")
            {
                assert_eq!(after.as_ref(), Some(&before), "{owner}: refused means untouched");
                assert!(
                    create.world().unwrap().roles.is_empty(),
                    "{owner}: no role for a refused account"
                );
            }

            let forced = with(&before);
            let done = apply_what_can_be(&forced, &overriding(wanted.clone())).await;
            writeln!(
                row,
                "--- override, {way}\n{done}\nthen:   {}",
                told(service_account(&forced, KEY).as_ref())
            )
            .unwrap();
            assert_settled(
                &forced,
                &wanted,
                "an overridden account is looked after without the flag, too",
            )
            .await;

            let pruned = forced.another_process();
            let empty = pruning(request(&file(&[])));
            let done = apply_what_can_be(&pruned, &empty).await;
            writeln!(
                row,
                "--- and pruned\n{done}\nthen:   {}",
                told(service_account(&pruned, KEY).as_ref())
            )
            .unwrap();
            assert_settled(&pruned, &empty, owner).await;
            assert!(pruned.world().unwrap().roles.is_empty(), "{owner}: the role goes");
        }
        let named = with(&before);
        let done = apply_what_can_be(&named, &deletion(&[("app", "web")])).await;
        let after = service_account(&named, KEY);
        writeln!(
            row,
            "--- delete without ever having been taken\n{done}\nthen:   {}",
            told(after.as_ref())
        )
        .unwrap();
        if before
            .labels
            .get("app.kubernetes.io/managed-by")
            .map(String::as_str)
            != Some("eksctl")
        {
            assert_eq!(
                after,
                Some(before),
                "{owner}: deleting does not touch what is not ours"
            );
        }
        assert_row!("ownership", owner, row);
    }
}

#[tokio::test(start_paused = true)]
async fn service_account_already_as_desired_is_taken_as_it_is() {
    let (sandbox, wanted) = crate::scenarios::stage::applied(&file(&[ACCOUNT])).await;
    let mut helms = service_account(&sandbox, KEY).unwrap();
    helms
        .labels
        .insert("app.kubernetes.io/managed-by".to_owned(), "Helm".to_owned());
    helms
        .field_managers
        .iter_mut()
        .for_each(|manager| "helm".clone_into(&mut manager.manager));
    sandbox
        .edit(|world| {
            cluster(world)
                .service_accounts
                .insert(KEY.to_owned(), helms.clone())
        })
        .unwrap();
    assert_settled(&sandbox, &wanted, "Helm writes the annotation that is wanted").await;

    // Its role must be made anew under another name: the account would no longer be as wanted, and is not ours to write.
    sandbox.edit(|world| world.roles.clear()).unwrap();
    let found = plan(&sandbox, &wanted).await;
    let codes: Vec<_> = found
        .findings_of(Severity::Error)
        .map(|finding| finding.code.as_str())
        .collect();
    assert_eq!(codes, ["service-account-not-managed"], "{}", human(&found));
    crate::scenarios::stage::carry_out(&sandbox, &found, &wanted).await;
    assert_eq!(service_account(&sandbox, KEY), Some(helms));
}

#[tokio::test(start_paused = true)]
async fn service_account_keeps_the_rest() {
    let (sandbox, wanted) = crate::scenarios::stage::applied(&file(&[ACCOUNT])).await;
    sandbox
        .edit(|world| {
            let account = cluster(world).service_accounts.get_mut(KEY).unwrap();
            account.labels.insert("theirs".to_owned(), "1".to_owned());
            account.annotations.insert("theirs".to_owned(), "2".to_owned());
            account.annotations.remove(ROLE);
        })
        .unwrap();
    apply(&sandbox, &wanted).await;
    let after = service_account(&sandbox, KEY).unwrap();
    assert_eq!(
        (
            after.labels["theirs"].as_str(),
            after.annotations["theirs"].as_str()
        ),
        ("1", "2")
    );
    assert!(after.annotations.contains_key(ROLE));
}

#[tokio::test(start_paused = true)]
async fn role_only_leaves_kubernetes_alone_and_attached_leaves_iam_alone() {
    let alone = sandbox(fresh_world());
    let role_only = format!("{ACCOUNT}\nroleOnly: true").replace(", labels: {tier: front}", "");
    apply(&alone, &request(&file(&[&role_only]))).await;
    assert!(
        alone
            .faults()
            .calls()
            .iter()
            .all(|call| call.service != "kubernetes")
    );
    assert_eq!(alone.world().unwrap().roles.len(), 1);

    let (attached, _) = crate::scenarios::stage::applied(&file(&[])).await;
    apply(&attached, &request(&file(&[ATTACHED]))).await;
    assert!(
        attached
            .faults()
            .calls()
            .iter()
            .all(|call| call.service != "cloudformation")
    );
    assert!(
        attached
            .faults()
            .writes()
            .iter()
            .all(|call| call.service == "kubernetes")
    );
}

/// Its service account is Helm's by now, and what the file attaches is not written over that: its pods still get the role that
/// eksact made, which `--prune` keeps, and the plan says so.
#[tokio::test(start_paused = true)]
async fn prune_keeps_the_role_of_an_account_that_cannot_be_given_another() {
    let bed = sandbox(fresh_world());
    apply(&bed, &request(&file(&[ACCOUNT]))).await;
    bed.edit(|world| {
        let account = cluster(world).service_accounts.get_mut(KEY).unwrap();
        account
            .labels
            .insert("app.kubernetes.io/managed-by".to_owned(), "Helm".to_owned());
        for manager in &mut account.field_managers {
            "helm".clone_into(&mut manager.manager);
        }
    })
    .unwrap();
    let planned = plan(&bed, &pruning(request(&file(&[ATTACHED])))).await;
    assert!(!planned.has_changes(), "{}", human(&planned));
    let found = |severity| -> Vec<String> {
        let findings = planned.findings_of(severity);
        findings
            .map(|finding| format!("{}: {}", finding.code, finding.message))
            .collect()
    };
    let note = "role-kept: the stack eksctl-prod-addon-iamserviceaccount-app-web is kept: its role stays in use until app/web \
                names the other one";
    assert_eq!(found(Severity::Note), [note]);
    assert_eq!(found(Severity::Error).len(), 1, "{}", human(&planned));
}
