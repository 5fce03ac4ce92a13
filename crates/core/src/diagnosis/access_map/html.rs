//! The map of who may do what as one HTML page: tables that are whole without scripts, and a script that filters them. Nothing is
//! loaded; the page's own policy (Content-Security-Policy) lets this one script and style run and no other. All values go through
//! the template's escaping, and through [`harmless`] before.

use std::{collections::BTreeSet, sync::LazyLock};

use serde::Serialize;

use super::{AccessMap, Assumer, Escalator, MappedPerson, PodRights, Right};
use crate::{
    diagnosis::authorization::Verdict,
    view::{
        html::template::{Template, policy_hash, render, template},
        text::harmless,
    },
};

/// What all pages have, and what this one has besides.
const STYLE: &str = concat!(
    include_str!("../../../../../templates/html/plan.css"),
    include_str!("../../../../../templates/html/map.css")
);
const SCRIPT: &str = include_str!("../../../../../templates/html/map.js");

#[derive(Serialize)]
struct View {
    policy: String,
    style: &'static str,
    script: &'static str,
    title: String,
    region: String,
    account: String,
    mode: String,
    unread: Vec<String>,
    namespaces: BTreeSet<String>,
    verbs: BTreeSet<String>,
    people: Vec<PersonView>,
    escalators: Vec<EscalatorView>,
    rights: Vec<RightView>,
    pods: Vec<PodView>,
    version: &'static str,
}

#[derive(Serialize)]
struct PersonView {
    principal: String,
    assumed_by: Vec<AssumerView>,
    by: String,
    username: String,
    groups: Vec<String>,
    rights: String,
    count: usize,
}

#[derive(Serialize)]
struct AssumerView {
    who: String,
    words: String,
}

#[derive(Serialize)]
struct EscalatorView {
    who: String,
    becomes: String,
    by: String,
    depends_on: Vec<String>,
    effects: &'static str,
}

#[derive(Serialize)]
struct RightView {
    kind: &'static str,
    who: String,
    role: String,
    place: String,
    rules: Vec<String>,
    by: String,
    verbs: String,
    namespaces: String,
    is_everything: bool,
}

#[derive(Serialize)]
struct PodView {
    namespace: String,
    service_account: String,
    role: String,
    statements: Vec<StatementView>,
    is_limited: bool,
    by: String,
    depends_on: Vec<String>,
    effects: String,
}

#[derive(Serialize)]
struct StatementView {
    class: String,
    effect: String,
    actions: String,
    resources: String,
    is_conditional: bool,
}

/// The page.
///
/// # Errors
/// When the template does not take the map, which no input makes happen.
pub fn html(map: &AccessMap) -> Result<String, tera::Error> {
    render(&TEMPLATE, view(map))
}

/// Parsed once.
static TEMPLATE: LazyLock<Template> =
    LazyLock::new(|| template(include_str!("../../../../../templates/html/map.html.tera"), &[]));

fn safe(text: &str) -> String {
    harmless(text).into_owned()
}

fn view(map: &AccessMap) -> View {
    // Neither patterns nor what no cluster has can be chosen.
    let is_word = |word: &&String| !word.contains('*') && is_one_word(word);
    let of_rights = map
        .rights
        .iter()
        .filter_map(|right| right.namespaces.as_ref())
        .flatten();
    let of_pods = map.pods.iter().map(|pod| &pod.namespace);
    let namespaces = of_rights.chain(of_pods).filter(is_word);
    let verbs = map.rights.iter().flat_map(|right| &right.verbs).filter(is_word);
    View {
        policy: format!(
            "default-src 'none'; style-src {}; script-src {}; base-uri 'none'; form-action 'none'",
            policy_hash(STYLE),
            policy_hash(SCRIPT)
        ),
        style: STYLE,
        script: SCRIPT,
        title: format!("Who may do what: {}", safe(&map.cluster)),
        region: safe(&map.region),
        account: safe(&map.account),
        mode: map.authentication_mode.as_deref().map(safe).unwrap_or_default(),
        unread: map.unread.iter().map(|what| safe(what)).collect(),
        namespaces: namespaces.map(|namespace| safe(namespace)).collect(),
        verbs: verbs.map(|verb| safe(verb)).collect(),
        people: map.people.iter().map(person).collect(),
        escalators: map.escalators.iter().map(escalator).collect(),
        rights: map.rights.iter().map(right).collect(),
        pods: map.pods.iter().map(pod).collect(),
        version: env!("CARGO_PKG_VERSION"),
    }
}

/// Whether a text is a verb or a namespace as a cluster has them: without blanks, which stand between the words of an attribute.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "as iterators filter")]
fn is_one_word(word: &&String) -> bool {
    !word.contains(char::is_whitespace)
}

fn person(person: &MappedPerson) -> PersonView {
    let assumer = |assumer: &Assumer| {
        let mut words = Vec::new();
        if assumer.answer == Verdict::Depends {
            words.push("perhaps".to_owned());
        }
        words.extend(
            assumer
                .through
                .as_ref()
                .map(|role| format!("through {}", safe(role))),
        );
        AssumerView {
            who: safe(&assumer.who),
            words: words.join(", "),
        }
    };
    let becoming = person.becoming.iter().map(|escalator| AssumerView {
        who: safe(&escalator.who),
        words: safe(&escalator.words()),
    });
    let places: Vec<String> = person.rights.iter().map(ToString::to_string).collect();
    PersonView {
        principal: safe(&person.principal),
        assumed_by: person.assumed_by.iter().map(assumer).chain(becoming).collect(),
        by: safe(&person.by),
        username: safe(&person.username),
        groups: person.groups.iter().map(|group| safe(group)).collect(),
        count: places.len(),
        rights: places.join(" "),
    }
}

fn escalator(escalator: &Escalator) -> EscalatorView {
    EscalatorView {
        who: safe(&escalator.who),
        becomes: safe(&escalator.becomes),
        by: safe(&escalator.by),
        depends_on: escalator.depends_on.iter().map(|what| safe(what)).collect(),
        // Who can be anybody has everything, in every namespace.
        effects: match escalator.answer {
            Verdict::Depends => "depends everything",
            _ => "everything",
        },
    }
}

fn right(right: &Right) -> RightView {
    let list = |words: &mut dyn Iterator<Item = &String>| {
        let words: Vec<String> = words.filter(is_one_word).map(|word| safe(word)).collect();
        words.join(" ")
    };
    let rules = match &right.rules {
        Some(rules) if !rules.is_empty() => rules.iter().map(|rule| safe(rule)).collect(),
        _ => vec![safe(&right.allows())],
    };
    let is_everything = right.role.is_empty()
        || right.namespaces.is_none()
            && ["ClusterRole cluster-admin", "AmazonEKSClusterAdminPolicy"].contains(&right.role.as_str());
    RightView {
        kind: right.kind.as_str(),
        who: safe(&right.who),
        role: safe(&right.role),
        place: safe(&right.place()),
        rules,
        by: safe(&right.by),
        verbs: list(&mut right.verbs.iter()),
        namespaces: list(&mut right.namespaces.iter().flatten()),
        is_everything,
    }
}

fn pod(pod: &PodRights) -> PodView {
    let mut effects: BTreeSet<String> = pod
        .statements
        .iter()
        .map(|statement| statement.effect.to_ascii_lowercase())
        .collect();
    if pod.answer == Verdict::Depends || pod.statements.iter().any(|statement| statement.is_conditional) {
        effects.insert("depends".to_owned());
    }
    let statements = pod.statements.iter().map(|statement| StatementView {
        class: if statement.effect == "Deny" {
            "deny"
        } else {
            "allow"
        }
        .to_owned(),
        effect: safe(&statement.effect),
        actions: safe(&statement.actions),
        resources: safe(&statement.resources),
        is_conditional: statement.is_conditional,
    });
    PodView {
        namespace: safe(&pod.namespace),
        service_account: safe(&format!("{}/{}", pod.namespace, pod.service_account)),
        role: safe(&pod.role),
        statements: statements.collect(),
        is_limited: pod.is_limited,
        by: safe(&pod.by),
        depends_on: pod.depends_on.iter().map(|what| safe(what)).collect(),
        effects: effects
            .into_iter()
            .map(|effect| safe(&effect))
            .collect::<Vec<_>>()
            .join(" "),
    }
}
