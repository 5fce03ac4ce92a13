//! Random service accounts: files of a few of every sort, worlds that such a file made and that hands have been in since,
//! with things in them that are nobody's business of ours.

use eksact_identity::service_account::ServiceAccountKey;
use std::collections::{BTreeMap, BTreeSet};

use eksact_core::ports::{
    aws::{Role, StackRequest, StackWriter as _},
    kubernetes::{FieldManager, Namespace, ServiceAccount},
};
use eksact_simulator::{Sandbox, StackRecord, World};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::{
    roles::{OWN_POLICIES, forget_policy, policy_name},
    world::{CLUSTER, cluster, cluster_of, fresh_world, sandbox},
};

const NAMESPACES: [&str; 3] = ["app", "ops", "kube-system"];
const NAMES: [&str; 4] = ["a", "b", "b-c", "long.name.with.dots"];
/// The managed policies that roles get.
pub const POLICIES: [&str; 3] = ["ReadOnlyAccess", "AmazonS3ReadOnlyAccess", "AmazonSQSFullAccess"];
/// The statuses in which a stack stays for long and about which something can be done, by us.
pub const STATUSES: [&str; 6] = [
    "ROLLBACK_COMPLETE",
    "CREATE_FAILED",
    "DELETE_FAILED",
    "ROLLBACK_FAILED",
    "UPDATE_ROLLBACK_COMPLETE",
    "IMPORT_COMPLETE",
];

/// A service account of a random file.
#[derive(Clone, Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a field of the file, there or not"
)]
pub struct Account {
    attached: bool,
    role_only: bool,
    named: bool,
    policies: BTreeSet<usize>,
    inline: Option<u8>,
    boundary: bool,
    well_known: bool,
    labelled: bool,
    tag: Option<u8>,
}

/// A random file: its accounts by namespace and name.
pub type File = BTreeMap<(usize, usize), Account>;

prop_compose! {
    fn account()(
        attached in prop::bool::weighted(0.2),
        role_only in prop::bool::weighted(0.2),
        named in prop::bool::weighted(0.3),
        policies in prop::collection::btree_set(0..POLICIES.len(), 1..3),
        inline in prop::option::of(0u8..2),
        boundary in any::<bool>(),
        well_known in prop::bool::weighted(0.2),
        labelled in any::<bool>(),
        tag in prop::option::of(0u8..2),
    ) -> Account {
        Account { attached, role_only: role_only && !attached, named, policies, inline, boundary, well_known, labelled, tag }
    }
}

/// Files of at most five accounts.
pub fn files() -> impl Strategy<Value = File> {
    prop::collection::btree_map((0..NAMESPACES.len(), 0..NAMES.len()), account(), 0..5)
}

/// Namespace and name of an account of a random file.
pub fn key((namespace, name): (usize, usize)) -> ServiceAccountKey {
    ServiceAccountKey::new(NAMESPACES[namespace], NAMES[name])
}

/// The lines of each account, for `stage::file`.
pub fn lines(file: &File) -> Vec<String> {
    lines_beside(file, &BTreeSet::new())
}

/// The lines of each account in a file that has these policies.
pub fn lines_beside(file: &File, own_policies: &BTreeSet<usize>) -> Vec<String> {
    file.iter()
        .map(|(place, account)| account.lines(*place, own_policies))
        .collect()
}

/// The accounts of a file that have a role of their own.
pub fn with_roles(file: &File) -> BTreeSet<ServiceAccountKey> {
    file.iter()
        .filter(|(_, account)| !account.attached)
        .map(|(place, _)| key(*place))
        .collect()
}

impl Account {
    fn lines(&self, place: (usize, usize), own_policies: &BTreeSet<usize>) -> String {
        let ServiceAccountKey { namespace, name } = key(place);
        let marks = if self.labelled && !self.role_only {
            ", labels: {tier: back}, annotations: {owner: me}"
        } else {
            ""
        };
        let mut lines = vec![format!(
            "metadata: {{name: {name}, namespace: {namespace}{marks}}}"
        )];
        if self.attached {
            lines.push("attachRoleARN: arn:aws:iam::111122223333:role/foreign".to_owned());
            return lines.join("\n");
        }
        // Of the policies of the file each account has the same whenever there is one: so the files stay as they were.
        let own = (place.0 + place.1) % OWN_POLICIES.len();
        let by_name = own_policies
            .contains(&own)
            .then(|| format!("'policy:{}'", policy_name(own)));
        let policies: Vec<String> = self
            .policies
            .iter()
            .map(|policy| format!("'arn:aws:iam::aws:policy/{}'", POLICIES[*policy]))
            .chain(by_name)
            .collect();
        lines.push(format!("attachPolicyARNs: [{}]", policies.join(", ")));
        if self.role_only {
            lines.push("roleOnly: true".to_owned());
        }
        if self.named {
            lines.push(format!("roleName: role-{namespace}-{name}"));
        }
        if let Some(inline) = self.inline {
            let action = ["s3:GetObject", "s3:PutObject"][usize::from(inline)];
            lines.push(format!(
                "attachPolicy: {{Version: '2012-10-17', Statement: [{{Effect: Allow, Action: ['{action}'], Resource: '*'}}]}}"
            ));
        }
        if self.boundary {
            lines.push("permissionsBoundary: arn:aws:iam::aws:policy/PowerUserAccess".to_owned());
        }
        if self.well_known {
            lines.push("wellKnownPolicies: {externalDNS: true}".to_owned());
        }
        if let Some(tag) = self.tag {
            lines.push(format!("tags: {{cost-center: '{tag}'}}"));
        }
        lines.join("\n")
    }
}

/// Something that hands do to what we made; the number chooses among the objects that it may be done to.
#[derive(Clone, Debug)]
pub enum Edit {
    /// The trust policy denies.
    Trust(usize),
    /// Another managed policy is all that is attached.
    Managed(usize),
    /// An inline policy takes the place of all.
    Inline(usize),
    /// The boundary goes, or comes.
    Boundary(usize),
    /// A tag goes, and another comes.
    RoleTags(usize),
    /// The role goes.
    RoleGone(usize),
    /// A tag of the stack goes, and another comes.
    StackTags(usize),
    /// The stack goes, with its role.
    StackGone(usize),
    /// The stack is in a status in which it stays.
    StackStatus(usize, usize),
    /// The stack's protection goes.
    Unprotected(usize),
    /// Every annotation goes.
    Annotation(usize),
    /// A label goes.
    Labels(usize),
    /// The service account goes.
    AccountGone(usize),
    /// Helm takes the service account over.
    TakenByHelm(usize),
    /// The OIDC provider goes.
    Provider,
    /// The OIDC provider has another audience.
    Audience,
    /// The tags of the cluster go.
    ClusterTags,
}

/// A few edits.
pub fn edits() -> impl Strategy<Value = Vec<Edit>> {
    prop::collection::vec(edit(), 0..6)
}

/// One edit.
pub fn edit() -> impl Strategy<Value = Edit> {
    prop_oneof![
        (0usize..9).prop_map(Edit::Trust),
        (0usize..9).prop_map(Edit::Managed),
        (0usize..9).prop_map(Edit::Inline),
        (0usize..9).prop_map(Edit::Boundary),
        (0usize..9).prop_map(Edit::RoleTags),
        (0usize..9).prop_map(Edit::RoleGone),
        (0usize..9).prop_map(Edit::StackTags),
        (0usize..9).prop_map(Edit::StackGone),
        (0usize..9, 0..STATUSES.len()).prop_map(|(which, status)| Edit::StackStatus(which, status)),
        (0usize..9).prop_map(Edit::Unprotected),
        (0usize..9).prop_map(Edit::Annotation),
        (0usize..9).prop_map(Edit::Labels),
        (0usize..9).prop_map(Edit::AccountGone),
        (0usize..9).prop_map(Edit::TakenByHelm),
        Just(Edit::Provider),
        Just(Edit::Audience),
        Just(Edit::ClusterTags),
    ]
}

/// Whether these tags are of our cluster.
pub fn is_ours(tags: &BTreeMap<String, String>) -> bool {
    tags.get("alpha.eksctl.io/cluster-name")
        .is_some_and(|cluster| cluster == CLUSTER)
}

/// The item of this number, counted round.
pub fn nth<T>(items: impl Iterator<Item = T>, which: usize) -> Option<T> {
    let items: Vec<T> = items.collect();
    let count = items.len();
    items.into_iter().nth(which.checked_rem(count)?)
}

fn role(world: &mut World, which: usize) -> Option<&mut Role> {
    nth(world.roles.values_mut().filter(|role| is_ours(&role.tags)), which)
}

fn stack(world: &mut World, which: usize) -> Option<&mut StackRecord> {
    let live =
        |record: &&mut StackRecord| is_ours(&record.stack.tags) && record.stack.status != "DELETE_COMPLETE";
    nth(world.stacks.values_mut().filter(live), which)
}

fn account_of(world: &mut World, which: usize) -> Option<&mut ServiceAccount> {
    let ours = |account: &&mut ServiceAccount| {
        account
            .labels
            .get("app.kubernetes.io/managed-by")
            .is_some_and(|value| value == "eksctl")
    };
    nth(cluster(world).service_accounts.values_mut().filter(ours), which)
}

impl Edit {
    /// Does it, where there is anything to do it to.
    pub fn apply(&self, world: &mut World) -> Option<()> {
        match *self {
            Self::Trust(which) => role(world, which)?.trust_policy["Statement"][0]["Effect"] = json!("Deny"),
            Self::Managed(which) => {
                role(world, which)?.managed_policy_arns =
                    vec!["arn:aws:iam::aws:policy/AdministratorAccess".to_owned()];
            }
            Self::Inline(which) => {
                let policies = &mut role(world, which)?.inline_policies;
                policies.clear();
                policies.insert(
                    "by-hand".to_owned(),
                    json!({"Version": "2012-10-17", "Statement": []}),
                );
            }
            Self::Boundary(which) => {
                let boundary = &mut role(world, which)?.permissions_boundary;
                *boundary = match boundary {
                    Some(_) => None,
                    None => Some("arn:aws:iam::aws:policy/AdministratorAccess".to_owned()),
                };
            }
            Self::RoleTags(which) => {
                let tags = &mut role(world, which)?.tags;
                tags.remove("cost-center");
                tags.insert("theirs".to_owned(), "yes".to_owned());
            }
            Self::RoleGone(which) => {
                let name = role(world, which)?.name.clone();
                world.roles.remove(&name);
            }
            Self::StackTags(which) => {
                let tags = &mut stack(world, which)?.stack.tags;
                tags.remove("cost-center");
                tags.insert("theirs".to_owned(), "yes".to_owned());
            }
            Self::StackGone(which) => {
                let record = stack(world, which)?;
                "DELETE_COMPLETE".clone_into(&mut record.stack.status);
                let resources = std::mem::take(&mut record.resources);
                world
                    .roles
                    .retain(|name, _| !resources.values().any(|resource| resource.physical_id == *name));
                for resource in resources.values() {
                    // IAM deletes no policy that somebody has, and so CloudFormation gives the stack up without it.
                    let _ = forget_policy(world, &resource.physical_id);
                }
            }
            Self::StackStatus(which, status) => {
                STATUSES[status].clone_into(&mut stack(world, which)?.stack.status);
            }
            Self::Unprotected(which) => stack(world, which)?.stack.termination_protection = false,
            Self::Annotation(which) => account_of(world, which)?.annotations.clear(),
            Self::Labels(which) => {
                account_of(world, which)?.labels.remove("tier");
            }
            Self::AccountGone(which) => {
                let account = account_of(world, which)?;
                let key = format!("{}/{}", account.namespace, account.name);
                cluster(world).service_accounts.remove(&key);
            }
            Self::TakenByHelm(which) => {
                let account = account_of(world, which)?;
                account
                    .labels
                    .insert("app.kubernetes.io/managed-by".to_owned(), "Helm".to_owned());
                account
                    .field_managers
                    .iter_mut()
                    .for_each(|manager| "helm".clone_into(&mut manager.manager));
            }
            Self::Provider => world.oidc_providers.clear(),
            Self::Audience => world.oidc_providers.values_mut().next()?.audiences = vec!["vault".to_owned()],
            Self::ClusterTags => cluster(world).cluster.tags.clear(),
        }
        Some(())
    }
}

/// The names of what is nobody's business of ours, in every random world.
const FOREIGN_STACKS: [&str; 2] = ["unrelated", "eksctl-other-addon-iamserviceaccount-app-a"];

/// A sandbox with a cluster and things of others, among them the same service account's stack of another cluster.
pub async fn inhabited() -> Sandbox {
    let mut world = fresh_world();
    world.stack_seconds = 0;
    let cluster = cluster(&mut world);
    cluster.namespaces.insert(
        "app".to_owned(),
        Namespace {
            name: "app".to_owned(),
            terminating: false,
        },
    );
    for name in ["a", "untouched"] {
        let account = ServiceAccount {
            namespace: "app".to_owned(),
            name: name.to_owned(),
            uid: format!("uid of {name}"),
            resource_version: "1".to_owned(),
            labels: [("app.kubernetes.io/managed-by".to_owned(), "Helm".to_owned())].into(),
            annotations: [("note".to_owned(), "theirs".to_owned())].into(),
            field_managers: vec![FieldManager {
                manager: "helm".to_owned(),
                operation: "Update".to_owned(),
                labels: ["app.kubernetes.io/managed-by".to_owned()].into(),
                annotations: ["note".to_owned()].into(),
            }],
            terminating: false,
        };
        cluster.service_accounts.insert(format!("app/{name}"), account);
    }
    let bed = sandbox(world);
    for name in FOREIGN_STACKS {
        let trust = json!({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "ec2.amazonaws.com"}}
        ]});
        let template = json!({"Resources": {"Role1": {
            "Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": trust}
        }}, "Outputs": {"Role1": {"Value": {"Fn::GetAtt": "Role1.Arn"}}}});
        let tags = if name.starts_with("eksctl") {
            vec![
                ("alpha.eksctl.io/cluster-name".to_owned(), "other".to_owned()),
                (
                    "alpha.eksctl.io/iamserviceaccount-name".to_owned(),
                    "app/a".to_owned(),
                ),
            ]
        } else {
            Vec::new()
        };
        let request = StackRequest {
            name: name.to_owned(),
            template_body: template.to_string(),
            tags,
            capabilities: vec!["CAPABILITY_IAM".to_owned()],
            termination_protection: false,
            disable_rollback: false,
            service_role_arn: None,
            client_request_token: name.to_owned(),
        };
        bed.create_stack(&request).await.unwrap();
    }
    bed.another_process()
}

/// Everything of others, as it is to the byte; of a service account that we may annotate, all but our keys.
pub fn foreign(world: &World) -> Value {
    let roles: Vec<_> = world.roles.values().filter(|role| !is_ours(&role.tags)).collect();
    json!({"roles": roles, "stacks and accounts": foreign_stacks_and_accounts(world)})
}

/// The same without the roles.
pub fn foreign_stacks_and_accounts(world: &World) -> Value {
    let stacks: Vec<_> = world
        .stacks
        .values()
        .filter(|record| FOREIGN_STACKS.contains(&record.stack.name.as_str()))
        .collect();
    let accounts = &cluster_of(world).service_accounts;
    let shared = &accounts["app/a"];
    json!({
        "stacks": stacks,
        "untouched": accounts["app/untouched"],
        "aws-node": accounts["kube-system/aws-node"],
        "shared": [shared.uid, shared.labels["app.kubernetes.io/managed-by"], shared.annotations["note"]],
    })
}

/// The service accounts that stacks of ours are for.
pub fn stacks_for(world: &World) -> BTreeSet<ServiceAccountKey> {
    world
        .stacks
        .values()
        .filter(|record| is_ours(&record.stack.tags) && record.stack.status != "DELETE_COMPLETE")
        .filter_map(|record| {
            ServiceAccountKey::parse(&record.stack.tags["alpha.eksctl.io/iamserviceaccount-name"])
        })
        .collect()
}
