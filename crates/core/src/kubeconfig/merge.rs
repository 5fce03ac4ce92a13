//! The three entries that one run writes, and how they are compared with what is in the file: pure, from values to
//! edits. What its user has added to an entry stays.

use super::{
    changes::without_password,
    entries::{Entries, OTHER_CREDENTIALS, exec_of, sign_in_of},
    exec_entry::{ExecEntry, SignIn},
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

/// An entry of the wanted name is somebody else's, and is not taken from them unasked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Taken {
    /// The context is for another cluster.
    #[error("the context {context} already exists, for the cluster {cluster}")]
    ContextOfCluster {
        /// Its name.
        context: String,
        /// The entry of the cluster that it is for.
        cluster: String,
    },
    /// The context is for this cluster, and its user does not sign in as is wanted.
    #[error("the context {context} already exists, and its user {user} signs in differently")]
    ContextOfUser {
        /// Its name.
        context: String,
        /// Its user.
        user: String,
    },
    /// The entry of the cluster leads to another API, perhaps that of another account's cluster.
    #[error("the cluster {entry} already exists, and is a different one: its server is {server}")]
    Cluster {
        /// Its name.
        entry: String,
        /// Its URL, without a password.
        server: String,
    },
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
    /// Other contexts that use a user who signs in otherwise and is replaced.
    pub replaced_under: Vec<String>,
    /// Other contexts whose user ran another program for the same sign-in, and runs this one now.
    pub taken_over: Vec<String>,
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

/// What leads from the file to what is wanted.
pub fn merge(file: &Entries, wanted: &Wanted) -> Result<Merge, Taken> {
    let mut edits = Vec::new();
    let (user_name, displaced_by) = choose_user(file, wanted);
    let context_name = wanted.names.context.clone().unwrap_or_else(|| user_name.clone());
    if !wanted.force {
        refuse_taken(file, wanted, &context_name, &user_name)?;
    }
    let mut cluster = Body::of(file, Section::Clusters, &wanted.names.cluster);
    let is_insecure = cluster
        .value
        .get("insecure-skip-tls-verify")
        .is_some_and(Value::is_true);
    write_cluster(&mut cluster, wanted, is_insecure);
    let mut context = Body::of(file, Section::Contexts, &context_name);
    context.set(&["cluster"], Value::text(&wanted.names.cluster));
    context.set(&["user"], Value::text(&user_name));
    context.set_or_remove("namespace", wanted.namespace.as_deref());
    let mut user = Body::of(file, Section::Users, &user_name);
    let is_replaced = user.index.is_some() && !signs_in_so(file, &user_name, wanted);
    let is_taken_over =
        !is_replaced && exec_of(&user.value).is_some_and(|found| found.tool() != Some(wanted.exec.tool));
    let others: Vec<String> = other_contexts(file, &user_name, &context_name)
        .map(str::to_owned)
        .collect();
    let (replaced_under, taken_over) = match (is_replaced, is_taken_over) {
        (true, _) => (others, Vec::new()),
        (false, true) => (Vec::new(), others),
        (false, false) => (Vec::new(), Vec::new()),
    };
    write_user(&mut user, &wanted.exec, is_replaced);
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
        replaced_under,
        taken_over,
        is_insecure,
    })
}

fn refuse_taken(file: &Entries, wanted: &Wanted, context: &str, user: &str) -> Result<(), Taken> {
    let names = &wanted.names;
    if let Some((_, entry)) = file.find(Section::Contexts, context) {
        if let Some(cluster) = entry.body.text_at(&["cluster"])
            && cluster != names.cluster
        {
            return Err(Taken::ContextOfCluster {
                context: context.to_owned(),
                cluster: cluster.to_owned(),
            });
        }
        if let Some(there) = entry.body.text_at(&["user"])
            && there != user
            && file.find(Section::Users, there).is_some()
            && !signs_in_so(file, there, wanted)
        {
            return Err(Taken::ContextOfUser {
                context: context.to_owned(),
                user: there.to_owned(),
            });
        }
    }
    if names.is_cluster_ambiguous
        && let Some((_, entry)) = file.find(Section::Clusters, &names.cluster)
        && let Some(server) = entry.body.text_at(&["server"])
        && server != wanted.server
    {
        return Err(Taken::Cluster {
            entry: names.cluster.clone(),
            server: without_password(server),
        });
    }
    Ok(())
}

/// Whether the user of this name is there and signs in as is wanted.
fn signs_in_so(file: &Entries, user: &str, wanted: &Wanted) -> bool {
    file.find(Section::Users, user)
        .is_some_and(|(_, entry)| sign_in_of(&entry.body).is_some_and(|found| found.is_as(&wanted.sign_in)))
}

/// The contexts but this one that use a user.
fn other_contexts<'e>(file: &'e Entries, user: &str, context: &str) -> impl Iterator<Item = &'e str> {
    file.contexts
        .iter()
        .filter(move |entry| entry.body.text_at(&["user"]) == Some(user))
        .filter_map(|entry| entry.name.as_deref())
        .filter(move |name| *name != context)
}

/// The name that the user gets, and the other one that has the wanted name, if that is why it gets another.
fn choose_user(file: &Entries, wanted: &Wanted) -> (String, Option<String>) {
    let name = &wanted.names.user;
    let alias = wanted.names.context.as_deref();
    let is_ours = |name: &str| signs_in_so(file, name, wanted);
    // Under an alias the user's name was not asked for, and another does as well.
    let is_asked_for = wanted.names.is_user_given || alias.is_none();
    if is_ours(name) || wanted.force && is_asked_for {
        return (name.clone(), None);
    }
    // Run again, it shall find what the first run made: one that is there goes before a better name that has come free.
    let existing = user_candidates(name, &wanted.sign_in)
        .take(file.users.len() + 4)
        .find(|candidate| is_ours(candidate));
    let is_nobody_elses = || other_contexts(file, name, alias.unwrap_or(name)).next().is_none();
    if existing.is_none() && wanted.force && is_nobody_elses() {
        return (name.clone(), None);
    }
    let chosen = existing.or_else(|| {
        user_candidates(name, &wanted.sign_in)
            .find(|candidate| file.find(Section::Users, candidate).is_none())
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
        // kubectl refuses a cluster that has both.
        cluster.unset(&["certificate-authority"]);
    }
    cluster.set(&["server"], Value::text(&wanted.server));
    cluster.set_or_remove("proxy-url", wanted.proxy_url.as_deref());
}

/// Writes how the user signs in. One who signed in otherwise `is_replaced`: of that nothing may stay, but all else does.
fn write_user(user: &mut Body, exec: &ExecEntry, is_replaced: bool) {
    if is_replaced {
        // Each of these would win over the entry.
        for key in OTHER_CREDENTIALS {
            user.unset(&[key]);
        }
    }
    let found = exec_of(&user.value);
    // What else stands in the entry of a program that is not known is that program's.
    let Some(found) = found.filter(|found| !is_replaced || found.tool().is_some()) else {
        user.set(&["exec"], new_exec(exec));
        return;
    };
    let (arguments, to_remove) = if is_replaced {
        (exec.arguments.clone(), exec.sign_in_variables(&found))
    } else {
        (
            exec.arguments_over(Some(&found)),
            exec.environment_to_remove(&found),
        )
    };
    user.set(&["exec", "apiVersion"], Value::text(exec.api_version.as_str()));
    user.set(&["exec", "command"], Value::text(&exec.command));
    user.set(&["exec", "args"], Value::texts(&arguments));
    write_environment(user, exec, &to_remove);
    let is_new_tool = found.tool() != Some(exec.tool);
    if is_new_tool || user.value.at(&["exec", "installHint"]).is_none() {
        user.set(&["exec", "installHint"], Value::text(&exec.install_hint));
    }
    if let Some(mode) = exec.interactive_mode()
        && user.value.at(&["exec", "interactiveMode"]).is_none()
    {
        user.set(&["exec", "interactiveMode"], Value::text(mode));
    }
}

/// Writes the variables that the tool needs, and takes away what another tool wrote for itself. All others stay.
fn write_environment(user: &mut Body, exec: &ExecEntry, to_remove: &[String]) {
    const PATH: [&str; 2] = ["exec", "env"];
    let items: Vec<Value> = user
        .value
        .at(&PATH)
        .map(Value::items)
        .unwrap_or_default()
        .to_vec();
    let (mut kept, mut gone) = (Vec::new(), Vec::new());
    for (index, item) in items.iter().enumerate() {
        let name = item.text_at(&["name"]).unwrap_or_default();
        let is_wrong = exec
            .environment
            .get(name)
            .is_some_and(|wanted| item.text_at(&["value"]) != Some(wanted));
        if is_wrong || to_remove.iter().any(|removed| removed == name) {
            gone.push(index);
        } else {
            kept.push(item.clone());
        }
    }
    let added: Vec<Value> = exec
        .environment
        .iter()
        .filter(|(name, _)| kept.iter().all(|item| item.text_at(&["name"]) != Some(name)))
        .map(|(name, value)| environment_variable(name, value))
        .collect();
    if kept.is_empty() {
        match (items.is_empty(), added.is_empty()) {
            (true, true) => {}
            (false, true) => user.unset(&PATH),
            (_, false) => user.set(&PATH, Value::List(added)),
        }
        return;
    }
    // One by one, so that what stays stays as it is written.
    for item in gone.into_iter().rev() {
        user.note(&PATH, |section, index, path| Edit::RemoveItem {
            section,
            index,
            path,
            item,
        });
    }
    for value in &added {
        let value = value.clone();
        user.note(&PATH, |section, index, path| Edit::AppendItem {
            section,
            index,
            path,
            value,
        });
    }
    kept.extend(added);
    user.value.put(&PATH, Value::List(kept));
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
        let depth = (0..path.len()).rev().find(|depth| {
            matches!(
                self.value.at(path.get(..*depth).unwrap_or_default()),
                Some(Value::Map(_))
            )
        });
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
        self.note(path, |section, index, path| match value {
            Some(value) => Edit::Set {
                section,
                index,
                path,
                value,
            },
            None => Edit::Unset { section, index, path },
        });
    }

    /// Notes an edit of what is at `path`; an entry that is not there yet needs none.
    fn note(&mut self, path: &[&'static str], edit: impl FnOnce(Section, usize, Vec<&'static str>) -> Edit) {
        let Some(index) = self.index else { return };
        let path = std::iter::once(self.section.entry_key())
            .chain(path.iter().copied())
            .collect();
        self.edits.push(edit(self.section, index, path));
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
pub(super) mod tests;
