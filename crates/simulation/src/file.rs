//! Random files: some of every section that eksact manages, as the text that a user would write.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

use eksact_core::config::{self, ClusterConfig, InputFile};
use proptest::{prelude::*, sample::select};

use crate::{
    people::{EVERYBODY, GROUPS, assumable, mapped, name_of, principal},
    roles::{self, Policies, Roles, lines_of_policies, lines_of_roles, policy_name, role_name},
    service_accounts::{self, key},
    world::{CLUSTER, REGION},
};

/// The authentication modes, each from which there is a way to the next.
pub const MODES: [&str; 3] = ["CONFIG_MAP", "API_AND_CONFIG_MAP", "API"];
/// The access policies that entries get.
pub const POLICIES: [&str; 3] = [
    "AmazonEKSClusterAdminPolicy",
    "AmazonEKSEditPolicy",
    "AmazonEKSViewPolicy",
];
/// Roles that people made, which pods may get by an association, and one that several clusters share.
pub const ROLES: [&str; 2] = ["reader", "writer"];
/// The role that clusters share.
pub const SHARED: &str = "deployer";
const PROVIDERS: [&str; 2] = ["okta", "dex"];
const VERBS: [&str; 3] = ["get", "list", "patch"];

/// A mapping of aws-auth, or the groups of an entry.
pub type Groups = BTreeSet<usize>;

/// An access entry.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Its groups.
    pub groups: Groups,
    /// Its policies, each for the whole cluster or for one namespace.
    pub policies: BTreeMap<usize, bool>,
    /// Whether it names its user.
    pub named: bool,
}

/// What a group may do.
#[derive(Clone, Debug)]
pub enum Binding {
    /// A cluster role that exists.
    Existing(usize, bool),
    /// Rules of its own.
    Own(BTreeSet<usize>, bool),
}

/// Which role the pods of a service account get.
#[derive(Clone, Debug)]
pub enum Association {
    /// One that is made for them.
    Own(BTreeSet<usize>),
    /// One that somebody made.
    Given(usize, bool),
}

/// A file. A section that is none is not in it.
#[derive(Clone, Debug, Default)]
pub struct File {
    /// Service accounts.
    pub accounts: Option<service_accounts::File>,
    /// Mappings of aws-auth by principal.
    pub mappings: Option<BTreeMap<usize, Groups>>,
    /// Access entries by principal.
    pub entries: Option<BTreeMap<usize, Entry>>,
    /// What groups may do.
    pub groups: Option<BTreeMap<usize, Vec<Binding>>>,
    /// Pod identity associations.
    pub associations: Option<BTreeMap<(usize, usize), Association>>,
    /// Who assumes the shared role.
    pub shared: Option<BTreeSet<(usize, usize)>>,
    /// Identity providers, each with its client.
    pub providers: Option<BTreeMap<usize, bool>>,
    /// The authentication mode.
    pub mode: Option<usize>,
    /// Roles that people assume.
    pub roles: Option<Roles>,
    /// Policies.
    pub policies: Option<Policies>,
}

fn groups() -> impl Strategy<Value = Groups> {
    prop::collection::btree_set(0..GROUPS.len(), 0..3)
}

fn entry() -> impl Strategy<Value = Entry> {
    let policies = prop::collection::btree_map(0..POLICIES.len(), any::<bool>(), 0..3);
    (groups(), policies, any::<bool>()).prop_map(|(groups, policies, named)| Entry {
        groups,
        policies,
        named,
    })
}

fn binding() -> impl Strategy<Value = Binding> {
    prop_oneof![
        (0usize..2, any::<bool>()).prop_map(|(role, whole)| Binding::Existing(role, whole)),
        (prop::collection::btree_set(0..VERBS.len(), 1..3), any::<bool>())
            .prop_map(|(verbs, whole)| Binding::Own(verbs, whole)),
    ]
}

fn association() -> impl Strategy<Value = Association> {
    prop_oneof![
        prop::collection::btree_set(0usize..6, 1..3).prop_map(Association::Own),
        (0..ROLES.len(), any::<bool>()).prop_map(|(role, tags)| Association::Given(role, tags)),
    ]
}

fn places() -> impl Strategy<Value = (usize, usize)> {
    (0usize..2, 0usize..3)
}

/// Random files. Most have few sections, so that a run is about something.
pub fn files() -> impl Strategy<Value = File> {
    let rarely = 0.35;
    (
        prop::option::weighted(0.55, service_accounts::files()),
        prop::option::weighted(0.5, prop::collection::btree_map(0..EVERYBODY, groups(), 0..4)),
        prop::option::weighted(0.45, prop::collection::btree_map(0..EVERYBODY, entry(), 0..4)),
        prop::option::weighted(
            rarely,
            prop::collection::btree_map(0..GROUPS.len(), prop::collection::vec(binding(), 1..3), 0..3),
        ),
        prop::option::weighted(rarely, prop::collection::btree_map(places(), association(), 0..3)),
        prop::option::weighted(0.2, prop::collection::btree_set(places(), 1..3)),
        prop::option::weighted(
            0.15,
            prop::collection::btree_map(0..PROVIDERS.len(), any::<bool>(), 0..2),
        ),
        prop::option::weighted(0.2, select(vec![1usize, 1, 1, 2])),
        prop::option::weighted(rarely, roles::roles()),
        prop::option::weighted(rarely, roles::policies()),
    )
        .prop_map(
            |(
                accounts,
                mappings,
                entries,
                groups,
                associations,
                shared,
                providers,
                mode,
                roles,
                policies,
            )| File {
                accounts,
                mappings,
                entries,
                groups,
                associations,
                shared,
                providers,
                mode,
                roles,
                policies,
            },
        )
}

fn list(names: impl Iterator<Item = impl AsRef<str>>) -> String {
    let names: Vec<String> = names.map(|name| name.as_ref().to_owned()).collect();
    format!("[{}]", names.join(", "))
}

fn group_names(groups: &Groups) -> String {
    list(groups.iter().map(|group| GROUPS[*group]))
}

/// What a section says, of the objects that it had before for as long as there are any.
fn edited<K: Clone + Ord, V: Clone>(
    before: Option<&BTreeMap<K, V>>,
    now: Option<BTreeMap<K, V>>,
) -> Option<BTreeMap<K, V>> {
    let mut had = before.into_iter().flat_map(BTreeMap::keys).cloned();
    now.map(|now| {
        let values = now.into_iter();
        values
            .map(|(key, value)| (had.next().unwrap_or(key), value))
            .collect()
    })
}

impl File {
    /// This file as an edit of the one of before: it says other things, of the same objects.
    #[must_use]
    pub fn editing(self, before: &Self) -> Self {
        Self {
            accounts: edited(before.accounts.as_ref(), self.accounts),
            mappings: edited(before.mappings.as_ref(), self.mappings),
            entries: edited(before.entries.as_ref(), self.entries),
            groups: edited(before.groups.as_ref(), self.groups),
            associations: edited(before.associations.as_ref(), self.associations),
            providers: edited(before.providers.as_ref(), self.providers),
            roles: edited(before.roles.as_ref(), self.roles),
            policies: edited(before.policies.as_ref(), self.policies),
            ..self
        }
    }

    /// The text of the file: a ClusterConfig, and a ClusterAccess where there is something to say in one.
    pub fn text(&self) -> String {
        let mut text = format!(
            "apiVersion: eksctl.io/v1alpha5\nkind: ClusterConfig\nmetadata: {{name: {CLUSTER}, region: {REGION}}}\n"
        );
        self.write(&mut text);
        text
    }

    fn write(&self, text: &mut String) {
        if self.accounts.is_some() || self.associations.is_some() || self.shared.is_some() {
            text.push_str("iam:\n");
            if self.accounts.is_some() || self.shared.is_some() {
                text.push_str("  withOIDC: true\n");
            }
        }
        if let Some(accounts) = &self.accounts {
            items(
                text,
                "  ",
                "serviceAccounts",
                &service_accounts::lines_beside(accounts, &self.own_policies()),
            );
        }
        if let Some(associations) = &self.associations {
            let lines: Vec<String> = associations
                .iter()
                .map(|(place, one)| one.lines(*place, &self.own_policies()))
                .collect();
            items(text, "  ", "podIdentityAssociations", &lines);
        }
        if self.mode.is_some() || self.entries.is_some() {
            text.push_str("accessConfig:\n");
        }
        if let Some(mode) = self.mode {
            writeln!(text, "  authenticationMode: {}", MODES[mode % MODES.len()]).unwrap();
        }
        if let Some(entries) = &self.entries {
            let lines: Vec<String> = entries
                .iter()
                // EKS makes no entry for a role that is not there.
                .filter(|(number, _)| assumable(**number).is_none() || self.role(**number).is_some())
                .map(|(number, entry)| entry.lines(*number, self.role(*number).as_deref()))
                .collect();
            items(text, "  ", "accessEntries", &lines);
        }
        if let Some(providers) = &self.providers {
            let lines: Vec<String> = providers
                .iter()
                .map(|(number, other)| {
                    let name = PROVIDERS[number % PROVIDERS.len()];
                    let client = if *other { "other" } else { "kubernetes" };
                    format!(
                        "type: oidc\nname: {name}\nissuerURL: 'https://{name}.example.com'\nclientID: {client}"
                    )
                })
                .collect();
            items(text, "", "identityProviders", &lines);
        }
        if let Some(mappings) = &self.mappings {
            let lines: Vec<String> = mappings
                .iter()
                .map(|(number, groups)| {
                    let arn = mapped(&principal(*number));
                    let name = name_of(&arn);
                    let arn = self.role(*number).unwrap_or_else(|| arn.clone());
                    format!("arn: {arn}\nusername: {name}\ngroups: {}", group_names(groups))
                })
                .collect();
            items(text, "", "iamIdentityMappings", &lines);
        }
        self.write_access(text);
    }

    fn write_access(&self, text: &mut String) {
        let access = [
            self.groups.is_some(),
            self.shared.is_some(),
            self.roles.is_some(),
            self.policies.is_some(),
        ];
        if !access.contains(&true) {
            return;
        }
        text.push_str("---\napiVersion: eksact.dev/v1alpha1\nkind: ClusterAccess\n");
        if let Some(groups) = &self.groups {
            let lines: Vec<String> = groups
                .iter()
                .map(|(group, bindings)| {
                    let mut lines = format!("name: {}", GROUPS[group % GROUPS.len()]);
                    let mut seen = BTreeSet::new();
                    let bindings: Vec<String> = bindings
                        .iter()
                        .map(Binding::text)
                        .filter(|text| seen.insert(text.clone()))
                        .collect();
                    lines.push_str("\nbindings:");
                    for binding in bindings {
                        write!(lines, "\n- {binding}").unwrap();
                    }
                    lines
                })
                .collect();
            items(text, "", "groups", &lines);
        }
        if let Some(shared) = &self.shared {
            let accounts = shared.iter().map(|place| {
                let key = key(*place);
                format!("{{namespace: {}, name: {}}}", key.namespace, key.name)
            });
            let lines = format!("roleName: {SHARED}\nserviceAccounts: {}", list(accounts));
            items(text, "", "sharedRoles", &[lines]);
        }
        if let Some(policies) = &self.policies {
            items(text, "", "policies", &lines_of_policies(policies));
        }
        if let Some(roles) = &self.roles {
            items(text, "", "roles", &lines_of_roles(roles, &self.own_policies()));
        }
    }

    /// The numbers of the policies that it has.
    fn own_policies(&self) -> BTreeSet<usize> {
        self.policies
            .iter()
            .flatten()
            .map(|(number, _)| *number)
            .collect()
    }

    /// What it writes in the place of the ARN of a principal that is one of its roles.
    fn role(&self, principal: usize) -> Option<String> {
        let number = assumable(principal)?;
        self.roles.as_ref()?.get(&number)?;
        Some(format!("role:{}", role_name(number)))
    }

    /// What the file asks for.
    ///
    /// # Panics
    /// Where the file cannot be read: these files are made to be right.
    pub fn config(&self) -> ClusterConfig {
        let text = self.text();
        let input = InputFile {
            name: "cluster.yaml",
            bytes: text.as_bytes(),
        };
        let loaded =
            config::load_all(&[input]).unwrap_or_else(|diagnostics| panic!("{diagnostics:#?}\n{text}"));
        loaded.config
    }
}

impl Entry {
    fn lines(&self, number: usize, by_name: Option<&str>) -> String {
        let arn = principal(number);
        let mut lines = format!("principalARN: {}", by_name.unwrap_or(&arn));
        if !self.groups.is_empty() {
            write!(lines, "\nkubernetesGroups: {}", group_names(&self.groups)).unwrap();
        }
        if self.named {
            write!(lines, "\nkubernetesUsername: {}", name_of(&arn)).unwrap();
        }
        if !self.policies.is_empty() {
            lines.push_str("\naccessPolicies:");
        }
        for (policy, whole) in &self.policies {
            let scope = if *whole {
                "type: cluster"
            } else {
                "type: namespace, namespaces: [app]"
            };
            let policy = POLICIES[policy % POLICIES.len()];
            write!(
                lines,
                "\n- {{policyARN: 'arn:aws:eks::aws:cluster-access-policy/{policy}', accessScope: {{{scope}}}}}"
            )
            .unwrap();
        }
        lines
    }
}

impl Binding {
    fn text(&self) -> String {
        let (role, whole) = match self {
            Self::Existing(role, whole) => (format!("clusterRole: {}", ["view", "edit"][role % 2]), whole),
            Self::Own(verbs, whole) => {
                let verbs = list(verbs.iter().map(|verb| VERBS[verb % VERBS.len()]));
                (
                    format!("rules: [{{apiGroups: [''], resources: [pods], verbs: {verbs}}}]"),
                    whole,
                )
            }
        };
        let place = if *whole { "" } else { ", namespaces: [default]" };
        format!("{{{role}{place}}}")
    }
}

impl Association {
    fn lines(&self, place: (usize, usize), own_policies: &BTreeSet<usize>) -> String {
        let key = key(place);
        let head = format!("namespace: {}\nserviceAccountName: {}", key.namespace, key.name);
        match self {
            Self::Own(policies) => {
                let policies: BTreeSet<String> = policies
                    .iter()
                    .map(|policy| match policy.checked_sub(3) {
                        Some(own) if own_policies.contains(&own) => format!("'policy:{}'", policy_name(own)),
                        _ => format!(
                            "'arn:aws:iam::aws:policy/{}'",
                            service_accounts::POLICIES[policy % 3]
                        ),
                    })
                    .collect();
                format!("{head}\npermissionPolicyARNs: {}", list(policies.iter()))
            }
            Self::Given(role, tagless) => {
                let role = ROLES[role % ROLES.len()];
                format!(
                    "{head}\nroleARN: arn:aws:iam::111122223333:role/{role}\ndisableSessionTags: {tagless}"
                )
            }
        }
    }
}

/// A section of items, each given by its lines without its dash.
fn items(text: &mut String, indent: &str, name: &str, items: &[String]) {
    if items.is_empty() {
        writeln!(text, "{indent}{name}: []").unwrap();
        return;
    }
    writeln!(text, "{indent}{name}:").unwrap();
    for item in items {
        for (number, line) in item.lines().enumerate() {
            let dash = if number == 0 { "- " } else { "  " };
            writeln!(text, "{indent}{dash}{line}").unwrap();
        }
    }
}
