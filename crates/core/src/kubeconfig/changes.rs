//! What people see of a change to a kubeconfig: the engine's plan, one change per entry. Nothing secret is in it: of
//! credentials only that they differ is told.

use std::collections::{BTreeMap, BTreeSet};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::{
    entries::{Entries, exec_of},
    merge::{Compared, Merge},
    profile_change::ProfileChange,
    removal::Removal,
    value::{Section, Value},
};
use crate::{
    config::SourceLocation,
    engine::{
        Action, Address, AttributeChange, Change, DraftError, Effect, Finding, Plan, PlanDraft, Reason,
        plan::fingerprint,
    },
};

/// What a plan is for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Target {
    /// The file, as the user named it.
    pub file: String,
    /// `cluster`, `account`, `region`, as far as they are known.
    pub cluster: BTreeMap<&'static str, String>,
}

/// The plan of a merge, and of the AWS profile that is written with it.
pub fn plan_of_merge(
    target: &Target,
    file: &Entries,
    merge: &Merge,
    sets_current: bool,
    profile: Option<&ProfileChange>,
    findings: Vec<Finding>,
) -> Result<Plan, DraftError> {
    let mut draft = begin(target, findings);
    if let Some(profile) = profile {
        profile.add_to(&mut draft);
    }
    for (section, compared) in [
        (Section::Clusters, &merge.cluster),
        (Section::Contexts, &merge.context),
        (Section::Users, &merge.user),
    ] {
        if compared.differs() {
            draft.add_change(change_of(target, file, section, compared));
        } else {
            draft.add_unchanged(address(section, &compared.name));
        }
    }
    if sets_current {
        let current = file.current_context.as_deref();
        if current == Some(&merge.context.name) {
            draft.add_unchanged(current_context());
        } else {
            draft.add_change(current_change(current, Some(&merge.context.name)));
        }
    }
    draft.finish(env!("CARGO_PKG_VERSION"))
}

/// The plan of a removal.
pub fn plan_of_removal(
    target: &Target,
    file: &Entries,
    removal: &Removal,
    findings: Vec<Finding>,
) -> Result<Plan, DraftError> {
    let mut draft = begin(target, findings);
    for (section, name, body) in &removal.removed {
        draft.add_change(change(
            address(*section, name),
            Action::Delete,
            Reason::new("not-wanted", "its removal was requested"),
            place(target, file, *section, name),
            attributes(Some(body), None),
        ));
    }
    if let Some(current) = &removal.cleared {
        draft.add_change(current_change(Some(current), None));
    }
    draft.finish(env!("CARGO_PKG_VERSION"))
}

fn begin(target: &Target, findings: Vec<Finding>) -> PlanDraft {
    let mut draft = PlanDraft::default();
    draft.set_target("kubeconfig", &target.file);
    for (name, value) in &target.cluster {
        draft.set_target(name, value);
    }
    for finding in findings {
        draft.add_finding(finding);
    }
    draft
}

/// The address of an entry in a plan.
pub fn address(section: Section, name: &str) -> Address {
    let kind = match section {
        Section::Clusters => "kubeconfig-cluster",
        Section::Contexts => "kubeconfig-context",
        Section::Users => "kubeconfig-user",
    };
    Address::new(kind, name)
}

/// The address of `current-context`.
pub fn current_context() -> Address {
    Address::new("kubeconfig", "current-context")
}

fn change_of(target: &Target, file: &Entries, section: Section, compared: &Compared) -> Change {
    let (action, reason) = match compared.before {
        None => (Action::Create, Reason::new("missing", "it is not in the file")),
        Some(_) => (
            Action::Update,
            Reason::new("different", "it differs from the desired state"),
        ),
    };
    change(
        address(section, &compared.name),
        action,
        reason,
        place(target, file, section, &compared.name),
        attributes(compared.before.as_ref(), Some(&compared.after)),
    )
}

fn current_change(before: Option<&str>, after: Option<&str>) -> Change {
    let (action, reason) = match (before, after) {
        (None, _) => (Action::Create, Reason::new("missing", "it is not in the file")),
        (Some(_), Some(_)) => (
            Action::Update,
            Reason::new("different", "it differs from the desired state"),
        ),
        (Some(_), None) => (
            Action::Delete,
            Reason::new("not-wanted", "the context is removed"),
        ),
    };
    let value = AttributeChange::plain(
        "context",
        before.map(|text| json!(text)),
        after.map(|text| json!(text)),
    );
    change(current_context(), action, reason, None, vec![value])
}

pub(super) fn change(
    address: Address,
    action: Action,
    reason: Reason,
    source: Option<SourceLocation>,
    attributes: Vec<AttributeChange>,
) -> Change {
    let before: Vec<_> = attributes
        .iter()
        .map(|attribute| (&attribute.name, &attribute.before))
        .collect();
    Change {
        origin: None,
        fingerprint: fingerprint(&before),
        address,
        action,
        reasons: vec![reason],
        source,
        attributes,
        depends_on: Vec::new(),
        steps: Vec::new(),
        effect: Effect::Equal,
        notes: Vec::new(),
    }
}

/// The line of an entry that is there.
fn place(target: &Target, file: &Entries, section: Section, name: &str) -> Option<SourceLocation> {
    let (_, entry) = file.find(section, name)?;
    Some(SourceLocation {
        file: target.file.as_str().into(),
        line: u32::try_from(entry.line).unwrap_or(u32::MAX),
        column: u32::try_from(entry.column).unwrap_or(u32::MAX),
    })
}

/// What differs between two bodies. Of a new or vanishing one the fields that say the same for every cluster are left out.
fn attributes(before: Option<&Value>, after: Option<&Value>) -> Vec<AttributeChange> {
    let flat = |body: Option<&Value>| {
        let mut fields = BTreeMap::new();
        if let Some(body) = body {
            flatten(body, "", body, &mut fields);
        }
        fields
    };
    let (old, new) = (flat(before), flat(after));
    let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let is_update = before.is_some() && after.is_some();
    names
        .into_iter()
        .filter(|name| old.get(*name) != new.get(*name))
        .filter(|name| is_update || !GENERAL.contains(&name.as_str()))
        .map(|name| {
            let shown = |field: Option<&Field>| field.map(|field| json!(field.shown));
            AttributeChange::plain(name, shown(old.get(name)), shown(new.get(name)))
        })
        .collect()
}

/// Fields that are the same in every entry that eksact writes.
const GENERAL: [&str; 4] = [
    "apiVersion",
    "installHint",
    "interactiveMode",
    "provideClusterInfo",
];

/// A field: what is compared, and what is shown of it.
#[derive(PartialEq, Eq)]
struct Field {
    value: Value,
    shown: String,
}

/// The leaves of a body by their way down; `exec.` goes without saying.
fn flatten(body: &Value, path: &str, value: &Value, fields: &mut BTreeMap<String, Field>) {
    match value {
        Value::Map(entries) if !entries.is_empty() => {
            for (key, value) in entries {
                let path = match path {
                    "" | "exec" => key.clone(),
                    _ => format!("{path}.{key}"),
                };
                flatten(body, &path, value, fields);
            }
        }
        Value::Null => {}
        Value::List(items) if path == "env" => {
            for item in items {
                if let Some(name) = item.text_at(&["name"]) {
                    let value = item.get("value").cloned().unwrap_or(Value::Null);
                    let shown = shown_variable(name, &value);
                    fields.insert(format!("env {name}"), Field { value, shown });
                }
            }
        }
        _ => {
            let shown = shown(body, path, value);
            fields.insert(
                path.to_owned(),
                Field {
                    value: value.clone(),
                    shown,
                },
            );
        }
    }
}

const NOT_SHOWN: &str = "(not shown)";

/// What may be shown of a field: what is known to hold no secret.
fn shown(body: &Value, path: &str, value: &Value) -> String {
    let text = value.as_text();
    match (path, text, value) {
        ("certificate-authority-data", Some(data), _) => certificate(data),
        ("server" | "proxy-url", Some(url), _) => without_password(url),
        (
            "cluster"
            | "user"
            | "namespace"
            | "command"
            | "apiVersion"
            | "interactiveMode"
            | "provideClusterInfo"
            | "installHint"
            | "tls-server-name"
            | "insecure-skip-tls-verify"
            | "certificate-authority"
            | "disable-compression",
            Some(text),
            _,
        ) => text.to_owned(),
        // Of a command that is not known nobody can tell what its arguments are.
        ("args", _, Value::List(items)) => {
            let is_known = exec_of(body).is_some_and(|exec| exec.tool().is_some());
            if is_known {
                let words: Vec<&str> = items.iter().filter_map(Value::as_text).collect();
                words.join(" ")
            } else {
                NOT_SHOWN.to_owned()
            }
        }
        _ => NOT_SHOWN.to_owned(),
    }
}

/// Variables that the peers write; what others hold is its user's matter.
fn shown_variable(name: &str, value: &Value) -> String {
    match (name, value.as_text()) {
        (
            "AWS_PROFILE"
            | "AWS_DEFAULT_PROFILE"
            | "AWS_REGION"
            | "AWS_DEFAULT_REGION"
            | "AWS_STS_REGIONAL_ENDPOINTS"
            | "AWS_CONFIG_FILE"
            | "AWS_SHARED_CREDENTIALS_FILE"
            | "AWS_CA_BUNDLE"
            | "AWS_SDK_LOAD_CONFIG"
            | "AWS_USE_FIPS_ENDPOINT"
            | "AWS_USE_DUALSTACK_ENDPOINT",
            Some(text),
        ) => text.to_owned(),
        _ => NOT_SHOWN.to_owned(),
    }
}

/// A certificate authority by the digest of its bytes: the whole is a kilobyte that nobody reads.
fn certificate(data: &str) -> String {
    let compact: String = data.split_whitespace().collect();
    match STANDARD.decode(&compact) {
        Ok(pem) => {
            let digest = hex::encode(Sha256::digest(&pem));
            format!(
                "sha256:{}… ({} bytes)",
                digest.get(..16).unwrap_or_default(),
                pem.len()
            )
        }
        Err(_) => format!("({} characters that are not base64)", compact.len()),
    }
}

/// A URL without the user and password that a proxy's may have: nothing that stands before an `@` is shown, however the
/// text is made. A password that holds a slash, or a URL without its scheme, must not slip through.
pub(super) fn without_password(url: &str) -> String {
    let Some((before, host)) = url.rsplit_once('@') else {
        return url.to_owned();
    };
    match before.split_once("://") {
        Some((scheme, _)) => format!("{scheme}://…@{host}"),
        None => format!("…@{host}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secret_is_not_shown_but_that_it_differs_is() {
        let before = Value::map([
            ("token", Value::text("SECRET-1")),
            ("client-key-data", Value::text("SECRET-2")),
            (
                "exec",
                Value::map([
                    ("command", Value::text("vault")),
                    (
                        "args",
                        Value::texts(&["--password".to_owned(), "SECRET-3".to_owned()]),
                    ),
                    (
                        "env",
                        Value::List(vec![
                            Value::map([("name", Value::text("TOKEN")), ("value", Value::text("SECRET-4"))]),
                            Value::map([
                                ("name", Value::text("AWS_PROFILE")),
                                ("value", Value::text("dev")),
                            ]),
                        ]),
                    ),
                ]),
            ),
            ("proxy-url", Value::text("http://nina:SECRET-5@proxy:1/x")),
            ("something-new", Value::map([("deep", Value::text("SECRET-6"))])),
        ]);
        let shown = attributes(Some(&before), None);
        let text = format!("{shown:?}");
        assert!(!text.contains("SECRET"), "{text}");
        let names: Vec<&str> = shown.iter().map(|attribute| attribute.name.as_str()).collect();
        assert_eq!(
            names,
            [
                "args",
                "client-key-data",
                "command",
                "env AWS_PROFILE",
                "env TOKEN",
                "proxy-url",
                "something-new.deep",
                "token"
            ]
        );
        assert!(
            text.contains("http://…@proxy:1/x") && text.contains("dev"),
            "{text}"
        );
    }

    #[test]
    fn url_never_shows_its_password_however_it_is_written() {
        for (url, shown) in [
            ("http://nina:SECRET@proxy:3128/x", "http://…@proxy:3128/x"),
            ("nina:SECRET@proxy:3128", "…@proxy:3128"),
            ("http://nina:SEC/RET@proxy", "http://…@proxy"),
            ("socks5://nina:SEC@RET@proxy", "socks5://…@proxy"),
            ("proxy:3128", "proxy:3128"),
        ] {
            assert_eq!(without_password(url), shown);
        }
    }

    #[test]
    fn update_names_only_what_differs() {
        let body = |server: &str| {
            Value::map([
                ("server", Value::text(server)),
                ("certificate-authority-data", Value::text("Q0EK")),
            ])
        };
        let shown = attributes(Some(&body("https://old")), Some(&body("https://new")));
        assert_eq!(
            shown,
            [AttributeChange::plain(
                "server",
                Some(json!("https://old")),
                Some(json!("https://new"))
            )]
        );
        let new = attributes(None, Some(&body("https://new")));
        assert_eq!(new.len(), 2);
        assert_eq!(new[0].after, Some(json!("sha256:7599e4a47f751634… (3 bytes)")));
    }
}
