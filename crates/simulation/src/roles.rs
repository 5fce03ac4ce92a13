//! Random roles that people assume, and policies: what a file says of them, which of their names may be somebody else's, and what
//! hands do to them.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

use eksact_core::ports::aws::{MOST_POLICY_VERSIONS, ManagedPolicy, PolicyVersion, Role};
use eksact_identity::cloudformation::tags::{CLUSTER_NAME, MANAGED_POLICY_NAME, ROLE_NAME};
use eksact_simulator::World;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::{
    people::principal,
    service_accounts::{is_ours, nth},
    world::ACCOUNT,
};

/// The roles: plain, with a path and a name that no stack can have, and one that somebody else may have made already.
pub const ASSUMABLE: [&str; 3] = ["eks-deploy", "team/eks_ops.team", "eks-audit"];
/// The policies, likewise.
pub const OWN_POLICIES: [&str; 3] = ["logs-read", "team/logs_write.team", "eks-describe"];
/// The one of each that somebody else may have made.
pub const TAKEN: usize = 2;
/// By which the policies of others are known.
const OF_OTHERS: &str = "Somebody else's";
const USERS: [&str; 3] = ["ann", "ben", "nina"];
/// Principals that are roles of people, by their number.
const PEOPLE: usize = 5;
const ACTIONS: [&str; 7] = [
    "logs:GetLogEvents",
    "logs:Get*",
    "logs:*",
    "s3:GetObject",
    "sqs:SendMessage",
    "eks:DescribeCluster",
    "ec2:Describe*",
];

/// A policy of a random file.
#[derive(Clone, Debug)]
pub struct Policy {
    document: usize,
    described: bool,
    moved: bool,
}

/// A role of a random file.
#[derive(Clone, Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a field of the file, there or not"
)]
pub struct Assumable {
    users: BTreeSet<usize>,
    people: BTreeSet<usize>,
    trusts_above: bool,
    account: bool,
    tokens: Option<bool>,
    session_name: bool,
    policies: BTreeSet<usize>,
    managed: bool,
    inline: Option<usize>,
    bounded: Option<usize>,
    long: bool,
    tag: Option<u8>,
}

/// The policies of a random file, by their number.
pub type Policies = BTreeMap<usize, Policy>;
/// Its roles.
pub type Roles = BTreeMap<usize, Assumable>;

prop_compose! {
    fn policy()(
        document in 0..ACTIONS.len(),
        described in any::<bool>(),
        moved in prop::bool::weighted(0.05),
    ) -> Policy {
        Policy { document, described, moved }
    }
}

prop_compose! {
    fn assumable()(
        (users, people, trusts_above, account) in (
            prop::collection::btree_set(0..USERS.len(), 0..3),
            prop::collection::btree_set(0..PEOPLE, 0..2),
            any::<bool>(),
            prop::bool::weighted(0.2),
        ),
        tokens in prop::option::weighted(0.2, any::<bool>()),
        session_name in any::<bool>(),
        policies in prop::collection::btree_set(0..OWN_POLICIES.len(), 0..3),
        managed in any::<bool>(),
        inline in prop::option::weighted(0.3, 0..ACTIONS.len()),
        bounded in prop::option::weighted(0.2, 0..OWN_POLICIES.len()),
        long in prop::bool::weighted(0.3),
        tag in prop::option::weighted(0.3, 0u8..2),
    ) -> Assumable {
        Assumable {
            users, people, trusts_above, account, tokens, session_name, policies, managed, inline, bounded, long, tag,
        }
    }
}

/// Policies of a random file.
pub fn policies() -> impl Strategy<Value = Policies> {
    prop::collection::btree_map(0..OWN_POLICIES.len(), policy(), 0..3)
}

/// Roles of a random file.
pub fn roles() -> impl Strategy<Value = Roles> {
    prop::collection::btree_map(0..ASSUMABLE.len(), assumable(), 0..3)
}

/// The last part of a name with a path.
fn name(of: &str) -> &str {
    of.rsplit('/').next().unwrap_or(of)
}

/// The name of a role without its path.
pub fn role_name(number: usize) -> &'static str {
    name(ASSUMABLE[number % ASSUMABLE.len()])
}

/// The name of a policy without its path.
pub fn policy_name(number: usize) -> &'static str {
    name(OWN_POLICIES[number % OWN_POLICIES.len()])
}

/// The ARN of a role.
pub fn role_arn(number: usize) -> String {
    format!(
        "arn:aws:iam::{ACCOUNT}:role/{}",
        ASSUMABLE[number % ASSUMABLE.len()]
    )
}

/// The ARN of a policy.
fn policy_arn(number: usize) -> String {
    format!(
        "arn:aws:iam::{ACCOUNT}:policy/{}",
        OWN_POLICIES[number % OWN_POLICIES.len()]
    )
}

/// The line of a path, where there is one.
fn path(of: &str) -> String {
    of.rsplit_once('/')
        .map_or_else(String::new, |(path, _)| format!("\npath: /{path}/"))
}

fn document(number: usize) -> Value {
    let action = ACTIONS[number % ACTIONS.len()];
    json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": [action], "Resource": "*"}]})
}

fn quoted(texts: impl Iterator<Item = String>) -> String {
    let texts: Vec<String> = texts.map(|text| format!("'{text}'")).collect();
    format!("[{}]", texts.join(", "))
}

/// The lines of each policy.
pub fn lines_of_policies(policies: &Policies) -> Vec<String> {
    let lines = |(number, policy): (&usize, &Policy)| {
        let mut lines = format!("name: {}", policy_name(*number));
        // IAM has a name once whatever the path, and nothing tells that somebody else has it elsewhere but the refusal.
        if policy.moved && *number != TAKEN {
            lines.push_str("\npath: /moved/");
        } else {
            lines.push_str(&path(OWN_POLICIES[*number]));
        }
        if policy.described {
            lines.push_str("\ndescription: What it is for");
        }
        format!("{lines}\ndocument: {}", document(policy.document))
    };
    policies.iter().map(lines).collect()
}

/// The lines of each role, in a file that has these policies.
pub fn lines_of_roles(roles: &Roles, policies: &BTreeSet<usize>) -> Vec<String> {
    roles
        .iter()
        .map(|(number, role)| {
            let above: Vec<usize> = roles.keys().copied().filter(|other| other < number).collect();
            role.lines(*number, &above, policies)
        })
        .collect()
}

impl Assumable {
    fn lines(&self, number: usize, above: &[usize], policies: &BTreeSet<usize>) -> String {
        let mut lines = format!("name: {}{}", role_name(number), path(ASSUMABLE[number]));
        let mut by = Vec::new();
        if !self.users.is_empty() {
            by.push(format!(
                "users: {}",
                quoted(self.users.iter().map(|user| USERS[*user].to_owned()))
            ));
        }
        let people = self.people.iter().map(|person| principal(*person));
        let of_file = above.iter().filter(|_| self.trusts_above);
        let of_file = of_file.map(|above| format!("role:{}", role_name(*above)));
        let others: Vec<String> = people.chain(of_file).collect();
        if !others.is_empty() {
            by.push(format!("roles: {}", quoted(others.into_iter())));
        }
        if self.account {
            by.push("accounts: ['444455556666']".to_owned());
        }
        if let Some(all) = self.tokens {
            let subject = if all {
                "repo:acme/shop:*"
            } else {
                "repo:acme/shop:ref:refs/heads/main"
            };
            by.push(format!(
                "oidc: [{{provider: token.actions.githubusercontent.com, subjects: ['{subject}']}}]"
            ));
        }
        if by.is_empty() {
            by.push(format!("users: [{}]", USERS[2]));
        }
        if self.session_name && !self.users.is_empty() {
            by.push("sessionName: '${aws:username}'".to_owned());
        }
        write!(lines, "\nassumedBy: {{{}}}", by.join(", ")).unwrap();
        let own = self.policies.intersection(policies);
        let own = own.map(|policy| format!("policy:{}", policy_name(*policy)));
        let managed = self
            .managed
            .then(|| "arn:aws:iam::aws:policy/ReadOnlyAccess".to_owned());
        let attached: Vec<String> = own.chain(managed).collect();
        if !attached.is_empty() {
            write!(lines, "\npolicies: {}", quoted(attached.into_iter())).unwrap();
        }
        if let Some(inline) = self.inline {
            write!(lines, "\ninlinePolicy: {}", document(inline)).unwrap();
        }
        if let Some(boundary) = self.bounded.filter(|boundary| policies.contains(boundary)) {
            write!(lines, "\npermissionsBoundary: policy:{}", policy_name(boundary)).unwrap();
        }
        if self.long {
            lines.push_str("\nmaxSessionDuration: 14400");
        }
        if let Some(tag) = self.tag {
            write!(lines, "\ntags: {{cost-center: '{tag}'}}").unwrap();
        }
        lines
    }
}

/// Puts a policy where the simulator looks for it.
fn put(world: &mut World, policy: ManagedPolicy) {
    world.policies.insert(policy.arn.clone());
    world
        .policy_documents
        .insert(policy.arn.clone(), policy.document.clone());
    world.managed_policies.insert(policy.arn.clone(), policy);
}

/// Takes a policy away, where nobody has it.
pub fn forget_policy(world: &mut World, arn: &str) -> Option<()> {
    let has = |role: &Role| {
        role.managed_policy_arns.iter().any(|own| own == arn)
            || role.permissions_boundary.as_deref() == Some(arn)
    };
    if world.roles.values().any(has) {
        return None;
    }
    world.policies.remove(arn);
    world.policy_documents.remove(arn);
    world.managed_policies.remove(arn)?;
    Some(())
}

/// Makes what others have: a policy that a role of theirs has, and, where it is taken, one of a name that files use.
pub fn settle(world: &mut World, is_taken: bool) {
    let taken = is_taken.then(|| policy_arn(TAKEN));
    let theirs = format!("arn:aws:iam::{ACCOUNT}:policy/theirs");
    for arn in [theirs.clone()].into_iter().chain(taken) {
        let policy = ManagedPolicy {
            name: name(&arn).to_owned(),
            id: format!("ANPA{}", name(&arn).to_uppercase()),
            path: "/".to_owned(),
            description: Some(OF_OTHERS.to_owned()),
            document: document(0),
            versions: vec![PolicyVersion {
                id: "v1".to_owned(),
                is_default: true,
                created: None,
            }],
            arn,
        };
        put(world, policy);
    }
    if let Some(role) = world.roles.get_mut("outsider") {
        role.managed_policy_arns.push(theirs);
    }
}

/// The policies of others, as they are.
pub fn foreign(world: &World) -> Vec<&ManagedPolicy> {
    let all = world.managed_policies.values();
    all.filter(|policy| is_of_others(policy)).collect()
}

fn is_of_others(policy: &ManagedPolicy) -> bool {
    policy.description.as_deref() == Some(OF_OTHERS)
}

/// Something that hands do to what we made; the number chooses among the objects that it may be done to.
#[derive(Clone, Debug)]
pub enum Edit {
    /// A policy gets another version, which holds.
    Version(usize, usize),
    /// A policy gets as many versions as IAM keeps, and says what it said.
    Versions(usize),
    /// An idle version of a policy goes.
    VersionGone(usize),
    /// A policy goes that nobody has.
    PolicyGone(usize),
    /// A role of somebody else's gets a policy, or loses it.
    Attached(usize),
    /// A role trusts somebody else as well.
    Trusted(usize, usize),
    /// Whom a role trusts was deleted: IAM shows an id in its place.
    Dangling(usize),
    /// Sessions of a role may last longer.
    Session(usize),
    /// A stack of a role or policy loses the tag that says whose it is, or that of its cluster.
    MarkGone(usize, bool),
}

/// One edit.
pub fn edit() -> impl Strategy<Value = Edit> {
    let which = 0usize..6;
    prop_oneof![
        (which.clone(), 0..ACTIONS.len()).prop_map(|(which, document)| Edit::Version(which, document)),
        which.clone().prop_map(Edit::Versions),
        which.clone().prop_map(Edit::VersionGone),
        which.clone().prop_map(Edit::PolicyGone),
        which.clone().prop_map(Edit::Attached),
        (which.clone(), 0..PEOPLE).prop_map(|(which, who)| Edit::Trusted(which, who)),
        which.clone().prop_map(Edit::Dangling),
        which.clone().prop_map(Edit::Session),
        (which, prop::bool::weighted(0.3)).prop_map(|(which, of_cluster)| Edit::MarkGone(which, of_cluster)),
    ]
}

fn policy_of(world: &World, which: usize) -> Option<ManagedPolicy> {
    let own = world.managed_policies.values();
    nth(own.filter(|policy| !is_of_others(policy)), which).cloned()
}

fn role(world: &mut World, which: usize) -> Option<&mut Role> {
    let own = world.roles.values_mut();
    nth(
        own.filter(|role| is_ours(&role.tags) && role.tags.contains_key(ROLE_NAME)),
        which,
    )
}

/// Adds a version that holds; of as many as IAM keeps, the oldest that does not hold goes first.
fn add_version(policy: &mut ManagedPolicy) {
    if let Some(oldest) = policy.version_in_the_way().map(str::to_owned) {
        policy.versions.retain(|version| version.id != oldest);
    }
    eksact_simulator::add_policy_version(policy, None);
}

impl Edit {
    /// Does it, where there is anything to do it to.
    pub fn apply(&self, world: &mut World) -> Option<()> {
        match *self {
            Self::Version(which, says) => {
                let mut policy = policy_of(world, which)?;
                add_version(&mut policy);
                policy.document = document(says);
                put(world, policy);
            }
            Self::Versions(which) => {
                let mut policy = policy_of(world, which)?;
                while policy.versions.len() < MOST_POLICY_VERSIONS {
                    add_version(&mut policy);
                }
                put(world, policy);
            }
            Self::VersionGone(which) => {
                let mut policy = policy_of(world, which)?;
                let place = policy.versions.iter().position(|version| !version.is_default)?;
                policy.versions.remove(place);
                put(world, policy);
            }
            Self::PolicyGone(which) => {
                let arn = policy_of(world, which)?.arn;
                forget_policy(world, &arn)?;
            }
            Self::Attached(which) => {
                let arn = policy_of(world, which)?.arn;
                let attached = &mut world.roles.get_mut("foreign")?.managed_policy_arns;
                let count = attached.len();
                attached.retain(|own| *own != arn);
                if attached.len() == count {
                    attached.push(arn);
                }
            }
            Self::Trusted(which, who) => {
                let statements = role(world, which)?.trust_policy["Statement"].as_array_mut()?;
                statements.push(
                    json!({"Sid": format!("ByHand{}", statements.len()), "Effect": "Allow",
                    "Action": "sts:AssumeRole", "Principal": {"AWS": principal(who)}}),
                );
            }
            Self::Dangling(which) => {
                let trusted = &mut role(world, which)?.trust_policy["Statement"][0]["Principal"];
                trusted.get("AWS")?;
                trusted["AWS"] = json!("AROADELETED");
            }
            Self::Session(which) => role(world, which)?.max_session_seconds = Some(43_200),
            Self::MarkGone(which, of_cluster) => {
                let stacks = world.stacks.values_mut().map(|record| &mut record.stack);
                let own = stacks.filter(|stack| {
                    let is_marked = [ROLE_NAME, MANAGED_POLICY_NAME]
                        .iter()
                        .any(|mark| stack.tags.contains_key(*mark));
                    is_ours(&stack.tags) && is_marked && stack.status != "DELETE_COMPLETE"
                });
                let stack = nth(own, which)?;
                let marks: &[&str] = if of_cluster {
                    &[CLUSTER_NAME]
                } else {
                    &[ROLE_NAME, MANAGED_POLICY_NAME]
                };
                stack.tags.retain(|key, _| !marks.contains(&key.as_str()));
            }
        }
        Some(())
    }
}
