//! What moves between a plan and its apply is named, and nothing is written.

use eksact_core::{
    engine::Severity,
    kinds::{pod_identity_agent::InstallAgent, provider_intent::ProviderIntent},
    ports::kubernetes::DaemonSet,
    saved::{
        apply::{ApplyError, Standing},
        lock::LockError,
    },
};
use eksact_message::code::Code;
use eksact_simulator::World;
use serde_json::json;

use super::{EVERYTHING, Ended, apply_in, apply_saved, bed, more, saved};
use crate::scenarios::{
    access::{text, write},
    shared_roles::role,
    stage::{applied, apply, cluster, deletion, file, request, role_of, sandbox},
};

type Hand = fn(&mut World);

/// Somebody changes one object of each kind by hand, while the plan is about another.
const HANDS: &[(&str, Hand)] = &[
    ("oidc-provider/prod", |world| {
        world.oidc_providers.values_mut().next().unwrap().audiences = vec!["other".to_owned()];
    }),
    ("iam-role/app/web", |world| {
        role_of(world, "web").managed_policy_arns =
            vec!["arn:aws:iam::aws:policy/AdministratorAccess".to_owned()];
    }),
    ("service-account/app/web", |world| {
        let account = cluster(world).service_accounts.get_mut("app/web").unwrap();
        account.annotations.insert(
            "eks.amazonaws.com/role-arn".to_owned(),
            "arn:aws:iam::111122223333:role/ops".to_owned(),
        );
        account.resource_version = "900".to_owned();
    }),
    ("namespace/app", |world| {
        cluster(world).namespaces.remove("app");
        cluster(world).service_accounts.remove("app/web");
    }),
    ("pod-identity-association/app/job", |world| {
        let associations = &mut cluster(world).eks.pod_identity_associations;
        associations.values_mut().next().unwrap().disable_session_tags = true;
    }),
    ("pod-identity-role/app/job", |world| {
        let role = world
            .roles
            .values_mut()
            .find(|role| role.name.contains("podidentity"))
            .unwrap();
        role.managed_policy_arns.clear();
    }),
    ("access-entry/arn:aws:iam::111122223333:role/team/dev", |world| {
        let entries = &mut cluster(world).eks.access_entries;
        let entry = entries
            .get_mut("arn:aws:iam::111122223333:role/team/dev")
            .unwrap();
        entry.groups = vec!["system:masters".to_owned()];
    }),
    ("identity-provider/okta", |world| {
        cluster(world).eks.identity_providers.remove("okta");
    }),
    ("shared-role/deployer", |world| {
        let policy = &mut world.roles.get_mut("deployer").unwrap().trust_policy;
        policy["Statement"].as_array_mut().unwrap().truncate(2);
    }),
    ("rbac-binding/eksact:developers:view", |world| {
        let binding = cluster(world).rbac_bindings.get_mut("/eksact:developers:view");
        binding.unwrap().subjects.clear();
    }),
    ("rbac-role/", |world| {
        let roles = &mut cluster(world).rbac_roles;
        let role = roles
            .values_mut()
            .find(|role| role.name.starts_with("eksact:developers"));
        role.unwrap().rules.clear();
    }),
    ("identity-mapping/", |world| {
        let config_map = cluster(world)
            .config_maps
            .get_mut("kube-system/aws-auth")
            .unwrap();
        let text = config_map.data.get_mut("mapRoles").unwrap();
        *text = text.replace("operators", "viewers");
        config_map.resource_version = "901".to_owned();
    }),
    ("authentication-mode/", |world| {
        cluster(world).cluster.authentication_mode = Some("CONFIG_MAP".to_owned());
    }),
    // Of what the plan is to make something is there now.
    ("namespace/other", |world| {
        let namespace = cluster(world).namespaces["app"].clone();
        let namespace = eksact_core::ports::kubernetes::Namespace {
            name: "other".to_owned(),
            ..namespace
        };
        cluster(world).namespaces.insert("other".to_owned(), namespace);
    }),
];

#[tokio::test(start_paused = true)]
async fn saved_plan_is_refused_and_names_the_object_that_somebody_changed() {
    let first = bed();
    apply(&first, &request(EVERYTHING)).await;
    let plan = saved(&first, &more()).await;
    assert!(plan.plan.has_changes());
    let world = first.world().unwrap();
    for (address, hand) in HANDS {
        let bed = sandbox(world.clone());
        bed.edit(hand).unwrap();
        let ended = apply_saved(&bed, &plan, "1").await;
        let moved = ended.moved();
        assert!(
            moved.iter().any(|moved| moved.starts_with(address)),
            "{address} is not among {moved:?}"
        );
        assert_eq!(bed.faults().writes(), [], "{address}");
    }
    // And without a hand it is applied: the table would prove nothing otherwise.
    assert!(apply_saved(&first, &plan, "2").await.is_applied());
}

#[tokio::test(start_paused = true)]
async fn saved_plan_is_refused_where_its_own_object_changed() {
    let bed = bed();
    apply(&bed, &request(EVERYTHING)).await;
    let change = EVERYTHING.replace(
        "policy/ReadOnlyAccess']\n  podI",
        "policy/AmazonS3FullAccess']\n  podI",
    );
    let plan = saved(&bed, &request(&change)).await;
    bed.edit(|world| {
        role_of(world, "web").managed_policy_arns =
            vec!["arn:aws:iam::aws:policy/AmazonSQSFullAccess".to_owned()];
    })
    .unwrap();
    let ended = apply_saved(&bed, &plan, "1").await;
    assert_eq!(ended.moved(), ["iam-role/app/web"]);
}

/// Lines of others are no business of the plan's, which writes its own line alone.
#[tokio::test(start_paused = true)]
async fn saved_plan_is_applied_beside_a_mapping_that_somebody_wrote_meanwhile() {
    let bed = bed();
    apply(&bed, &request(EVERYTHING)).await;
    let plan = saved(
        &bed,
        &request(&EVERYTHING.replace("username: ops", "username: operator")),
    )
    .await;
    let eve = "- {userarn: 'arn:aws:iam::111122223333:user/eve', username: eve, groups: [a]}\n";
    write(&bed, "mapUsers", Some(eve));
    assert!(apply_saved(&bed, &plan, "1").await.is_applied());
    assert_eq!(text(&bed, "mapUsers"), eve);
    assert!(text(&bed, "mapRoles").contains("username: operator"));
}

#[tokio::test(start_paused = true)]
async fn saved_plan_with_an_agent_is_refused_where_one_was_installed_meanwhile() {
    let bed = bed();
    bed.edit(|world| cluster(world).cluster.auto_mode = false)
        .unwrap();
    let mut wanted = request(EVERYTHING);
    wanted.ask(InstallAgent);
    let plan = saved(&bed, &wanted).await;
    bed.edit(|world| {
        let agent = DaemonSet {
            namespace: "kube-system".to_owned(),
            name: "eks-pod-identity-agent".to_owned(),
            desired: 2,
            ready: 2,
        };
        cluster(world)
            .daemon_sets
            .insert("kube-system/eks-pod-identity-agent".to_owned(), agent);
    })
    .unwrap();
    let moved = apply_saved(&bed, &plan, "1").await.moved();
    assert!(
        moved.contains(&"addon/eks-pod-identity-agent".to_owned()),
        "{moved:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn saved_deletion_keeps_to_what_was_named() {
    let bed = bed();
    apply(&bed, &request(EVERYTHING)).await;
    let plan = saved(&bed, &deletion(&[("app", "web")])).await;
    assert!(apply_saved(&bed, &plan, "1").await.is_applied());
    let mut world = bed.world().unwrap();
    assert!(!cluster(&mut world).service_accounts.contains_key("app/web"));
    assert_eq!(cluster(&mut world).eks.pod_identity_associations.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn saved_plan_is_of_one_account_and_one_cluster() {
    let first = bed();
    let plan = saved(&first, &request(EVERYTHING)).await;
    let cases: [(&str, Hand); 4] = [
        (
            "the plan is for account 111122223333, and the credentials are of account 444455556666",
            |world| {
                let text = serde_json::to_string(world)
                    .unwrap()
                    .replace("111122223333", "444455556666");
                *world = serde_json::from_str(&text).unwrap();
            },
        ),
        (
            "the plan is for account 111122223333, and the credentials are of account 444455556666",
            |world| {
                world.account = "444455556666".to_owned();
                world.caller = Some("arn:aws:iam::444455556666:user/other".to_owned());
                world.clusters.clear();
            },
        ),
        ("the plan is for the OIDC issuer ", |world| {
            let issuer = cluster(world).cluster.oidc_issuer.as_mut().unwrap();
            issuer.truncate(issuer.len() - 4);
            issuer.push_str("AAAA");
        }),
        ("there is no such cluster", |world| world.clusters.clear()),
    ];
    for (says, hand) in cases {
        let bed = bed();
        bed.edit(hand).unwrap();
        match apply_saved(&bed, &plan, "1").await {
            Ended::Failed(error) => assert!(error.to_string().contains(says), "{says}: {error}"),
            other => panic!("{says}: {other:#?}"),
        }
        assert_eq!(bed.faults().writes(), [], "{says}");
    }
}

/// The plan holds still, and the world around it has moved: what it takes away is in use now.
#[tokio::test(start_paused = true)]
async fn saved_plan_is_refused_by_a_guard_that_refuses_it_now() {
    let (bed, mut wanted) = applied(&file(&[])).await;
    wanted.config = wanted.config.cluster_only();
    wanted.ask(ProviderIntent::Delete);
    let plan = saved(&bed, &wanted).await;
    assert!(plan.plan.may_be_applied());
    bed.edit(|world| {
        let provider = world.oidc_providers.keys().next().unwrap();
        let trust = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
            "Action": "sts:AssumeRoleWithWebIdentity", "Principal": {"Federated": provider}}]});
        world.roles.insert("theirs".to_owned(), role("theirs", trust));
    })
    .unwrap();
    match apply_saved(&bed, &plan, "1").await {
        Ended::Not(Standing::Refused(now)) => {
            let codes: Vec<_> = now
                .findings_of(Severity::Refusal)
                .map(|finding| finding.code)
                .collect();
            assert_eq!(codes, [Code::OidcProviderInUse]);
        }
        other => panic!("{other:#?}"),
    }
    assert_eq!(bed.faults().writes(), []);
}

#[tokio::test(start_paused = true)]
async fn lock_needs_the_cluster_and_can_be_done_without() {
    let (bed, _) = applied(&file(&[])).await;
    let mut wanted = request(&file(&[]));
    wanted.config = wanted.config.cluster_only();
    wanted.ask(ProviderIntent::Delete);
    let plan = saved(&bed, &wanted).await;
    bed.edit(|world| cluster(world).unreachable = true).unwrap();
    match apply_saved(&bed, &plan, "1").await {
        Ended::Failed(ApplyError::Lock(LockError::Call(_))) => {}
        other => panic!("{other:#?}"),
    }
    assert_eq!(bed.faults().writes(), []);
    assert!(apply_in(&bed, &plan, "1", false).await.is_applied());
}
