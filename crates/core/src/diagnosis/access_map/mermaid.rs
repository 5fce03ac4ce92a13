//! The map as a Mermaid flowchart: whoever can be anybody → how, people → groups → roles, pods → roles of IAM → actions. Beyond Mermaid's limits the rest is
//! counted and not drawn.

use std::collections::BTreeSet;

use super::{AccessMap, Holder, Right};
use crate::diagnosis::authorization::Chart;

/// Mermaid refuses more than 500 edges; a path has up to three.
const MAX_PATHS: usize = 150;
/// So many actions are told of a role.
const MAX_ACTIONS: usize = 6;

/// The chart.
pub fn mermaid(map: &AccessMap) -> String {
    let mut paths: Vec<Vec<String>> = Vec::new();
    let mut told: BTreeSet<usize> = BTreeSet::new();
    // First: what is beyond the limit is not drawn, and nobody has more than these.
    for escalator in &map.escalators {
        paths.push(vec![
            escalator.who.clone(),
            escalator.words(),
            format!("can become {}", escalator.becomes),
        ]);
    }
    for person in &map.people {
        told.extend(&person.rights);
        let own = person.rights.iter().filter_map(|place| map.rights.get(*place));
        let mut has_any = false;
        for right in own {
            has_any = true;
            let mut path = vec![person.principal.clone()];
            if right.kind != Holder::Principal {
                path.push(format!("{} {}", right.kind.as_str(), right.who));
            }
            path.push(held(right));
            paths.push(path);
        }
        if !has_any {
            paths.push(vec![
                person.principal.clone(),
                format!("user {}", person.username),
            ]);
        }
    }
    for (place, right) in map.rights.iter().enumerate() {
        // What the cluster gives itself would hide the rest.
        if !told.contains(&place)
            && !right.who.starts_with("system:")
            && !right.who.starts_with("kube-system/")
        {
            paths.push(vec![
                format!("{} {}", right.kind.as_str(), right.who),
                held(right),
            ]);
        }
    }
    for pod in &map.pods {
        let actions: BTreeSet<String> = pod
            .statements
            .iter()
            .map(|statement| format!("{} {}", statement.effect, statement.actions))
            .collect();
        let more = actions.len().saturating_sub(MAX_ACTIONS);
        let mut label: Vec<String> = actions.into_iter().take(MAX_ACTIONS).collect();
        if more > 0 {
            label.push(format!("and {more} more statements"));
        }
        let mut path = vec![
            format!("pods of {}/{}", pod.namespace, pod.service_account),
            pod.role.clone(),
        ];
        path.extend((!label.is_empty()).then(|| label.join("\n")));
        paths.push(path);
    }
    let mut chart = Chart::default();
    let left_out = paths.len().saturating_sub(MAX_PATHS);
    for path in paths.iter().take(MAX_PATHS) {
        chart.path(path);
    }
    if left_out > 0 {
        chart.node(&format!("{left_out} more paths are not drawn"));
    }
    chart.finish()
}

fn held(right: &Right) -> String {
    let name = if right.role.is_empty() {
        "everything"
    } else {
        &right.role
    };
    format!("{name} in {}", right.place())
}
