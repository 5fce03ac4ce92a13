//! What decides who gets in and what they may do: ConfigMaps with their preconditions and limits, roles and bindings,
//! access entries, roles by path, and who the caller is.

use std::collections::BTreeMap;

use eksact_core::ports::CallErrorKind;
use eksact_core::ports::aws::{AccessEntry, AccessPolicy};
use eksact_core::ports::kubernetes::{
    ConfigMap, ConfigMapPatch, KubernetesWriter, Namespace, Object, ObjectKey, PolicyRule, Precondition,
    RbacBinding, RbacRole, Selector, Subject,
};
use serde_json::{Value, json};

use super::world::{World, kind, trust};
use super::{AWS_AUTH_CLUSTER, CLUSTER};

/// A ConfigMap of 1 MiB is taken, one byte more is not.
const LARGEST: usize = 1024 * 1024;
/// The text of a section, with what a careless rewrite would lose.
const TEXT: &str = "# by hand\r\n- rolearn: arn:aws:iam::111122223333:role/dev  # why\n  groups: [a,\tb]\n\n";

const BACKUP_OF: &str = "eksact.dev/backup-of";

fn map<const N: usize>(pairs: [(&str, &str); N]) -> BTreeMap<String, String> {
    pairs
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .into()
}

fn config_map(namespace: &str, name: &str) -> ConfigMap {
    ConfigMap {
        namespace: namespace.to_owned(),
        name: name.to_owned(),
        labels: map([(BACKUP_OF, "aws-auth")]),
        annotations: map([("example.com/owner", "us")]),
        data: map([("mapRoles", TEXT), ("foreign", "kept")]),
        ..ConfigMap::default()
    }
}

/// A ConfigMap in a namespace of the contract's own.
async fn made(world: &World, namespace: &str) -> ConfigMap {
    let writes = &world.writers.kubernetes;
    writes.create(&Namespace::named(namespace)).await.unwrap();
    writes.create(&config_map(namespace, "auth")).await.unwrap()
}

fn data(key: &str, value: Option<&str>) -> ConfigMapPatch {
    ConfigMapPatch {
        data: BTreeMap::from([(key.to_owned(), value.map(str::to_owned))]),
        ..ConfigMapPatch::default()
    }
}

/// Changes an object and deletes it: each write counts for the version that it names, so that an older one is refused, and
/// so is one of an object that is gone. Gives the object as the change left it.
async fn written_by_version<T: Object + std::fmt::Debug>(
    writes: &dyn KubernetesWriter,
    (old, new): (&T, &T),
    patch: fn(&T) -> Value,
    read: fn(&T) -> Precondition<'_>,
) -> T {
    let version = |object| Precondition::version(read(object).resource_version);
    let changed = writes
        .merge::<T>(new.key(), patch(new), version(new))
        .await
        .unwrap();
    let refused = writes.merge::<T>(old.key(), patch(old), version(old)).await;
    assert_eq!(kind(refused), CallErrorKind::Conflict);
    let refused = writes.delete::<T>(old.key(), read(old)).await;
    assert_eq!(kind(refused), CallErrorKind::Conflict);
    writes.delete::<T>(changed.key(), read(&changed)).await.unwrap();
    let refused = writes.delete::<T>(changed.key(), read(&changed)).await;
    assert_eq!(kind(refused), CallErrorKind::NotFound);
    let refused = writes
        .merge::<T>(changed.key(), patch(&changed), version(&changed))
        .await;
    assert_eq!(kind(refused), CallErrorKind::NotFound);
    changed
}

pub(crate) async fn config_map_is_made_once_and_byte_for_byte(world: &World) {
    let (reads, writes) = (&world.readers.kubernetes, &world.writers.kubernetes);
    let made = made(world, "contract-auth").await;
    assert_eq!(made.data["mapRoles"], TEXT);
    assert_eq!(made.annotations, map([("example.com/owner", "us")]));
    assert!(!made.uid.is_empty() && !made.resource_version.is_empty() && !made.immutable);
    let found = reads
        .get::<ConfigMap>(ObjectKey::namespaced("contract-auth", "auth"))
        .await
        .unwrap();
    assert_eq!(found.as_ref(), Some(&made));
    assert_eq!(
        reads
            .get::<ConfigMap>(ObjectKey::namespaced("contract-auth", "none"))
            .await
            .unwrap(),
        None
    );

    for (namespace, name, refusal) in [
        ("contract-auth", "auth", CallErrorKind::AlreadyExists),
        ("contract-nowhere", "auth", CallErrorKind::NotFound),
        ("contract-auth", "Not_A_Name", CallErrorKind::Invalid),
    ] {
        let refused = writes.create(&config_map(namespace, name)).await;
        assert_eq!(kind(refused), refusal, "{namespace}/{name}");
    }

    let mut other = config_map("contract-auth", "other");
    other.labels = map([(BACKUP_OF, "something-else")]);
    writes.create(&other).await.unwrap();
    let backups = reads
        .list::<ConfigMap>(Some("contract-auth"), Selector::Label(BACKUP_OF, "aws-auth"))
        .await;
    assert_eq!(backups.unwrap(), [made]);
}

pub(crate) async fn patch_changes_single_keys_of_the_version_that_was_read(world: &World) {
    let writes = &world.writers.kubernetes;
    let seen = made(world, "contract-patch").await;
    let patch = |patch: ConfigMapPatch, version: String| async move {
        writes
            .merge::<ConfigMap>(
                ObjectKey::namespaced("contract-patch", "auth"),
                patch.to_wire(),
                Precondition::version(&version),
            )
            .await
    };
    let longer = format!("{TEXT}- more\n");
    let mut both = data("mapRoles", Some(&longer));
    both.annotations = BTreeMap::from([("eksact.dev/written".to_owned(), Some("1".to_owned()))]);
    let patched = patch(both.clone(), seen.resource_version.clone()).await.unwrap();
    assert_eq!(
        patched.data,
        map([("mapRoles", longer.as_str()), ("foreign", "kept")])
    );
    assert_eq!(
        patched.annotations,
        map([("example.com/owner", "us"), ("eksact.dev/written", "1")])
    );
    assert_eq!((&patched.uid, &patched.labels), (&seen.uid, &seen.labels));
    assert_ne!(patched.resource_version, seen.resource_version);

    assert_eq!(
        kind(patch(both.clone(), seen.resource_version.clone()).await),
        CallErrorKind::Conflict
    );
    // The same once more changes nothing.
    let again = patch(both, patched.resource_version.clone()).await.unwrap();
    assert_eq!(again, patched);
    let removed = patch(data("mapRoles", None), again.resource_version.clone()).await;
    let removed = removed.unwrap();
    assert_eq!(removed.data, map([("foreign", "kept")]));
    let absent = patch(data("mapUsers", None), removed.resource_version.clone()).await;
    assert_eq!(absent.unwrap(), removed);
    let missing = writes
        .merge::<ConfigMap>(
            ObjectKey::namespaced("contract-patch", "missing"),
            data("a", Some("b")).to_wire(),
            Precondition::version(&removed.resource_version),
        )
        .await;
    assert_eq!(kind(missing), CallErrorKind::NotFound);
}

pub(crate) async fn config_map_has_a_largest_size(world: &World) {
    let writes = &world.writers.kubernetes;
    let seen = made(world, "contract-size").await;
    let rest: usize = seen.data.values().map(String::len).sum();
    let patch = |size: usize, version: String| async move {
        let value = "x".repeat(size);
        writes
            .merge::<ConfigMap>(
                ObjectKey::namespaced("contract-size", "auth"),
                data("more", Some(&value)).to_wire(),
                Precondition::version(&version),
            )
            .await
    };
    let full = patch(LARGEST - rest, seen.resource_version).await.unwrap();
    let refused = patch(LARGEST - rest + 1, full.resource_version.clone())
        .await
        .unwrap_err();
    assert_eq!(refused.kind, CallErrorKind::Invalid);
    assert!(
        refused.message.contains("may not be more than 1048576 bytes"),
        "{refused}"
    );
    let far_too_large = patch(4 * LARGEST, full.resource_version).await.unwrap_err();
    assert_eq!(
        (far_too_large.kind, far_too_large.code.as_deref()),
        (CallErrorKind::Invalid, Some("RequestEntityTooLarge"))
    );
}

pub(crate) async fn config_map_is_deleted_only_as_it_was_read(world: &World) {
    let (reads, writes) = (&world.readers.kubernetes, &world.writers.kubernetes);
    let old = made(world, "contract-unmade").await;
    let delete = |object: ConfigMap| async move {
        writes
            .delete::<ConfigMap>(
                ObjectKey::namespaced("contract-unmade", "auth"),
                Precondition::exactly(&object.uid, &object.resource_version),
            )
            .await
    };
    delete(old.clone()).await.unwrap();
    assert_eq!(kind(delete(old.clone()).await), CallErrorKind::NotFound);
    let new = writes
        .create(&config_map("contract-unmade", "auth"))
        .await
        .unwrap();
    assert_ne!(new.uid, old.uid);
    assert_eq!(kind(delete(old).await), CallErrorKind::Conflict);
    let patch = data("a", Some("b"));
    let changed = writes
        .merge::<ConfigMap>(
            ObjectKey::namespaced("contract-unmade", "auth"),
            patch.to_wire(),
            Precondition::version(&new.resource_version),
        )
        .await
        .unwrap();
    assert_eq!(kind(delete(new).await), CallErrorKind::Conflict);
    delete(changed).await.unwrap();
    assert_eq!(
        reads
            .get::<ConfigMap>(ObjectKey::namespaced("contract-unmade", "auth"))
            .await
            .unwrap(),
        None
    );
}

fn rule(resource: &str) -> PolicyRule {
    PolicyRule {
        api_groups: vec![String::new()],
        resources: vec![resource.to_owned()],
        verbs: vec!["get".to_owned(), "list".to_owned()],
        ..PolicyRule::default()
    }
}

/// A name as RBAC's are, with what a path has to escape.
fn role(namespace: Option<&str>) -> RbacRole {
    RbacRole {
        namespace: namespace.map(str::to_owned),
        name: "contract:deployers of web".to_owned(),
        labels: map([("app.kubernetes.io/managed-by", "eksact")]),
        rules: vec![rule("pods")],
        ..RbacRole::default()
    }
}

pub(crate) async fn roles_are_made_once_and_changed_at_a_version(world: &World) {
    let (reads, writes) = (&world.readers.kubernetes, &world.writers.kubernetes);
    writes.create(&Namespace::named("contract-role")).await.unwrap();
    for namespace in [None, Some("contract-role")] {
        let wanted = role(namespace);
        assert_eq!(
            reads
                .get::<RbacRole>(ObjectKey::new(namespace, &wanted.name))
                .await
                .unwrap(),
            None
        );
        let mut made = writes.create(&wanted).await.unwrap();
        assert!(!made.uid.is_empty() && !made.aggregated);
        assert_eq!(
            (&made.namespace, &made.labels, &made.rules),
            (&wanted.namespace, &wanted.labels, &wanted.rules)
        );
        let found = reads
            .get::<RbacRole>(ObjectKey::new(namespace, &wanted.name))
            .await
            .unwrap();
        assert_eq!(found.as_ref(), Some(&made));
        assert_eq!(kind(writes.create(&wanted).await), CallErrorKind::AlreadyExists);

        let old = made.clone();
        made.rules = vec![rule("services"), rule("pods")];
        let changed = written_by_version(writes.as_ref(), (&old, &made), RbacRole::rules_patch, |role| {
            Precondition::exactly(&role.uid, &role.resource_version)
        })
        .await;
        assert_eq!((&changed.rules, &changed.labels), (&made.rules, &wanted.labels));
    }
    let mut without_verbs = role(None);
    without_verbs.rules[0].verbs.clear();
    assert_eq!(kind(writes.create(&without_verbs).await), CallErrorKind::Invalid);
    let with_a_slash = RbacRole {
        name: "a/b".to_owned(),
        ..role(None)
    };
    assert_eq!(kind(writes.create(&with_a_slash).await), CallErrorKind::Invalid);
    let view = reads
        .get::<RbacRole>(ObjectKey::new(None, "view"))
        .await
        .unwrap()
        .unwrap();
    assert!(view.aggregated);
    let built_in = reads
        .get::<RbacRole>(ObjectKey::new(None, "cluster-admin"))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(built_in.rules[0].verbs, ["*"]);
}

pub(crate) async fn bindings_are_made_once_and_their_subjects_changed(world: &World) {
    let (reads, writes) = (&world.readers.kubernetes, &world.writers.kubernetes);
    writes
        .create(&Namespace::named("contract-binding"))
        .await
        .unwrap();
    let subject = |kind: &str, name: &str, namespace: Option<&str>| Subject {
        kind: kind.to_owned(),
        name: name.to_owned(),
        namespace: namespace.map(str::to_owned),
    };
    for namespace in [None, Some("contract-binding")] {
        let wanted = RbacBinding {
            namespace: namespace.map(str::to_owned),
            name: "contract:deployers".to_owned(),
            role_kind: "ClusterRole".to_owned(),
            role_name: "view".to_owned(),
            subjects: vec![
                subject("Group", "deployers", None),
                subject("ServiceAccount", "ci", Some("contract-binding")),
            ],
            ..RbacBinding::default()
        };
        let mut made = writes.create(&wanted).await.unwrap();
        assert_eq!(
            (&made.role_kind, &made.role_name, &made.subjects),
            (&wanted.role_kind, &wanted.role_name, &wanted.subjects)
        );
        let all = reads
            .list::<RbacBinding>(None, Selector::Everything)
            .await
            .unwrap();
        assert!(all.contains(&made) && all.iter().any(|binding| binding.name == "cluster-admin"));
        assert_eq!(kind(writes.create(&wanted).await), CallErrorKind::AlreadyExists);

        let old = made.clone();
        made.subjects.push(subject("User", "nina", None));
        let changed = written_by_version(
            writes.as_ref(),
            (&old, &made),
            RbacBinding::subjects_patch,
            |binding| Precondition::exactly(&binding.uid, &binding.resource_version),
        )
        .await;
        assert_eq!(changed.subjects, made.subjects);
    }
    let to_a_role = RbacBinding {
        name: "contract:wrong".to_owned(),
        role_kind: "Role".to_owned(),
        role_name: "view".to_owned(),
        ..RbacBinding::default()
    };
    assert_eq!(kind(writes.create(&to_a_role).await), CallErrorKind::Invalid);
}

pub(crate) async fn caller_is_whom_the_server_says(world: &World) {
    let caller = world.readers.aws.caller_identity().await.unwrap();
    let user = world.readers.kubernetes.user_info().await.unwrap();
    assert!(!user.username.is_empty());
    assert!(user.groups.contains(&"system:authenticated".to_owned()));
    assert_eq!(user.extra["canonicalArn"], [caller.arn.as_str()]);
    // Everybody may ask, who may do nothing else too.
    assert!(!world.reading_only.user_info().await.unwrap().username.is_empty());
}

pub(crate) async fn denied_write_names_the_missing_permission(world: &World) {
    let seen = world
        .reading_only
        .get::<ConfigMap>(ObjectKey::namespaced("kube-system", "aws-auth"))
        .await;
    let version = seen.unwrap().unwrap().resource_version;
    let refused = world
        .reading_only_writer
        .merge::<ConfigMap>(
            ObjectKey::namespaced("kube-system", "aws-auth"),
            data("a", Some("b")).to_wire(),
            Precondition::version(&version),
        )
        .await
        .unwrap_err();
    assert_eq!(refused.missing_permission().as_deref(), Some("patch configmaps"));
    let refused = world.reading_only_writer.create(&role(None)).await;
    assert_eq!(
        refused.unwrap_err().missing_permission().as_deref(),
        Some("create clusterroles")
    );
}

/// Entries that every world of the contract has; more than a page of them.
pub(crate) fn entries(account: &str) -> Vec<AccessEntry> {
    let policy = |name: &str, namespaces: Option<Vec<String>>| AccessPolicy {
        arn: format!("arn:aws:eks::aws:cluster-access-policy/{name}"),
        namespaces,
    };
    let entry = |principal: &str, username: &str| AccessEntry {
        principal_arn: format!("arn:aws:iam::{account}:{principal}"),
        username: username.to_owned(),
        entry_type: "STANDARD".to_owned(),
        ..AccessEntry::default()
    };
    let mut entries = vec![
        AccessEntry {
            groups: vec!["ops".to_owned(), "readers".to_owned()],
            policies: vec![
                policy(
                    "AmazonEKSViewPolicy",
                    Some(vec!["app".to_owned(), "web".to_owned()]),
                ),
                policy("AmazonEKSClusterAdminPolicy", None),
            ],
            ..entry("role/team/ops", "ops:{{SessionName}}")
        },
        AccessEntry {
            groups: vec!["system:nodes".to_owned()],
            entry_type: "EC2_LINUX".to_owned(),
            ..entry("role/contract-node", "system:node:{{EC2PrivateDNSName}}")
        },
    ];
    entries.extend((0..100).map(|number| entry(&format!("user/contract-{number:03}"), "somebody")));
    entries
}

pub(crate) async fn access_entries_are_read_whole(world: &World) {
    let caller = world.readers.aws.caller_identity().await.unwrap();
    let mut found = world.readers.aws.access_entries(CLUSTER).await.unwrap();
    // A cluster's creator has an entry of its own, and so may contracts that came before this one.
    found.retain(|entry| {
        entry.principal_arn != caller.arn && !entry.principal_arn.contains(":role/contract/entries/")
    });
    let mut expected = entries(&caller.account);
    for list in [&mut found, &mut expected] {
        list.sort_by(|one, other| one.principal_arn.cmp(&other.principal_arn));
        for entry in list {
            entry.policies.sort();
            // What every entry has of its own.
            (entry.arn, entry.created_at, entry.modified_at) = (String::new(), None, None);
        }
    }
    assert_eq!(found, expected);
    let nowhere = world.readers.aws.access_entries("contract-nowhere").await;
    assert_eq!(kind(nowhere), CallErrorKind::NotFound);
    // Who looks without looking at the mode first is told why there are none.
    let refused = world
        .readers
        .aws
        .access_entries(AWS_AUTH_CLUSTER)
        .await
        .unwrap_err();
    assert_eq!(refused.kind, CallErrorKind::Invalid);
    assert!(refused.message.contains("authentication mode"), "{refused}");
}

pub(crate) async fn roles_are_listed_by_path(world: &World) {
    let role = |path: &str, name: &str| {
        json!({"Type": "AWS::IAM::Role", "Properties": {
            "Path": path, "RoleName": name, "AssumeRolePolicyDocument": trust("system:serviceaccount:app:reader")
        }})
    };
    let template = json!({"Resources": {
        "Role1": role("/contract/sso/", "contract-sso-admin"),
        "Role2": role("/contract/sso/eu-west-1/", "contract-sso-dev"),
        "Role3": role("/contract/", "contract-other"),
    }});
    let stack = world.create("contract-paths", &template).await;
    assert_eq!(stack.status, "CREATE_COMPLETE");
    let mut arns = world.readers.aws.role_arns("/contract/sso/").await.unwrap();
    arns.sort();
    let account = world.readers.aws.caller_identity().await.unwrap().account;
    assert_eq!(
        arns,
        [
            format!("arn:aws:iam::{account}:role/contract/sso/contract-sso-admin"),
            format!("arn:aws:iam::{account}:role/contract/sso/eu-west-1/contract-sso-dev"),
        ]
    );
    let none = world.readers.aws.role_arns("/contract/none/").await.unwrap();
    assert!(none.is_empty());
}
