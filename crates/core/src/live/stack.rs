//! CloudFormation stacks of the cluster, and the templates that they were made from.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    time::Duration,
};

use async_trait::async_trait;
use tokio::time::Instant;

use super::{Live, LiveReader, Observed, Query};
use crate::ports::aws::{ChangeSetSummary, Stack};
use eksact_identity::{
    cloudformation::{
        RoleOwner,
        stack_name::{self, ExistingStack},
        tags,
    },
    service_account::ServiceAccountKey,
};
use eksact_message::duration::in_words;

/// Which stacks a request is about.
#[derive(Clone, Debug, Default)]
pub struct StackInterest {
    /// The roles that shall be there, and so have a stack with a name.
    pub wanted: Vec<RoleOwner>,
    /// The roles whose stacks must be at rest.
    pub about: BTreeSet<RoleOwner>,
    /// Whether those of every role must be.
    pub about_all: bool,
    /// Stacks of other objects, by name, that are looked at whoever made them and must be at rest.
    pub named: BTreeSet<String>,
    /// How long to wait for that.
    pub timeout: Duration,
}

impl StackInterest {
    /// What two kinds are about.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.wanted.extend(other.wanted);
        self.about.extend(other.about);
        self.about_all |= other.about_all;
        self.named.extend(other.named);
        self.timeout = self.timeout.max(other.timeout);
        self
    }
}

/// The stacks that bear the cluster's tag or a name that the request wants, once none of those that the reader's
/// [`StackInterest`] is about is being worked on, or the time is up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stacks;

#[async_trait]
impl Query for Stacks {
    type Answer = ClusterStacks;

    async fn read(&self, reader: &LiveReader) -> Observed<ClusterStacks> {
        reader.settled_stacks().await
    }
}

/// The template of a stack, by the stack's name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct StackTemplate(pub String);

#[async_trait]
impl Query for StackTemplate {
    type Answer = String;

    async fn read(&self, reader: &LiveReader) -> Observed<String> {
        reader.readers.aws.stack_template(&self.0).await
    }
}

/// The change sets of a stack, by the stack's name. One call each: to be asked about few stacks.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ChangeSetsOf(pub String);

#[async_trait]
impl Query for ChangeSetsOf {
    type Answer = Vec<ChangeSetSummary>;

    async fn read(&self, reader: &LiveReader) -> Observed<Vec<ChangeSetSummary>> {
        reader.readers.aws.change_sets(&self.0).await
    }
}

impl LiveReader {
    async fn settled_stacks(&self) -> Observed<ClusterStacks> {
        let interest = self.stack_interest();
        let cluster = &self.cluster().name;
        let begun = Instant::now();
        let mut pause = Duration::from_millis(500);
        let mut told = false;
        loop {
            let listed = self.readers.aws.stacks().await?;
            let names = assigned(cluster, &interest.wanted, &listed);
            let wanted: BTreeSet<&String> = names.values().chain(&interest.named).collect();
            let ours: Vec<Stack> = listed
                .into_iter()
                .filter(|stack| is_of_cluster(stack, cluster) || wanted.contains(&stack.name))
                .collect();
            let busy: Vec<&Stack> = ours
                .iter()
                .filter(|stack| {
                    stack.in_progress()
                        && (wanted.contains(&stack.name)
                            || role_owner_of(stack)
                                .is_some_and(|key| interest.about_all || interest.about.contains(&key)))
                })
                .collect();
            if busy.is_empty() || begun.elapsed() >= interest.timeout {
                return Ok(ClusterStacks::new(ours, cluster, names));
            }
            if !told {
                told = true;
                let busy: Vec<String> = busy
                    .iter()
                    .map(|stack| format!("{} ({})", stack.name, stack.status))
                    .collect();
                self.notice(&format!(
                    "waiting for CloudFormation, which is still working on {} (up to {}, --timeout)",
                    busy.join(", "),
                    in_words(interest.timeout)
                ));
            }
            tokio::time::sleep(pause.min(interest.timeout.saturating_sub(begun.elapsed()))).await;
            pause = (pause * 3 / 2).min(Duration::from_secs(5));
        }
    }
}

fn assigned(cluster: &str, wanted: &[RoleOwner], listed: &[Stack]) -> BTreeMap<RoleOwner, String> {
    let existing: Vec<ExistingStack> = listed
        .iter()
        .map(|stack| ExistingStack {
            name: stack.name.clone(),
            cluster_tag: stack.tags.get(tags::CLUSTER_NAME).cloned(),
            owner: role_owner_of(stack),
        })
        .collect();
    stack_name::assign(cluster, wanted, &existing)
}

impl Live {
    /// The stacks of the cluster.
    pub fn stacks(&self) -> Option<&Observed<ClusterStacks>> {
        self.get(&Stacks)
    }

    /// The template of a stack.
    pub fn template(&self, stack: &str) -> Option<&Observed<String>> {
        self.get(&StackTemplate(stack.to_owned()))
    }

    fn cluster_stacks(&self) -> Option<&ClusterStacks> {
        self.stacks()?.as_ref().ok()
    }

    /// The stacks that could be read.
    pub fn known_stacks(&self) -> &[Stack] {
        self.cluster_stacks().map(ClusterStacks::all).unwrap_or_default()
    }

    /// The stack name of a wanted role, by the rule of [`stack_name`].
    pub fn stack_name(&self, owner: &RoleOwner) -> Option<&String> {
        self.cluster_stacks()?.assigned.get(owner)
    }

    /// The stack of this role: the one whose tag names its service account, else the one that bears its name.
    pub fn stack_of(&self, owner: &RoleOwner) -> Option<&Stack> {
        let stacks = self.cluster_stacks()?;
        stacks
            .tagged(owner)
            .or_else(|| stacks.assigned.get(owner).and_then(|name| stacks.named(name)))
    }

    /// The stack of a role that shall go: the one whose tag names it, else the one of eksctl's name that bears
    /// the cluster's tag and names no service account (eksctl's own migration drops the other tag).
    pub fn own_stack(&self, owner: &RoleOwner) -> Option<&Stack> {
        let stacks = self.cluster_stacks()?;
        stacks.tagged(owner).or_else(|| {
            stacks
                .named(&owner.eksctl_name(&self.cluster.name))
                .filter(|stack| is_of_cluster(stack, &self.cluster.name) && role_owner_of(stack).is_none())
        })
    }
}

/// The stacks that matter to a cluster, to be found by name and by what their tag names: a plan
/// looks for one several times per service account.
#[derive(Clone, Debug, Default)]
pub struct ClusterStacks {
    all: Vec<Stack>,
    by_name: HashMap<String, usize>,
    by_owner: HashMap<RoleOwner, usize>,
    assigned: BTreeMap<RoleOwner, String>,
}

impl ClusterStacks {
    /// Those of `all`, where the ones that bear the tag of `cluster` are its own; `assigned` are the names that the
    /// stacks of wanted roles have or will have.
    pub fn new(all: Vec<Stack>, cluster: &str, assigned: BTreeMap<RoleOwner, String>) -> Self {
        let mut stacks = Self {
            assigned,
            ..Self::default()
        };
        for (index, stack) in all.iter().enumerate() {
            stacks.by_name.entry(stack.name.clone()).or_insert(index);
            if !is_of_cluster(stack, cluster) {
                continue;
            }
            let Some(owner) = role_owner_of(stack) else {
                continue;
            };
            // Should two stacks carry the tag, eksctl's own name is the likelier one: the rule of `stack_name::assign`.
            let own = owner.eksctl_name(cluster);
            let rank = |stack: &Stack| (stack.name != own, stack.name.clone());
            let better = stacks
                .by_owner
                .get(&owner)
                .and_then(|other| all.get(*other))
                .is_none_or(|other| rank(stack) < rank(other));
            if better {
                stacks.by_owner.insert(owner, index);
            }
        }
        Self { all, ..stacks }
    }

    /// All of them.
    pub fn all(&self) -> &[Stack] {
        &self.all
    }

    /// The names of the stacks of wanted roles.
    pub fn assigned(&self) -> &BTreeMap<RoleOwner, String> {
        &self.assigned
    }

    /// The one of this name.
    pub fn named(&self, name: &str) -> Option<&Stack> {
        self.all.get(*self.by_name.get(name)?)
    }

    /// The one of the cluster whose tag names this role's service account.
    pub fn tagged(&self, owner: &RoleOwner) -> Option<&Stack> {
        self.all.get(*self.by_owner.get(owner)?)
    }
}

/// Whether a stack bears the tag of this cluster.
pub fn is_of_cluster(stack: &Stack, cluster: &str) -> bool {
    stack
        .tags
        .get(tags::CLUSTER_NAME)
        .is_some_and(|name| name == cluster)
}

/// What the role of a stack is made for, by the stack's tags.
pub fn role_owner_of(stack: &Stack) -> Option<RoleOwner> {
    RoleOwner::of_tags(&stack.tags)
}

/// The service account that a stack's tag names.
pub fn service_account_of(stack: &Stack) -> Option<ServiceAccountKey> {
    ServiceAccountKey::parse(stack.tags.get(tags::SERVICE_ACCOUNT_NAME)?)
}

/// The name of the role that a stack's output gives.
pub fn role_name_of(stack: &Stack) -> Option<&str> {
    stack
        .outputs
        .get("Role1")
        .and_then(|arn| arn.rsplit('/').next())
        .filter(|name| !name.is_empty())
}
