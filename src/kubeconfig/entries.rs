//! The three entries that one run writes, and how they are compared with what is in the file: pure, from values to
//! edits. What its user has added to an entry stays.

use super::{
    exec_entry::{ExecEntry, ExecTool, FoundExec, SignIn},
    naming::{Names, user_candidates},
    value::{Edit, Section, Value},
};

/// What the file shall say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The names, as far as they are chosen.
    pub names: Names,
    /// URL of the cluster's API.
    pub server: String,
    /// Its certificate authority, base64 of PEM; none leaves what is there.
    pub certificate_authority_data: Option<String>,
    /// `proxy-url`: none leaves what is there, an empty one removes it.
    pub proxy_url: Option<String>,
    /// The context's `namespace`: none leaves what is there, an empty one removes it.
    pub namespace: Option<String>,
    /// As whom kubectl signs in.
    pub sign_in: SignIn,
    /// How.
    pub exec: ExecEntry,
    /// Whether the context becomes the current one.
    pub set_current: bool,
    /// Whether entries of the wanted names are replaced even if they are somebody else's.
    pub force: bool,
}

/// A named entry of a file, with its place for messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its name; none where the file has none.
    pub name: Option<String>,
    /// What stands beside the name.
    pub body: Value,
    /// Where it begins, from 1.
    pub line: usize,
    /// Where it begins, from 1.
    pub column: usize,
}

/// What a file holds, as far as it matters here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entries {
    /// `clusters`.
    pub clusters: Vec<Entry>,
    /// `contexts`.
    pub contexts: Vec<Entry>,
    /// `users`.
    pub users: Vec<Entry>,
    /// `current-context`.
    pub current_context: Option<String>,
}

/// A context of the wanted name is another cluster's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the context {context} is there already, for the cluster {cluster}")]
pub struct ContextTaken {
    /// Its name.
    pub context: String,
    /// The entry of the cluster that it is for.
    pub cluster: String,
}

/// What is to be done to a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Merge {
    /// In the order of the file's sections.
    pub edits: Vec<Edit>,
    /// The cluster's entry before, and as it is to be.
    pub cluster: Compared,
    /// The user's.
    pub user: Compared,
    /// The context's.
    pub context: Compared,
    /// Another user that has the wanted name, and differs in role or profile.
    pub displaced_by: Option<String>,
    /// The cluster's entry turns the check of certificates off, so that none was written: kubectl takes only one of both.
    pub is_insecure: bool,
}

/// One entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compared {
    /// Its name.
    pub name: String,
    /// What is there; none where there is none.
    pub before: Option<Value>,
    /// What will be there.
    pub after: Value,
}

impl Compared {
    /// Whether anything is different.
    pub fn differs(&self) -> bool {
        self.before.as_ref() != Some(&self.after)
    }
}

impl Entries {
    /// The entries of a section.
    pub fn of(&self, section: Section) -> &[Entry] {
        match section {
            Section::Clusters => &self.clusters,
            Section::Contexts => &self.contexts,
            Section::Users => &self.users,
        }
    }

    /// The entry of this name, with its index.
    pub fn find(&self, section: Section, name: &str) -> Option<(usize, &Entry)> {
        self.of(section)
            .iter()
            .enumerate()
            .find(|(_, entry)| entry.name.as_deref() == Some(name))
    }
}

/// The `exec` entry of a user's body.
pub fn exec_of(user: &Value) -> Option<FoundExec> {
    let exec = user.get("exec")?;
    Some(FoundExec {
        command: exec.text_at(&["command"]).unwrap_or_default().to_owned(),
        arguments: exec
            .get("args")
            .map(Value::items)
            .unwrap_or_default()
            .iter()
            .filter_map(Value::as_text)
            .map(str::to_owned)
            .collect(),
        environment: exec
            .get("env")
            .map(Value::items)
            .unwrap_or_default()
            .iter()
            .filter_map(|item| {
                Some((
                    item.text_at(&["name"])?.to_owned(),
                    item.text_at(&["value"]).unwrap_or_default().to_owned(),
                ))
            })
            .collect(),
    })
}

/// Keys of a user's body that client-go looks at before it runs an exec entry, or instead (`AuthInfo` in
/// `tools/clientcmd/api/v1/types.go`).
const OTHER_CREDENTIALS: [&str; 9] = [
    "token",
    "tokenFile",
    "username",
    "password",
    "client-certificate",
    "client-certificate-data",
    "client-key",
    "client-key-data",
    "auth-provider",
];

/// As whom a user's body signs in; none where that cannot be told, or where it is not an exec entry that decides.
pub fn sign_in_of(user: &Value) -> Option<SignIn> {
    if OTHER_CREDENTIALS.iter().any(|key| user.get(key).is_some()) {
        return None;
    }
    exec_of(user)?.sign_in()
}

/// What leads from the file to what is wanted.
pub fn merge(file: &Entries, wanted: &Wanted) -> Result<Merge, ContextTaken> {
    let mut edits = Vec::new();
    let (user_name, displaced_by) = choose_user(file, wanted);
    let context_name = wanted
        .names
        .context
        .clone()
        .unwrap_or_else(|| user_name.clone());
    if let Some((_, context)) = file.find(Section::Contexts, &context_name)
        && let Some(cluster) = context.body.text_at(&["cluster"])
        && cluster != wanted.names.cluster
        && !wanted.force
    {
        return Err(ContextTaken {
            context: context_name,
            cluster: cluster.to_owned(),
        });
    }
    let mut cluster = Body::of(file, Section::Clusters, &wanted.names.cluster);
    let is_insecure = cluster.value.text_at(&["insecure-skip-tls-verify"]) == Some("true");
    write_cluster(&mut cluster, wanted, is_insecure);
    let mut context = Body::of(file, Section::Contexts, &context_name);
    context.set(&["cluster"], Value::text(&wanted.names.cluster));
    context.set(&["user"], Value::text(&user_name));
    context.set_or_remove("namespace", wanted.namespace.as_deref());
    let mut user = Body::of(file, Section::Users, &user_name);
    write_user(&mut user, wanted);
    let compared = [
        cluster.finish(&mut edits),
        context.finish(&mut edits),
        user.finish(&mut edits),
    ];
    if wanted.set_current && file.current_context.as_deref() != Some(&context_name) {
        edits.push(Edit::SetCurrentContext(context_name));
    }
    let [cluster, context, user] = compared;
    Ok(Merge {
        edits,
        cluster,
        user,
        context,
        displaced_by,
        is_insecure,
    })
}

/// The name that the user gets, and the other one that has the wanted name, if that is why it gets another.
fn choose_user(file: &Entries, wanted: &Wanted) -> (String, Option<String>) {
    let name = &wanted.names.user;
    let is_ours = |name: &str| {
        file.find(Section::Users, name)
            .is_some_and(|(_, entry)| sign_in_of(&entry.body).is_some_and(|found| found.is_as(&wanted.sign_in)))
    };
    if wanted.force || is_ours(name) {
        return (name.clone(), None);
    }
    // Run again, it shall find what the first run made: one that is there goes before a better name that has come free.
    let existing = user_candidates(name, &wanted.sign_in)
        .take(file.users.len() + 4)
        .find(|candidate| is_ours(candidate));
    let chosen = existing.or_else(|| {
        user_candidates(name, &wanted.sign_in).find(|candidate| file.find(Section::Users, candidate).is_none())
    });
    let chosen = chosen.unwrap_or_else(|| name.clone());
    let displaced_by = file
        .find(Section::Users, name)
        .filter(|_| chosen != *name)
        .map(|_| name.clone());
    (chosen, displaced_by)
}

fn write_cluster(cluster: &mut Body, wanted: &Wanted, is_insecure: bool) {
    if let Some(data) = &wanted.certificate_authority_data
        && !is_insecure
    {
        cluster.set(&["certificate-authority-data"], Value::text(data));
    }
    cluster.set(&["server"], Value::text(&wanted.server));
    cluster.set_or_remove("proxy-url", wanted.proxy_url.as_deref());
}

fn write_user(user: &mut Body, wanted: &Wanted) {
    let exec = &wanted.exec;
    let found = exec_of(&user.value);
    let was_same = sign_in_of(&user.value).is_some_and(|found| found.is_as(&wanted.sign_in));
    if user.index.is_some() && !was_same {
        // Replaced on demand: what signed somebody else in goes, or it would win over the entry.
        for key in OTHER_CREDENTIALS {
            user.unset(&[key]);
        }
        if found.is_some() {
            user.set(&["exec"], new_exec(exec));
            return;
        }
    }
    let Some(found) = found else {
        user.set(&["exec"], new_exec(exec));
        return;
    };
    user.set(&["exec", "apiVersion"], Value::text(exec.api_version.as_str()));
    user.set(&["exec", "command"], Value::text(&exec.command));
    user.set(&["exec", "args"], Value::texts(&exec.arguments_over(Some(&found))));
    write_environment(user, exec, &found);
    let is_new_tool = ExecTool::of_command(&found.command) != Some(exec.tool);
    if is_new_tool || user.value.at(&["exec", "installHint"]).is_none() {
        user.set(&["exec", "installHint"], Value::text(&exec.install_hint));
    }
    if let Some(mode) = exec.interactive_mode()
        && user.value.at(&["exec", "interactiveMode"]).is_none()
    {
        user.set(&["exec", "interactiveMode"], Value::text(mode));
    }
}

/// `env` is set as a whole, and only where the tools differ or need it: eksact itself writes nothing there.
fn write_environment(user: &mut Body, exec: &ExecEntry, found: &FoundExec) {
    let to_remove = exec.environment_to_remove(found);
    let before = user
        .value
        .at(&["exec", "env"])
        .map(Value::items)
        .unwrap_or_default();
    let mut after: Vec<Value> = Vec::new();
    for item in before {
        let name = item.text_at(&["name"]).unwrap_or_default();
        match exec.environment.get(name) {
            Some(value) if item.text_at(&["value"]) != Some(value) => {
                after.push(environment_variable(name, value));
            }
            _ if to_remove.iter().any(|gone| gone == name) => {}
            _ => after.push(item.clone()),
        }
    }
    let added: Vec<Value> = exec
        .environment
        .iter()
        .filter(|(name, _)| !before.iter().any(|item| item.text_at(&["name"]) == Some(name)))
        .map(|(name, value)| environment_variable(name, value))
        .collect();
    after.extend(added);
    if after.is_empty() {
        if !before.is_empty() {
            user.unset(&["exec", "env"]);
        }
    } else {
        user.set(&["exec", "env"], Value::List(after));
    }
}

fn new_exec(exec: &ExecEntry) -> Value {
    let mut entries = vec![
        ("apiVersion", Value::text(exec.api_version.as_str())),
        ("args", Value::texts(&exec.arguments)),
        ("command", Value::text(&exec.command)),
    ];
    if !exec.environment.is_empty() {
        let variables = exec
            .environment
            .iter()
            .map(|(name, value)| environment_variable(name, value));
        entries.push(("env", Value::List(variables.collect())));
    }
    entries.push(("installHint", Value::text(&exec.install_hint)));
    if let Some(mode) = exec.interactive_mode() {
        entries.push(("interactiveMode", Value::text(mode)));
    }
    // What client-go takes it for when it is missing; kubectl writes it out whenever it touches the file.
    entries.push(("provideClusterInfo", Value::Other("false".to_owned())));
    Value::map(entries)
}

fn environment_variable(name: &str, value: &str) -> Value {
    Value::map([("name", Value::text(name)), ("value", Value::text(value))])
}

/// The body of one entry, while it is compared and changed.
struct Body {
    section: Section,
    name: String,
    index: Option<usize>,
    before: Option<Value>,
    value: Value,
    edits: Vec<Edit>,
}

impl Body {
    fn of(file: &Entries, section: Section, name: &str) -> Self {
        let found = file.find(section, name);
        let before = found.map(|(_, entry)| entry.body.clone());
        Self {
            section,
            name: name.to_owned(),
            index: found.map(|(index, _)| index),
            value: before.clone().unwrap_or(Value::Null),
            before,
            edits: Vec::new(),
        }
    }

    /// Sets what is at `path`, unless it is so already; mappings that are missing on the way are made.
    fn set(&mut self, path: &[&'static str], value: Value) {
        if self.value.at(path) == Some(&value) {
            return;
        }
        // The deepest mapping that is there takes the rest of the way as its new value.
        let depth = (0..path.len())
            .rev()
            .find(|depth| matches!(self.value.at(path.get(..*depth).unwrap_or_default()), Some(Value::Map(_))));
        let there = depth.map_or(0, |depth| depth + 1);
        let rest = path.get(there..).unwrap_or_default();
        let value = rest
            .iter()
            .rev()
            .fold(value, |value, key| Value::map([(*key, value)]));
        let head = path.get(..there).unwrap_or_default();
        self.value.put(head, value.clone());
        self.record(head, Some(value));
    }

    /// Sets a key of the body, or removes it for an empty text; none leaves it.
    fn set_or_remove(&mut self, key: &'static str, text: Option<&str>) {
        match text {
            None => {}
            Some("") => self.unset(&[key]),
            Some(text) => self.set(&[key], Value::text(text)),
        }
    }

    fn unset(&mut self, path: &[&'static str]) {
        if self.value.at(path).is_some() {
            self.value.cut(path);
            self.record(path, None);
        }
    }

    fn record(&mut self, path: &[&'static str], value: Option<Value>) {
        let Some(index) = self.index else { return };
        let section = self.section;
        let path: Vec<&'static str> = std::iter::once(section.entry_key())
            .chain(path.iter().copied())
            .collect();
        self.edits.push(match value {
            Some(value) => Edit::Set { section, index, path, value },
            None => Edit::Unset { section, index, path },
        });
    }

    /// Gives the edits, and both sides of the comparison.
    fn finish(self, edits: &mut Vec<Edit>) -> Compared {
        if self.index.is_none() {
            edits.push(Edit::Append {
                section: self.section,
                entry: new_entry(self.section, &self.name, self.value.clone()),
            });
        }
        edits.extend(self.edits);
        Compared {
            name: self.name,
            before: self.before,
            after: self.value,
        }
    }
}

/// A new entry in the order that kubectl writes: for users the name comes first, as `name` sorts before `user`.
fn new_entry(section: Section, name: &str, body: Value) -> Value {
    let name = ("name", Value::text(name));
    let body = (section.entry_key(), body);
    match section {
        Section::Users => Value::map([name, body]),
        Section::Clusters | Section::Contexts => Value::map([body, name]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kubeconfig::{
        exec_entry::{ExecApiVersion, ExecTool},
        naming::NamingStyle,
    };

    const ARN: &str = "arn:aws:eks:us-west-2:111122223333:cluster/bench";
    const ROLE: &str = "arn:aws:iam::111122223333:role/deployer";

    fn wanted(role: Option<&str>, profile: Option<&str>, alias: Option<&str>) -> Wanted {
        let sign_in = SignIn {
            cluster: "bench".to_owned(),
            region: Some("us-west-2".to_owned()),
            role_arn: role.map(str::to_owned),
            profile: profile.map(str::to_owned),
        };
        Wanted {
            names: Names::new(&NamingStyle::ClusterArn, ARN, &sign_in, alias, None),
            server: "https://bench.example".to_owned(),
            certificate_authority_data: Some("Q0EK".to_owned()),
            proxy_url: None,
            namespace: None,
            exec: ExecEntry::new(ExecTool::Eksact, "/bin/eksact".to_owned(), &sign_in, ExecApiVersion::V1),
            sign_in,
            set_current: true,
            force: false,
        }
    }

    fn entry(name: &str, body: Value) -> Entry {
        Entry {
            name: Some(name.to_owned()),
            body,
            line: 1,
            column: 1,
        }
    }

    fn texts<const N: usize>(pairs: [(&str, &str); N]) -> Value {
        Value::map(pairs.map(|(key, value)| (key, Value::text(value))))
    }

    /// What a run leaves behind, as the next one finds it.
    fn after(file: &Entries, merge: &Merge) -> Entries {
        let mut file = file.clone();
        for (section, compared) in [
            (Section::Clusters, &merge.cluster),
            (Section::Contexts, &merge.context),
            (Section::Users, &merge.user),
        ] {
            let found = file.find(section, &compared.name).map(|(index, _)| index);
            let list = match section {
                Section::Clusters => &mut file.clusters,
                Section::Contexts => &mut file.contexts,
                Section::Users => &mut file.users,
            };
            let new = entry(&compared.name, compared.after.clone());
            match found {
                Some(index) => list[index] = new,
                None => list.push(new),
            }
        }
        file.current_context = Some(merge.context.name.clone());
        file
    }

    fn aws_cli_user(role: Option<&str>, profile: Option<&str>) -> Value {
        let mut arguments: Vec<String> =
            "--region us-west-2 eks get-token --cluster-name bench --output json".split(' ').map(str::to_owned).collect();
        if let Some(role) = role {
            arguments.extend(["--role".to_owned(), role.to_owned()]);
        }
        let mut exec = vec![
            ("apiVersion", Value::text("client.authentication.k8s.io/v1beta1")),
            ("args", Value::texts(&arguments)),
            ("command", Value::text("aws")),
        ];
        if let Some(profile) = profile {
            exec.push(("env", Value::List(vec![texts([("name", "AWS_PROFILE"), ("value", profile)])])));
        }
        Value::map([("exec", Value::map(exec))])
    }

    #[test]
    fn a_second_run_has_nothing_to_do() {
        for wanted in [wanted(None, None, None), wanted(Some(ROLE), Some("dev"), Some("prod"))] {
            let first = merge(&Entries::default(), &wanted).unwrap();
            assert_eq!(first.edits.len(), 4);
            let again = merge(&after(&Entries::default(), &first), &wanted).unwrap();
            assert_eq!(again.edits, []);
            assert_eq!(again.displaced_by, None);
        }
    }

    #[test]
    fn two_roles_make_two_users_and_leave_the_first_context_alone() {
        let first = merge(&Entries::default(), &wanted(None, None, None)).unwrap();
        let file = after(&Entries::default(), &first);
        let second = wanted(Some(ROLE), None, Some("second"));
        let merged = merge(&file, &second).unwrap();
        assert_eq!(merged.user.name, format!("{ARN}@deployer"));
        assert_eq!(merged.displaced_by.as_deref(), Some(ARN));
        assert_eq!(merged.context.after.text_at(&["user"]), Some(merged.user.name.as_str()));
        let file = after(&file, &merged);
        assert_eq!(file.users[0].body, first.user.after);
        assert_eq!(file.contexts[0].body, first.context.after);
        assert_eq!(merge(&file, &second).unwrap().edits, [], "run again, it finds its own");
        // On demand the one user is replaced, as the AWS CLI would.
        let forced = merge(&file, &Wanted { force: true, ..second }).unwrap();
        assert_eq!(forced.user.name, ARN);
        assert_eq!(sign_in_of(&forced.user.after), Some(wanted(Some(ROLE), None, None).sign_in));
    }

    #[test]
    fn the_aws_clis_user_is_taken_over_only_for_the_same_role_and_profile() {
        let mut user = aws_cli_user(Some(ROLE), Some("dev"));
        user.put(&["exec", "env"], Value::List(vec![
            texts([("name", "AWS_PROFILE"), ("value", "dev")]),
            texts([("name", "HTTPS_PROXY"), ("value", "http://proxy")]),
        ]));
        let file = Entries { users: vec![entry(ARN, user)], ..Entries::default() };
        let taken = merge(&file, &wanted(Some(ROLE), Some("dev"), None)).unwrap();
        assert_eq!(taken.user.name, ARN);
        let exec = exec_of(&taken.user.after).unwrap();
        assert_eq!(exec.command, "/bin/eksact");
        assert_eq!(exec.environment, [("HTTPS_PROXY".to_owned(), "http://proxy".to_owned())]);
        assert_eq!(taken.user.after.text_at(&["exec", "apiVersion"]), Some("client.authentication.k8s.io/v1"));
        for (role, profile) in [(None, Some("dev")), (Some(ROLE), None), (Some(ROLE), Some("prod"))] {
            let merged = merge(&file, &wanted(role, profile, None)).unwrap();
            assert_ne!(merged.user.name, ARN, "{role:?} {profile:?}");
        }
    }

    #[test]
    fn a_user_with_other_credentials_is_nobodys_to_take() {
        let mut user = aws_cli_user(None, None);
        user.put(&["token"], Value::text("static"));
        let file = Entries { users: vec![entry(ARN, user)], ..Entries::default() };
        let mut wanted = wanted(None, None, None);
        assert_eq!(merge(&file, &wanted).unwrap().user.name, format!("{ARN}-2"));
        wanted.force = true;
        let forced = merge(&file, &wanted).unwrap();
        assert_eq!(forced.user.after.get("token"), None);
        assert_eq!(sign_in_of(&forced.user.after), Some(wanted.sign_in));
    }

    #[test]
    fn what_the_user_added_stays() {
        let wanted = wanted(None, None, None);
        let first = merge(&Entries::default(), &wanted).unwrap();
        let mut file = after(&Entries::default(), &first);
        file.clusters[0].body.put(&["tls-server-name"], Value::text("kubernetes"));
        file.clusters[0].body.put(&["proxy-url"], Value::text("http://proxy"));
        file.contexts[0].body.put(&["namespace"], Value::text("app"));
        file.users[0].body.put(&["exec", "interactiveMode"], Value::text("Never"));
        file.users[0].body.put(&["exec", "env"], Value::List(vec![texts([("name", "A"), ("value", "b")])]));
        assert_eq!(merge(&file, &wanted).unwrap().edits, []);
        let other = Wanted {
            server: "https://new".to_owned(),
            namespace: Some(String::new()),
            ..wanted
        };
        assert_eq!(merge(&file, &other).unwrap().edits, [
            Edit::Set {
                section: Section::Clusters,
                index: 0,
                path: vec!["cluster", "server"],
                value: Value::text("https://new"),
            },
            Edit::Unset {
                section: Section::Contexts,
                index: 0,
                path: vec!["context", "namespace"],
            },
        ]);
    }

    #[test]
    fn an_alias_of_another_cluster_is_not_taken() {
        let file = Entries {
            contexts: vec![entry("prod", texts([("cluster", "minikube"), ("user", "minikube")]))],
            ..Entries::default()
        };
        let mut wanted = wanted(None, None, Some("prod"));
        assert_eq!(
            merge(&file, &wanted).unwrap_err().to_string(),
            "the context prod is there already, for the cluster minikube"
        );
        wanted.force = true;
        assert_eq!(merge(&file, &wanted).unwrap().context.after.text_at(&["cluster"]), Some(ARN));
    }

    #[test]
    fn entries_without_a_body_are_filled() {
        let file = Entries {
            clusters: vec![entry(ARN, Value::Null)],
            users: vec![entry(ARN, Value::map([("exec", Value::Null)]))],
            ..Entries::default()
        };
        let mut wanted = wanted(None, None, None);
        wanted.force = true;
        let merged = merge(&file, &wanted).unwrap();
        assert!(matches!(&merged.edits[0], Edit::Set { path, .. } if *path == ["cluster"]));
        assert_eq!(merged.cluster.after.text_at(&["server"]), Some("https://bench.example"));
        assert!(merged.edits.iter().any(|edit| matches!(edit, Edit::Set { path, .. } if *path == ["user", "exec"])));
    }
}
