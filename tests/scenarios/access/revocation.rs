//! What is taken away: when the files say less of a group than eksact gave it, when they say nothing of it any more, and
//! when something that they give cannot be had.

use std::fmt::Write as _;

use eksact_core::{
    engine::{Action, Plan, Severity},
    kinds::Request,
    ports::kubernetes::{Namespace, RbacBinding},
};
use eksact_simulator::Sandbox;

use super::{DEVELOPERS, HAND_WRITTEN, file, file_with_access, hand_written, pruning, text, write};
use crate::scenarios::stage::{apply, assert_settled, carry_out, cluster, human, plan, request, summary};

/// A request of a `ClusterAccess` with these groups.
fn groups(groups: &str) -> Request {
    request(&file_with_access(&[], &format!("groups:\n{groups}")))
}

/// The bindings of eksact's, as `namespace/role`, with their groups.
fn bound(bed: &Sandbox) -> Vec<String> {
    let mut world = bed.world().unwrap();
    let ours = |binding: &&RbacBinding| binding.name.starts_with("eksact:");
    cluster(&mut world)
        .rbac_bindings
        .values()
        .filter(ours)
        .map(|binding| {
            let group = &binding.subjects[0].name;
            let role = binding.role_name.split(':').take(2).collect::<Vec<_>>().join(":");
            format!("{}/{role} {group}", binding.namespace.as_deref().unwrap_or("*"))
        })
        .collect()
}

/// How many roles eksact made.
fn own_roles(bed: &Sandbox) -> usize {
    let mut world = bed.world().unwrap();
    let roles = &cluster(&mut world).rbac_roles;
    roles
        .values()
        .filter(|role| role.name.starts_with("eksact:"))
        .count()
}

/// Makes a namespace as somebody with kubectl would.
fn make_namespace(bed: &Sandbox, name: &str) {
    bed.edit(|world| {
        let namespace = Namespace {
            name: name.to_owned(),
            terminating: false,
        };
        cluster(world).namespaces.insert(name.to_owned(), namespace);
    })
    .unwrap();
}

/// The place of the step with this title among the steps.
fn place(plan: &Plan, title: &str) -> usize {
    let found = plan.steps.iter().position(|step| step.title.starts_with(title));
    found.unwrap_or_else(|| panic!("{title}\n{}", summary(plan)))
}

const READING: &str = "rules: [{apiGroups: [\"\"], resources: [pods], verbs: [get, list]}]";
const EVERYTHING: &str =
    "rules: [{apiGroups: [\"*\"], resources: [\"*\"], verbs: [\"*\"]}], namespaces: [default]";

/// The rules of one binding never come to those who have another, whatever goes and in whatever order they stand.
#[tokio::test(start_paused = true)]
async fn rules_stay_where_they_were_given() {
    let bed = hand_written();
    let both = groups(&format!(
        "- name: ops\n  bindings:\n  - {{{READING}}}\n  - {{{EVERYTHING}}}\n"
    ));
    apply(&bed, &both).await;
    assert_eq!(bound(&bed), ["*/eksact:ops ops", "default/eksact:ops ops"]);
    let reordered = groups(&format!(
        "- name: ops\n  bindings:\n  - {{{EVERYTHING}}}\n  - {{{READING}}}\n"
    ));
    assert_settled(&bed, &reordered, "the same in another order").await;

    let one = groups(&format!("- name: ops\n  bindings:\n  - {{{EVERYTHING}}}\n"));
    let gone = apply(&bed, &one).await;
    assert_settled(&bed, &one, "one went").await;
    assert_eq!(bound(&bed), ["default/eksact:ops ops"]);
    assert_eq!(own_roles(&bed), 1);
    insta::assert_snapshot!(human(&gone));

    // Other rules are another role: its binding is there before that of the old one goes.
    let less = groups(
        "- name: ops\n  bindings:\n  - {rules: [{apiGroups: [apps], resources: [deployments], verbs: [get]}], namespaces: [default]}\n",
    );
    let changed = apply(&bed, &less).await;
    assert_settled(&bed, &less, "other rules").await;
    assert_eq!(bound(&bed), ["default/eksact:ops ops"]);
    assert_eq!(own_roles(&bed), 1);
    assert!(
        place(&changed, "create RoleBinding") < place(&changed, "delete ClusterRole"),
        "{}",
        summary(&changed)
    );
}

/// A removal that stops between the role and its bindings is finished by the next run.
#[tokio::test(start_paused = true)]
async fn role_is_found_again_by_its_bindings() {
    let bed = hand_written();
    apply(
        &bed,
        &groups(&format!("- name: ops\n  bindings:\n  - {{{READING}}}\n")),
    )
    .await;
    let nothing = pruning(request(&file(&[])));
    let planned = plan(&bed, &nothing).await;
    assert!(place(&planned, "delete ClusterRole ") < place(&planned, "delete ClusterRoleBinding "));
    bed.edit(|world| {
        cluster(world)
            .denied
            .insert("delete clusterrolebindings".to_owned())
    })
    .unwrap();
    carry_out(&bed, &planned, &nothing).await;
    bed.edit(|world| cluster(world).denied.clear()).unwrap();
    apply(&bed, &nothing).await;
    assert_eq!((bound(&bed).len(), own_roles(&bed)), (0, 0));
}

/// What a group's own bindings are called never makes two of them one.
#[tokio::test(start_paused = true)]
async fn colons_do_not_make_two_bindings_one() {
    let bed = hand_written();
    let asked = groups(&format!(
        "- name: oidc\n  bindings:\n  - clusterRole: admins:view\n- name: oidc:admins\n  bindings:\n  - clusterRole: view\n\
         - name: ops\n  bindings:\n  - {{{READING}}}\n  - {{{EVERYTHING}}}\n- name: ops:2\n  bindings:\n  - {{{READING}}}\n"
    ));
    apply(&bed, &asked).await;
    assert_settled(&bed, &asked, "colons").await;
    assert_eq!(bound(&bed).len(), 5, "{:?}", bound(&bed));
}

/// A group that the file names has what the file says of it and no more; one that it no longer names has what it had,
/// which is told, until it is pruned.
#[tokio::test(start_paused = true)]
async fn group_has_what_the_file_says_of_it() {
    let bed = hand_written();
    let wide = request(&file_with_access(
        &[DEVELOPERS],
        "groups:\n- name: developers\n  bindings:\n  - {clusterRole: edit}\n- name: ops\n  bindings:\n  - {clusterRole: view}\n",
    ));
    apply(&bed, &wide).await;
    let narrow = groups("- name: developers\n  bindings:\n  - {clusterRole: edit, namespaces: [default]}\n");
    let planned = apply(&bed, &narrow).await;
    assert_eq!(bound(&bed), ["*/view ops", "default/edit developers"]);
    assert!(place(&planned, "create RoleBinding") < place(&planned, "delete ClusterRoleBinding"));
    let mut story = format!("## narrowed\n{}", summary(&planned));

    let nothing = request(&file(&[]));
    let left = apply(&bed, &nothing).await;
    assert!(!left.has_changes());
    write!(story, "## nothing in the file\n{}", human(&left)).unwrap();
    apply(&bed, &pruning(nothing)).await;
    assert_eq!(bound(&bed), [""; 0]);
    assert_eq!(text(&bed, "mapRoles"), HAND_WRITTEN);
    insta::assert_snapshot!(story);
}

/// A file that says nothing of access takes nothing away, pruning or not.
#[tokio::test(start_paused = true)]
async fn prune_of_a_file_about_something_else_keeps_access() {
    let bed = hand_written();
    apply(
        &bed,
        &request(&file_with_access(
            &[DEVELOPERS],
            "groups:\n- name: developers\n  bindings:\n  - {clusterRole: edit}\n",
        )),
    )
    .await;
    let service_accounts = pruning(request(&crate::scenarios::stage::file(&[])));
    let planned = apply(&bed, &service_accounts).await;
    assert!(!summary(&planned).contains("Delete"), "{}", summary(&planned));
    assert!(!summary(&planned).contains("not-pruned"), "{}", summary(&planned));
}

/// Nothing is taken away while something that is to take its place cannot be had.
#[tokio::test(start_paused = true)]
async fn principal_is_not_moved_while_the_new_group_fails() {
    let bed = hand_written();
    let mapping = |group: &str| {
        format!("arn: arn:aws:iam::111122223333:role/oncall\nusername: oncall\ngroups: [{group}]")
    };
    let from = request(&file_with_access(
        &[&mapping("old"), DEVELOPERS],
        "groups:\n- name: old\n  bindings:\n  - {clusterRole: edit}\n",
    ));
    apply(&bed, &from).await;
    let before = (text(&bed, "mapRoles"), bound(&bed));
    let to = pruning(request(&file_with_access(
        &[&mapping("new")],
        "groups:\n- name: new\n  bindings:\n  - {clusterRole: edit, namespaces: [shop]}\n",
    )));
    let held = plan(&bed, &to).await;
    assert!(!held.has_changes(), "{}", summary(&held));
    carry_out(&bed, &held, &to).await;
    assert_eq!((text(&bed, "mapRoles"), bound(&bed)), before);
    insta::assert_snapshot!(summary(&held));

    make_namespace(&bed, "shop");
    let moved = apply(&bed, &to).await;
    assert_settled(&bed, &to, "moved").await;
    assert_eq!(bound(&bed), ["shop/edit new"]);
    let write = place(&moved, "write ConfigMap");
    assert!(place(&moved, "create RoleBinding") < write, "{}", summary(&moved));
    assert!(
        write < place(&moved, "delete ClusterRoleBinding"),
        "{}",
        summary(&moved)
    );
}

/// A permission set that cannot be found is no reason to take away the mapping of its role.
#[tokio::test(start_paused = true)]
async fn unresolved_principal_prunes_nothing() {
    let bed = hand_written();
    apply(&bed, &request(&file(&[DEVELOPERS]))).await;
    let before = text(&bed, "mapRoles");
    let unresolved = pruning(request(&file_with_access(
        &[],
        "identityMappings:\n- permissionSet: {name: Admin}\n  groups: [system:masters]\n",
    )));
    let held = plan(&bed, &unresolved).await;
    assert!(!held.has_changes(), "{}", summary(&held));
    assert_eq!(text(&bed, "mapRoles"), before);
    // A group more takes nothing away, and does not wait.
    let more = request(&file_with_access(
        &[&DEVELOPERS.replace("[developers]", "[developers, readers]")],
        "identityMappings:\n- permissionSet: {name: Admin}\n  groups: [system:masters]\n",
    ));
    let planned = plan(&bed, &more).await;
    assert_eq!(planned.count(Action::Update), 1, "{}", summary(&planned));
}

/// One principal under two names, an ARN and what stands for one, is told where both do not say the same.
#[tokio::test(start_paused = true)]
async fn principal_is_mapped_in_one_way() {
    let bed = hand_written();
    bed.edit(|world| {
        let name = "AWSReservedSSO_Admin_0123456789abcdef";
        super::drift::permission_set_role(world, name);
    })
    .unwrap();
    let both = |groups: &str| {
        request(&file_with_access(
            &[&format!(
                "arn: arn:aws:iam::111122223333:role/AWSReservedSSO_Admin_0123456789abcdef\nusername: a\ngroups: [{groups}]"
            )],
            "identityMappings:\n- permissionSet: {name: Admin}\n  username: a\n  groups: [x, system:masters]\n",
        ))
    };
    let contradicted = plan(&bed, &both("viewers")).await;
    assert!(!contradicted.has_changes(), "{}", summary(&contradicted));
    assert_eq!(contradicted.findings_of(Severity::Error).count(), 1);
    let service = request(&file(&[
        "serviceName: emr-containers\nnamespace: default",
        "arn: arn:aws:iam::111122223333:role/AWSServiceRoleForAmazonEMRContainers\nusername: zzz",
    ]));
    let of_service = plan(&bed, &service).await;
    insta::assert_snapshot!(format!("{}{}", summary(&contradicted), summary(&of_service)));
    // The same said twice is said once.
    apply(&bed, &both("system:masters, x")).await;
}

/// A new entry with its groups in any order is the only one of its ARN.
#[tokio::test(start_paused = true)]
async fn group_order_makes_no_other_entry() {
    let bed = hand_written();
    write(&bed, "mapRoles", Some("[]\n"));
    let zeta = DEVELOPERS.replace("[developers]", "[zeta, alpha]");
    let planned = apply(&bed, &request(&file(&[&zeta]))).await;
    assert!(!human(&planned).contains("another entry"), "{}", human(&planned));
}

/// EMR's role and binding bear no label as eksctl's do not. They are known by what they are, and go with their service.
#[tokio::test(start_paused = true)]
async fn role_and_binding_of_a_service_go_with_it() {
    let bed = hand_written();
    for namespace in ["spark", "theirs"] {
        make_namespace(&bed, namespace);
    }
    let emr = |namespaces: &[&str]| {
        let items: Vec<String> = namespaces
            .iter()
            .map(|namespace| format!("serviceName: emr-containers\nnamespace: {namespace}"))
            .collect();
        request(&file(&items.iter().map(String::as_str).collect::<Vec<_>>()))
    };
    apply(&bed, &emr(&["kube-public", "spark", "theirs"])).await;
    // Whoever changes one has made it theirs.
    bed.edit(|world| {
        let cluster = cluster(world);
        for binding in cluster.rbac_bindings.values_mut() {
            if binding.namespace.as_deref() == Some("theirs") {
                binding.subjects[0].name = "another".to_owned();
            }
        }
        for role in cluster.rbac_roles.values_mut() {
            if role.namespace.as_deref() == Some("spark") {
                role.rules.truncate(1);
            }
        }
    })
    .unwrap();
    let there = || {
        let mut world = bed.world().unwrap();
        let cluster = cluster(&mut world);
        let of = |namespace: &Option<String>, name: &str| {
            (name == "emr-containers").then(|| namespace.clone().unwrap_or_default())
        };
        let roles: Vec<String> = cluster
            .rbac_roles
            .values()
            .filter_map(|role| of(&role.namespace, &role.name))
            .collect();
        let bindings: Vec<String> = cluster
            .rbac_bindings
            .values()
            .filter_map(|binding| of(&binding.namespace, &binding.name))
            .collect();
        (roles.join(" "), bindings.join(" "))
    };
    let everywhere = "kube-public spark theirs".to_owned();
    let one = emr(&["kube-public"]);
    assert!(!plan(&bed, &one).await.has_changes());
    assert_eq!(there(), (everywhere.clone(), everywhere.clone()));
    let one = pruning(one);
    apply(&bed, &one).await;
    assert_eq!(there(), (everywhere, "kube-public theirs".to_owned()));
    let none = pruning(request(&file(&[])));
    let planned = apply(&bed, &none).await;
    assert_eq!(there(), ("spark theirs".to_owned(), "theirs".to_owned()));
    assert_eq!(planned.count(Action::Delete), 3, "{}", human(&planned));
    assert_settled(&bed, &none, "all of it is gone").await;
}
