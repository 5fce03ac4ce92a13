//! From annotated service accounts to pod identity associations: before every write, after an end at any of them and when it is
//! undone, the pods that run and those that start have their role.

mod refusals;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use eksact_core::{
    config::{ClusterConfig, Located, Metadata},
    engine::{Plan, Severity},
    kinds::{
        Request,
        request::Settings,
        to_pod_identity::{self, Extent},
    },
    live::LiveReader,
    ports::{
        aws::{PodIdentityAssociation, Role},
        kubernetes::{DaemonSet, Pod, ServiceAccount},
    },
};
use eksact_identity::{
    iam::{
        pod_identity::{PodIdentity, Trust},
        policy::TrustVerdict,
        web_identity::WebIdentityCall,
    },
    service_account::ServiceAccountKey,
};
use eksact_simulator::{Fault, Matching, Rule, Sandbox, World};
use serde_json::{Value, json};

use crate::scenarios::stage::{
    CLUSTER, REGION, applied, assert_settled, attempt, carry_out, cluster, file, fresh_world, human, plan,
    role_of, sandbox,
};

const ACCOUNT: &str = "111122223333";
const ANNOTATION: &str = "eks.amazonaws.com/role-arn";
const BY_TOKEN: [&str; 2] = ["AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE"];
const BY_ASSOCIATION: [&str; 1] = ["AWS_CONTAINER_CREDENTIALS_FULL_URI"];
const MIGRATE: Extent = Extent {
    removes_irsa: false,
    installs_agent: false,
};
const REMOVE: Extent = Extent {
    removes_irsa: true,
    installs_agent: false,
};

fn issuer(world: &World) -> String {
    let issuer = world
        .clusters
        .values()
        .next()
        .unwrap()
        .cluster
        .oidc_issuer
        .clone();
    issuer.unwrap().trim_start_matches("https://").to_owned()
}

fn provider(issuer: &str) -> String {
    format!("arn:aws:iam::{ACCOUNT}:oidc-provider/{issuer}")
}

fn subject(key: &str) -> String {
    format!("system:serviceaccount:{}", key.replace('/', ":"))
}

/// A statement that lets these subjects in by the tokens of an issuer.
fn token(issuer: &str, operator: &str, subjects: &Value) -> Value {
    json!({"Effect": "Allow", "Action": "sts:AssumeRoleWithWebIdentity", "Principal": {"Federated": provider(issuer)},
        "Condition": {operator: {format!("{issuer}:sub"): subjects}, "StringLike": {format!("{issuer}:aud"): "sts.amazonaws.com"}}})
}

fn arn(role: &str) -> String {
    format!("arn:aws:iam::{ACCOUNT}:role/{role}")
}

fn add_role(world: &mut World, name: &str, statements: &[Value]) {
    let role = Role {
        name: name.to_owned(),
        arn: arn(name),
        id: format!("AROA{}", name.to_uppercase()),
        path: "/".to_owned(),
        trust_policy: json!({"Version": "2012-10-17", "Statement": statements}),
        managed_policy_arns: Vec::new(),
        inline_policies: BTreeMap::new(),
        max_session_seconds: None,
        permissions_boundary: None,
        tags: BTreeMap::new(),
    };
    world.roles.insert(name.to_owned(), role);
}

fn add_account(world: &mut World, key: &str, role_arn: &str) {
    let (namespace, name) = key.split_once('/').unwrap();
    let account = ServiceAccount {
        namespace: namespace.to_owned(),
        name: name.to_owned(),
        uid: format!("uid-{key}"),
        resource_version: "1".to_owned(),
        labels: BTreeMap::from([("team".to_owned(), "web".to_owned())]),
        annotations: BTreeMap::from([
            (ANNOTATION.to_owned(), role_arn.to_owned()),
            ("owner".to_owned(), "payments".to_owned()),
        ]),
        ..ServiceAccount::default()
    };
    cluster(world).service_accounts.insert(key.to_owned(), account);
}

/// A pod of an account whose container has these variables.
fn add_pod(world: &mut World, key: &str, variables: &[&str]) {
    let (namespace, name) = key.split_once('/').unwrap();
    let variables = variables.iter().map(|name| (*name).to_owned()).collect();
    let pod = Pod {
        namespace: namespace.to_owned(),
        name: format!("{name}-pod"),
        service_account: name.to_owned(),
        phase: "Running".to_owned(),
        controller: Some(format!("deployment/{name}")),
        credential_variables: BTreeMap::from([("main".to_owned(), variables)]),
        ..Pod::default()
    };
    cluster(world).pods.insert(format!("{key}-pod"), pod);
}

fn change(bed: &Sandbox, change: impl FnOnce(&mut World)) {
    bed.edit(change).unwrap();
}

/// The key of an account and its role: two of one role, one whose role others use, too.
fn accounts(count: usize) -> Vec<(String, String)> {
    let one = |number: usize| {
        let namespace = if number.is_multiple_of(3) { "jobs" } else { "app" };
        let role = if number == 1 { 0 } else { number };
        (format!("{namespace}/sa-{number:02}"), format!("role-{role:02}"))
    };
    (0..count).map(one).collect()
}

const GITHUB: &str = "token.actions.githubusercontent.com";
const OTHER_CLUSTER: &str = "oidc.eks.us-west-2.amazonaws.com/id/OTHER";

/// A cluster with an agent, these accounts, their roles and a running pod of each.
fn bed(count: usize) -> Sandbox {
    let mut world = fresh_world();
    cluster(&mut world).cluster.auto_mode = true;
    let issuer = issuer(&world);
    let mut by_role: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (key, role) in accounts(count) {
        by_role.entry(role.clone()).or_default().push(subject(&key));
        add_account(&mut world, &key, &arn(&role));
        add_pod(&mut world, &key, &BY_TOKEN);
    }
    for (role, subjects) in by_role {
        let mut statements = vec![token(&issuer, "StringEquals", &json!(subjects))];
        if role == "role-02" {
            statements.push(token(OTHER_CLUSTER, "StringEquals", &json!(subjects)));
            statements.push(token(
                GITHUB,
                "StringEquals",
                &json!("repo:org/app:ref:refs/heads/main"),
            ));
        }
        add_role(&mut world, &role, &statements);
    }
    sandbox(world)
}

async fn migration(bed: &Sandbox, extent: Extent) -> Option<Request> {
    let config = ClusterConfig {
        metadata: Metadata {
            name: Located::unlocated(CLUSTER.to_owned()),
            region: Located::unlocated(REGION.to_owned()),
            ..Metadata::default()
        },
        ..ClusterConfig::default()
    };
    let reader = LiveReader::begin(bed.readers(), CLUSTER).await.ok()?;
    let annotated = to_pod_identity::read(&reader, |_| true).await.ok()?;
    let (settings, live) = (Settings::default(), reader.snapshot());
    Some(to_pod_identity::request(
        &config, settings, &live, &annotated, extent,
    ))
}

fn association<'world>(world: &'world World, key: &str) -> Option<&'world PodIdentityAssociation> {
    let of_world = world.clusters.values().next().unwrap();
    let mut all = of_world.eks.pod_identity_associations.values();
    all.find(|one| format!("{}/{}", one.namespace, one.service_account) == key)
}

fn by_token(world: &World, key: &str, role: &str) -> bool {
    let issuer = issuer(world);
    let call = WebIdentityCall {
        provider_arn: provider(&issuer),
        subject: subject(key),
        audience: "sts.amazonaws.com".to_owned(),
        account: ACCOUNT.to_owned(),
        time: None,
        issuer,
    };
    call.judged_by(&world.roles[role].trust_policy) == TrustVerdict::Allowed
}

fn by_association(world: &World, key: &str, role: &str) -> bool {
    let account = ServiceAccountKey::parse(key).unwrap();
    let identity = PodIdentity {
        cluster_arn: &world.clusters.values().next().unwrap().cluster.arn,
        account: &account,
        has_session_tags: true,
    };
    identity.judge(&world.roles[role].trust_policy) == Trust::Given
}

/// Pods that run keep their role, and those that start get it: by the association where there is one, which the webhook prefers.
fn assert_ways(world: &World, accounts: &[(String, String)], context: &str) {
    let of_world = world.clusters.values().next().unwrap();
    for (key, role) in accounts {
        let annotation = of_world.service_accounts[key].annotations.get(ANNOTATION);
        let starts = match association(world, key) {
            Some(association) => association.role_arn == arn(role) && by_association(world, key, role),
            None => annotation == Some(&arn(role)) && by_token(world, key, role),
        };
        assert!(starts, "a new pod of {key} gets no role {context}");
        let runs = of_world
            .pods
            .get(&format!("{key}-pod"))
            .is_none_or(|pod| !pod.uses_annotation() || by_token(world, key, role));
        assert!(runs, "the pod of {key} loses its role {context}");
    }
}

/// Carries a migration out and judges everybody before each write, and after the last.
async fn watched(bed: &Sandbox, accounts: &[(String, String)], extent: Extent) -> Plan {
    let request = migration(bed, extent).await.unwrap();
    let plan = plan(bed, &request).await;
    assert!(
        plan.may_be_applied() && plan.findings_of(Severity::Error).next().is_none(),
        "{}",
        human(&plan)
    );
    let seen: Arc<Mutex<Vec<World>>> = Arc::default();
    let (worlds, watched) = (Arc::clone(&seen), bed.clone());
    bed.faults()
        .before_each_write(move |_| worlds.lock().unwrap().push(watched.world().unwrap()));
    let report = carry_out(bed, &plan, &request).await;
    assert!(report.succeeded(), "{report:#?}\n{}", human(&plan));
    let mut worlds = std::mem::take(&mut *seen.lock().unwrap());
    worlds.push(bed.world().unwrap());
    for (number, world) in worlds.iter().enumerate() {
        assert_ways(
            world,
            accounts,
            &format!("before write {number} of {}", worlds.len()),
        );
    }
    plan
}

fn restart(bed: &Sandbox, accounts: &[(String, String)]) {
    change(bed, |world| {
        for (key, _) in accounts {
            let variables: &[&str] = if association(world, key).is_some() {
                &BY_ASSOCIATION
            } else {
                &BY_TOKEN
            };
            add_pod(world, key, variables);
        }
    });
}

fn writes(bed: &Sandbox, action: &str) -> usize {
    let writes = bed.faults().writes();
    writes.iter().filter(|call| call.action == action).count()
}

#[tokio::test(start_paused = true)]
async fn migration_to_pod_identity_leaves_every_pod_its_role_before_every_write() {
    let (bed, accounts) = (bed(20), accounts(20));
    let before = bed.world().unwrap();
    watched(&bed, &accounts, MIGRATE).await;
    let world = bed.world().unwrap();
    for (key, role) in &accounts {
        assert_eq!(association(&world, key).unwrap().role_arn, arn(role));
        assert!(by_token(&world, key, role), "the token of {key} still counts");
    }
    // All accounts of a role are one write, and a second run adds nothing.
    assert_eq!(writes(&bed, "UpdateAssumeRolePolicy"), 19);
    assert_eq!(writes(&bed, "CreatePodIdentityAssociation"), 20);
    assert_settled(&bed, &migration(&bed, MIGRATE).await.unwrap(), "again").await;

    // While pods run with the annotation, nothing of it goes.
    let request = migration(&bed, REMOVE).await.unwrap();
    let kept = plan(&bed, &request).await;
    assert!(!kept.has_changes(), "{}", human(&kept));
    let warned = kept
        .findings_of(Severity::Warning)
        .filter(|finding| finding.message.contains("its annotation stays until then"));
    assert_eq!(warned.count(), 20, "{}", human(&kept));

    // Those without go alone; `app/sa-01` shares its role with one that stays.
    restart(&bed, &accounts[1..]);
    watched(&bed, &accounts, REMOVE).await;
    let world = bed.world().unwrap();
    assert!(by_token(&world, "jobs/sa-00", "role-00") && !by_token(&world, "app/sa-01", "role-00"));
    restart(&bed, &accounts);
    watched(&bed, &accounts, REMOVE).await;
    assert_settled(&bed, &migration(&bed, REMOVE).await.unwrap(), "after the removal").await;

    let world = bed.world().unwrap();
    let of_world = world.clusters.values().next().unwrap();
    for (key, role) in &accounts {
        let (old, account) = (
            &before.clusters.values().next().unwrap().service_accounts[key],
            &of_world.service_accounts[key],
        );
        assert!(!account.annotations.contains_key(ANNOTATION), "{key}");
        assert_eq!(account.annotations.get("owner"), old.annotations.get("owner"));
        assert_eq!(account.labels, old.labels);
        assert!(!by_token(&world, key, role), "{key}");
    }
    // What lets a second cluster and GitHub in is there to the letter.
    let statements = |world: &World| {
        world.roles["role-02"].trust_policy["Statement"]
            .as_array()
            .unwrap()
            .clone()
    };
    let (old, new) = (statements(&before), statements(&world));
    assert_eq!(new[..2], old[1..]);
    assert_eq!(new.len(), 3);
}

#[tokio::test(start_paused = true)]
async fn migration_to_pod_identity_killed_at_any_write_goes_on_and_ends_the_same() {
    let accounts = accounts(5);
    let ends = |bed: &Sandbox| {
        let world = bed.world().unwrap();
        let of_world = world.clusters.values().next().unwrap();
        let annotations: Vec<_> = of_world
            .service_accounts
            .iter()
            .map(|(key, account)| (key.clone(), account.annotations.clone()))
            .collect();
        let trust: Vec<_> = world
            .roles
            .iter()
            .map(|(name, role)| (name.clone(), role.trust_policy.clone()))
            .collect();
        let roles: Vec<_> = accounts
            .iter()
            .map(|(key, _)| association(&world, key).map(|one| one.role_arn.clone()))
            .collect();
        (annotations, trust, roles)
    };
    for extent in [MIGRATE, REMOVE] {
        let start = || {
            let bed = bed(5);
            if extent.removes_irsa {
                change(&bed, |world| cluster(world).pods.clear());
            }
            bed
        };
        let clean = start();
        watched(&clean, &accounts, extent).await;
        let writes = u32::try_from(clean.faults().writes().len()).unwrap();
        assert!(writes >= 9, "{writes}");
        for nth in 1..=writes {
            for fault in [Fault::CrashBefore, Fault::CrashAfter, Fault::ErrorAfter] {
                let bed = start();
                let request = migration(&bed, extent).await.unwrap();
                bed.faults().add(Rule::once(Matching::Writes, nth, fault));
                attempt(&bed, &request).await;
                let context = format!("{fault:?} at write {nth} of {writes}");
                assert_ways(&bed.world().unwrap(), &accounts, &context);
                let next = bed.another_process();
                let request = migration(&next, extent).await.unwrap();
                let report = attempt(&next, &request)
                    .await
                    .unwrap_or_else(|| panic!("{context}"));
                assert!(report.succeeded(), "{context}: {report:#?}");
                assert_ways(&next.world().unwrap(), &accounts, &context);
                assert_eq!(ends(&next), ends(&clean), "{context}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn migration_to_pod_identity_is_undone_by_deleting_the_associations() {
    let (bed, accounts) = (bed(5), accounts(5));
    watched(&bed, &accounts, MIGRATE).await;
    change(&bed, |world| cluster(world).eks.pod_identity_associations.clear());
    assert_ways(
        &bed.world().unwrap(),
        &accounts,
        "after the associations are gone",
    );
}

/// A later plan of the file that made the role keeps what the migration added to its trust policy.
#[tokio::test(start_paused = true)]
async fn migration_to_pod_identity_outlives_the_plan_of_the_file_that_made_the_role() {
    let account = "metadata: {name: reader, namespace: app}\nattachPolicyARNs: ['arn:aws:iam::aws:policy/ReadOnlyAccess']";
    let (bed, request) = applied(&file(&[account])).await;
    change(&bed, |world| cluster(world).cluster.auto_mode = true);
    let migrating = migration(&bed, MIGRATE).await.unwrap();
    let report = attempt(&bed, &migrating).await.unwrap();
    assert!(report.succeeded(), "{report:#?}");
    assert_settled(&bed, &request, "the file after the migration").await;

    // Drift beside it is repaired, and it stays.
    let trust = |bed: &Sandbox| role_of(&mut bed.world().unwrap(), "reader").trust_policy.clone();
    let migrated = trust(&bed);
    change(&bed, |world| {
        let statements = role_of(world, "reader").trust_policy["Statement"]
            .as_array_mut()
            .unwrap();
        statements.push(json!({"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "ec2.amazonaws.com"}}));
    });
    let report = attempt(&bed, &request).await.unwrap();
    assert!(report.succeeded(), "{report:#?}");
    assert_eq!(trust(&bed), migrated);

    // What is removed with --remove-irsa the file wants back, and its plan shows it.
    change(&bed, |world| cluster(world).pods.clear());
    let removing = migration(&bed, REMOVE).await.unwrap();
    let plan_of_removal = plan(&bed, &removing).await;
    assert!(
        human(&plan_of_removal).contains("wants annotation"),
        "{}",
        human(&plan_of_removal)
    );
    let report = carry_out(&bed, &plan_of_removal, &removing).await;
    assert!(report.succeeded(), "{report:#?}");
    let shown = plan(&bed, &request).await;
    assert!(shown.has_changes(), "{}", human(&shown));
}

/// Without an agent pods would lose their role with the association.
#[tokio::test(start_paused = true)]
async fn migration_to_pod_identity_needs_an_agent_and_installs_one() {
    let (bed, accounts) = (bed(3), accounts(3));
    change(&bed, |world| cluster(world).cluster.auto_mode = false);
    let refused = plan(&bed, &migration(&bed, MIGRATE).await.unwrap()).await;
    let refusals: Vec<&str> = refused
        .findings_of(Severity::Refusal)
        .map(|finding| finding.code.as_str())
        .collect();
    assert_eq!(refusals, ["pod-identity-agent-missing"], "{}", human(&refused));
    assert!(refused.has_changes() && !refused.may_be_applied());

    let installing = Extent {
        installs_agent: true,
        ..MIGRATE
    };
    watched(&bed, &accounts, installing).await;
    let order: Vec<String> = bed
        .faults()
        .writes()
        .into_iter()
        .map(|call| call.action)
        .collect();
    let place = |action: &str| order.iter().position(|one| one == action);
    assert!(
        place("CreateAddon") < place("CreatePodIdentityAssociation"),
        "{order:?}"
    );

    let own = DaemonSet {
        namespace: "kube-system".to_owned(),
        name: "eks-pod-identity-agent".to_owned(),
        desired: 2,
        ready: 0,
    };
    change(&bed, |world| {
        cluster(world).eks.addons.clear();
        let key = "kube-system/eks-pod-identity-agent".to_owned();
        cluster(world).daemon_sets.insert(key, own);
    });
    restart(&bed, &accounts);
    let refused = plan(&bed, &migration(&bed, REMOVE).await.unwrap()).await;
    assert!(
        refused.findings_of(Severity::Refusal).next().is_some() && !refused.may_be_applied(),
        "{}",
        human(&refused)
    );
}
