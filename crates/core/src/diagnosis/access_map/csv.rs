//! The map as CSV (RFC 4180): one row for each right of each person, of each user, group and service account that no principal of
//! IAM is known to be, for each statement of each role of pods, and for whoever can become somebody by what it may change.

use std::collections::BTreeSet;

use super::{AccessMap, Escalator, MappedPerson, Right};
use crate::diagnosis::authorization::csv_line;

const HEADER: [&str; 8] = ["kind", "who", "letInBy", "as", "by", "role", "where", "what"];

/// The table.
pub fn csv(map: &AccessMap) -> String {
    let mut text = csv_line(&HEADER);
    let mut told: BTreeSet<usize> = BTreeSet::new();
    for person in &map.people {
        let own: Vec<&Right> = person
            .rights
            .iter()
            .filter_map(|place| map.rights.get(*place))
            .collect();
        told.extend(&person.rights);
        if own.is_empty() {
            text += &of_person(person, None);
        }
        for right in own {
            text += &of_person(person, Some(right));
        }
    }
    for (place, right) in map.rights.iter().enumerate() {
        if !told.contains(&place) {
            let (kind, what) = (right.kind.as_str(), right.allows());
            text += &csv_line(&[
                kind,
                &right.who,
                "",
                "",
                &right.by,
                &right.role,
                &right.place(),
                &what,
            ]);
        }
    }
    for pod in &map.pods {
        let who = format!("{}/{}", pod.namespace, pod.service_account);
        for statement in &pod.statements {
            let conditions = if statement.is_conditional {
                ", under conditions"
            } else {
                ""
            };
            let what = format!("{} {}{conditions}", statement.effect, statement.actions);
            text += &csv_line(&[
                "pods",
                &who,
                "",
                "",
                &pod.by,
                &pod.role,
                &statement.resources,
                &what,
            ]);
        }
        if pod.statements.is_empty() {
            text += &csv_line(&["pods", &who, "", "", &pod.by, &pod.role, "", ""]);
        }
    }
    let each = map.people.iter().flat_map(|person| &person.becoming);
    for Escalator {
        who,
        becomes,
        by,
        depends_on,
        ..
    } in each.chain(&map.escalators)
    {
        let depends = if depends_on.is_empty() {
            String::new()
        } else {
            format!("depends: {}", depends_on.join("; "))
        };
        text += &csv_line(&["can become", who, "", becomes, by, "", "", &depends]);
    }
    text
}

fn of_person(person: &MappedPerson, right: Option<&Right>) -> String {
    let (by, role, place, what) = match right {
        Some(right) => {
            let by = format!("{} {} by {}", right.kind.as_str(), right.who, right.by);
            (by, right.role.as_str(), right.place(), right.allows())
        }
        None => (String::new(), "", String::new(), String::new()),
    };
    csv_line(&[
        "principal",
        &person.principal,
        &person.by,
        &person.username,
        &by,
        role,
        &place,
        &what,
    ])
}
