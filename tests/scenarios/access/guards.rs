//! The guards over aws-auth, in the worlds in which they refuse: nothing is written, and only their own code passes them.

use eksact_core::{
    engine::{Plan, Severity},
    guard::Guard,
    kinds::{
        self, Request,
        identity_mapping::{AwsAuthScope, Restore},
    },
    live::{AwsAuth, CallerInCluster, Live, LiveReader, RbacRoleByKey},
    ports::{
        CallError, CallErrorKind,
        kubernetes::{Subject, UserInfo},
    },
};
use eksact_simulator::Sandbox;

use super::{DEVELOPERS, HAND_WRITTEN, deletion, file, hand_written, text, write};
use crate::scenarios::stage::{apply, assert_settled, carry_out, cluster, plan, request, summary};

/// The caller of the simulated account.
const CALLER: &str =
    "- userarn: arn:aws:iam::111122223333:user/sandbox\n  username: me\n  groups: [system:masters]\n";

/// A cluster that reads aws-auth only, by which the caller gets in.
fn config_map_only() -> Sandbox {
    let bed = hand_written();
    bed.edit(|world| {
        let cluster = cluster(world);
        cluster.eks.access_entries.clear();
        cluster.cluster.authentication_mode = Some("CONFIG_MAP".to_owned());
    })
    .unwrap();
    write(&bed, "mapUsers", Some(CALLER));
    bed
}

fn refusals(plan: &Plan) -> Vec<&str> {
    plan.findings_of(Severity::Refusal)
        .map(|finding| finding.code.as_str())
        .collect()
}

/// Refused without the code and with all others; done with it.
async fn refused_unless_allowed(bed: &Sandbox, request: &Request, guard: Guard) -> Plan {
    let before = (text(bed, "mapRoles"), text(bed, "mapUsers"));
    let others = Guard::ALL.into_iter().filter(|other| *other != guard).collect();
    for allow in [std::collections::BTreeSet::new(), others] {
        let mut asked = request.clone();
        asked.settings.allow = allow;
        let refused = plan(bed, &asked).await;
        assert!(!refused.may_be_applied(), "{}", summary(&refused));
        assert_eq!(refusals(&refused), [guard.code().as_str()]);
    }
    assert_eq!((text(bed, "mapRoles"), text(bed, "mapUsers")), before);
    let mut asked = request.clone();
    asked.settings.allow = [guard].into();
    let allowed = plan(bed, &asked).await;
    let report = carry_out(bed, &allowed, &asked).await;
    assert!(report.succeeded(), "{report:#?}");
    assert_settled(bed, &asked, guard.code().as_str()).await;
    allowed
}

#[tokio::test(start_paused = true)]
async fn own_access_is_kept() {
    let request = deletion("arn:aws:iam::111122223333:user/sandbox", false);
    let plan = refused_unless_allowed(&config_map_only(), &request, Guard::OwnAccessLost).await;
    insta::assert_snapshot!(summary(&plan));

    // By the file as well: fewer groups than now.
    let less = crate::scenarios::stage::request(&file(&[
        "arn: arn:aws:iam::111122223333:user/sandbox\nusername: me\ngroups: [viewers]",
    ]));
    refused_unless_allowed(&config_map_only(), &less, Guard::OwnAccessLost).await;

    // An access entry lets the caller in all the same.
    let bed = hand_written();
    write(&bed, "mapUsers", Some(CALLER));
    apply(&bed, &request).await;
}

/// A binding that the plan removes or weakens, or a name that bindings know, is the caller's own access as well.
#[tokio::test(start_paused = true)]
async fn own_rights_are_kept() {
    let admins = CALLER.replace("system:masters", "admins");
    let bound = |roles: &str| {
        let groups = format!("groups:\n- name: admins\n  bindings:\n{roles}");
        crate::scenarios::stage::request(&super::file_with_access(&[], &groups))
    };
    let by_group = || async {
        let bed = config_map_only();
        write(&bed, "mapUsers", Some(&admins));
        apply(&bed, &bound("  - clusterRole: cluster-admin\n")).await;
        bed
    };
    let viewer = bound("  - clusterRole: view\n");
    let refused = refused_unless_allowed(&by_group().await, &viewer, Guard::OwnAccessLost).await;
    insta::assert_snapshot!(summary(&refused));
    let nothing = super::pruning(crate::scenarios::stage::request(&file(&[])));
    refused_unless_allowed(&by_group().await, &nothing, Guard::OwnAccessLost).await;
    let in_a_namespace = bound("  - {clusterRole: cluster-admin, namespaces: [default]}\n");
    refused_unless_allowed(&by_group().await, &in_a_namespace, Guard::OwnAccessLost).await;
    // Everything by other words is everything.
    let own = bound("  - rules:\n    - {apiGroups: [\"*\"], resources: [\"*\"], verbs: [\"*\"]}\n");
    apply(&by_group().await, &own).await;

    // A name that a binding knows.
    let bed = bound_by_name(&admins);
    let renamed = crate::scenarios::stage::request(&file(&[
        "arn: arn:aws:iam::111122223333:user/sandbox\nusername: boss\ngroups: [admins]",
    ]));
    refused_unless_allowed(&bed, &renamed, Guard::OwnAccessLost).await;

    // By what a backup says all the same.
    let boss = admins.replace("username: me", "username: boss");
    let mut back = deletion("", false);
    back.ask(AwsAuthScope::Restore(Restore {
        name: "before".to_owned(),
        data: [
            ("mapRoles".to_owned(), HAND_WRITTEN.to_owned()),
            ("mapUsers".to_owned(), boss),
        ]
        .into(),
        ownership: None,
    }));
    refused_unless_allowed(&bound_by_name(&admins), &back, Guard::OwnAccessLost).await;
}

/// The plan for a cluster whose API knows the caller otherwise than the sandbox does.
async fn plan_as(bed: &Sandbox, request: &Request, change: impl FnOnce(&mut Live)) -> Plan {
    let reader = LiveReader::begin(bed.readers(), &request.config.metadata.name.value);
    let mut live = kinds::read(request, &reader.await.unwrap()).await;
    change(&mut live);
    kinds::plan(request, &live).unwrap()
}

/// A service account that applies: bindings name it by its kind, or one of its groups.
#[tokio::test(start_paused = true)]
async fn own_rights_of_a_service_account_are_kept() {
    let bound = |group: &str, role: &str| {
        let groups = format!("groups:\n- name: {group}\n  bindings:\n  - clusterRole: {role}\n");
        crate::scenarios::stage::request(&super::file_with_access(&[], &groups))
    };
    let deployer = |live: &mut Live| {
        let user = UserInfo {
            username: "system:serviceaccount:ci:deployer".to_owned(),
            groups: [
                "system:serviceaccounts",
                "system:serviceaccounts:ci",
                "system:authenticated",
            ]
            .map(ToOwned::to_owned)
            .into(),
            ..UserInfo::default()
        };
        live.put(CallerInCluster, Ok(user));
    };
    let nothing = super::pruning(crate::scenarios::stage::request(&file(&[])));
    for (group, is_its) in [
        ("system:serviceaccounts:ci", true),
        ("system:serviceaccounts", true),
        ("system:serviceaccounts:app", false),
        ("deployers", false),
    ] {
        let bed = config_map_only();
        apply(&bed, &bound(group, "cluster-admin")).await;
        let refused = plan_as(&bed, &nothing, deployer).await;
        let expected: &[&str] = if is_its {
            &[Guard::OwnAccessLost.code().as_str()]
        } else {
            &[]
        };
        assert_eq!(refusals(&refused), expected, "{group}: {}", summary(&refused));
        if is_its {
            let message = &refused.findings_of(Severity::Refusal).next().unwrap().message;
            assert!(message.contains("system:serviceaccount:ci:deployer"), "{message}");
        }
    }
    // The account itself, by a binding that eksact made and somebody added it to.
    let bed = config_map_only();
    apply(&bed, &bound("deployers", "cluster-admin")).await;
    bed.edit(|world| {
        for binding in cluster(world).rbac_bindings.values_mut() {
            if binding.subjects.iter().any(|subject| subject.name == "deployers") {
                binding.subjects.push(Subject {
                    kind: "ServiceAccount".to_owned(),
                    name: "deployer".to_owned(),
                    namespace: Some("ci".to_owned()),
                });
            }
        }
    })
    .unwrap();
    let refused = plan_as(&bed, &nothing, deployer).await;
    assert_eq!(
        refusals(&refused),
        [Guard::OwnAccessLost.code().as_str()],
        "{}",
        summary(&refused)
    );
}

/// What is not known is said, and is no "nothing is lost".
#[tokio::test(start_paused = true)]
async fn own_rights_lost_depend_on_what_could_not_be_read() {
    let admins = CALLER.replace("system:masters", "admins");
    let groups = "groups:\n- name: admins\n  bindings:\n  - rules:\n    - {apiGroups: [\"*\"], resources: [\"*\"], verbs: [\"*\"]}\n";
    let wanted = crate::scenarios::stage::request(&super::file_with_access(&[], groups));
    let bed = config_map_only();
    write(&bed, "mapUsers", Some(&admins));
    apply(&bed, &wanted).await;
    let nothing = super::pruning(crate::scenarios::stage::request(&file(&[])));
    let error = || CallError::new("kubernetes", "get", "role", CallErrorKind::AccessDenied, "no");
    let said = |plan: &Plan| -> Vec<String> {
        let warnings = plan.findings_of(Severity::Warning);
        let own = warnings.filter(|finding| finding.code == "own-rights-unknown");
        own.map(|finding| finding.message.clone()).collect()
    };
    let plan = plan_as(&bed, &nothing, |live| {
        let read: Vec<RbacRoleByKey> = live.each().map(|(query, _)| query).cloned().collect();
        for role in read {
            live.put(role, Err(error()));
        }
    })
    .await;
    let unread = said(&plan);
    assert!(
        unread.len() == 1 && unread[0].contains("depends on ClusterRole"),
        "{}",
        summary(&plan)
    );

    let plan = plan_as(&bed, &nothing, |live| {
        live.caller = Err(error());
        live.put(CallerInCluster, Err(error()));
    })
    .await;
    let unread = said(&plan);
    assert!(
        unread.len() == 1 && unread[0].contains("depends on who it is"),
        "{}",
        summary(&plan)
    );

    // STS knows the caller, and only `aws-auth` could say as whom the cluster does.
    let plan = plan_as(&bed, &nothing, |live| {
        live.put(AwsAuth, Err(error()));
        live.put(CallerInCluster, Err(error()));
    })
    .await;
    let unread = said(&plan);
    assert!(
        unread.len() == 1 && unread[0].contains("depends on aws-auth"),
        "{}",
        summary(&plan)
    );
    assert!(plan.has_changes(), "the binding goes: {}", summary(&plan));
}

/// The caller is mapped like this, and a binding names the user `me`.
fn bound_by_name(users: &str) -> Sandbox {
    let bed = config_map_only();
    write(&bed, "mapUsers", Some(users));
    bed.edit(|world| {
        let bindings = &mut cluster(world).rbac_bindings;
        let mut of_me = bindings
            .values()
            .find(|one| one.name == "cluster-admin")
            .unwrap()
            .clone();
        of_me.name = "me".to_owned();
        of_me.uid = "of-me".to_owned();
        of_me.subjects[0].kind = "User".to_owned();
        of_me.subjects[0].name = "me".to_owned();
        bindings.insert("/me".to_owned(), of_me);
    })
    .unwrap();
    bed
}

#[tokio::test(start_paused = true)]
async fn last_administrator_is_kept() {
    let bed = config_map_only();
    write(&bed, "mapUsers", None);
    let request = deletion("arn:aws:iam::111122223333:role/platform", false);
    refused_unless_allowed(&bed, &request, Guard::LastAdminLost).await;

    // The creator's access entry is one who may.
    apply(&hand_written(), &request).await;

    // Where access entries cannot be read, nobody knows.
    let bed = hand_written();
    bed.edit(|world| world.denied.insert("eks:ListAccessEntries".to_owned()))
        .unwrap();
    let plan = plan(&bed, &request).await;
    assert_eq!(refusals(&plan), ["last-admin-lost"]);
    assert!(summary(&plan).contains("could not be read"), "{}", summary(&plan));
}

/// Who passes this guard has the work on AWS done; of a mapping there is none, and to do nothing is no success.
#[tokio::test(start_paused = true)]
async fn mapping_that_could_not_be_planned_is_never_a_success() {
    let bed = hand_written();
    bed.edit(|world| cluster(world).unreachable = true).unwrap();
    let mut asked = request(&file(&[DEVELOPERS]));
    assert_eq!(
        refusals(&plan(&bed, &asked).await),
        [Guard::KubernetesUnreachable.code().as_str()]
    );
    asked.settings.allow = [Guard::KubernetesUnreachable].into();
    let allowed = plan(&bed, &asked).await;
    assert!(!allowed.has_changes());
    let errors: Vec<&str> = allowed
        .findings_of(Severity::Error)
        .map(|finding| finding.code.as_str())
        .collect();
    assert_eq!(errors, ["not-planned"], "{}", summary(&allowed));
}

#[tokio::test(start_paused = true)]
async fn nodes_keep_their_role() {
    let request = deletion("arn:aws:iam::111122223333:role/node", false);
    refused_unless_allowed(&hand_written(), &request, Guard::NodeRoleLost).await;
    let renamed = crate::scenarios::stage::request(&file(&[
        "arn: arn:aws:iam::111122223333:role/node\nusername: node\ngroups: [system:bootstrappers, system:nodes]",
    ]));
    refused_unless_allowed(&hand_written(), &renamed, Guard::NodeRoleLost).await;

    // Nodes they are by their group, under whatever name.
    let bed = hand_written();
    write(
        &bed,
        "mapRoles",
        Some(&HAND_WRITTEN.replace("system:node:{{", "node-{{")),
    );
    refused_unless_allowed(&bed, &request, Guard::NodeRoleLost).await;
}

#[tokio::test(start_paused = true)]
async fn section_that_the_cluster_drops_is_not_written_around() {
    let bed = hand_written();
    write(&bed, "mapUsers", Some("- userarn: {{oops}}\n"));
    let request = request(&file(&[DEVELOPERS]));
    refused_unless_allowed(&bed, &request, Guard::AwsAuthSectionDropped).await;
    assert_eq!(text(&bed, "mapUsers"), "- userarn: {{oops}}\n");

    // A mapping cannot be put into the section itself.
    let bed = hand_written();
    let broken = format!("{HAND_WRITTEN}- username: {{{{oops}}}}\n");
    write(&bed, "mapRoles", Some(&broken));
    let mut asked = request.clone();
    asked.settings.allow = [Guard::AwsAuthSectionDropped].into();
    let plan = plan(&bed, &asked).await;
    assert!(
        summary(&plan).contains("aws-auth-not-editable"),
        "{}",
        summary(&plan)
    );
    assert!(!plan.has_changes());
}
