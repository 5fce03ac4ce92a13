//! Access entries over every state in which they are met: made, adopted, changed call by call, made again, deleted; and what
//! is refused before anything is written.

mod drift;
mod guards;
mod meanwhile;
mod principals;
mod reading;
mod removal;
mod stacks;

use eksact_core::{
    engine::{Plan, Severity},
    kinds::Request,
    ports::aws::{AccessEntry, AccessPolicy, Role},
};
use eksact_simulator::{Sandbox, World};
use serde_json::json;

use crate::scenarios::stage::{CLUSTER, REGION, cluster, fresh_world, request, sandbox};

pub(crate) const DEV: &str = "arn:aws:iam::111122223333:role/team/dev";
pub(crate) const DERIVED: &str = "arn:aws:sts::111122223333:assumed-role/dev/{{SessionName}}";
pub(crate) const NODE: &str = "arn:aws:iam::111122223333:role/node";

/// A file with these entries, each the lines of one list item without its dash.
pub(crate) fn file(entries: &[&str]) -> String {
    let mut text = format!(
        "apiVersion: eksctl.io/v1alpha5\nkind: ClusterConfig\nmetadata: {{name: {CLUSTER}, region: {REGION}}}\naccessConfig:\n"
    );
    text.push_str(if entries.is_empty() {
        "  accessEntries: []\n"
    } else {
        "  accessEntries:\n"
    });
    for entry in entries {
        for (number, line) in entry.lines().enumerate() {
            text.push_str(if number == 0 { "    - " } else { "      " });
            text.push_str(line);
            text.push('\n');
        }
    }
    text
}

/// What a file with these entries asks for.
pub(crate) fn wanting(entries: &[&str]) -> Request {
    request(&file(entries))
}

/// The same with prune of what is eksact's.
pub(crate) fn pruning(mut request: Request) -> Request {
    request.settings.prune = true;
    request
}

/// An entry of the developers' with these further lines.
pub(crate) fn dev(lines: &str) -> String {
    format!("principalARN: {DEV}\n{lines}")
}

/// Makes a role as somebody with a console would.
pub(crate) fn make_role(world: &mut World, arn: &str) {
    let resource = arn.split_once(":role").unwrap().1;
    let name = resource.rsplit('/').next().unwrap();
    let number = world.roles.len();
    world.roles.insert(
        name.to_owned(),
        Role {
            name: name.to_owned(),
            arn: arn.to_owned(),
            id: format!("AROA{number:017}"),
            path: resource.strip_suffix(name).unwrap().to_owned(),
            trust_policy: json!({"Version": "2012-10-17", "Statement": []}),
            managed_policy_arns: Vec::new(),
            inline_policies: std::collections::BTreeMap::new(),
            max_session_seconds: None,
            permissions_boundary: None,
            tags: std::collections::BTreeMap::new(),
        },
    );
}

/// Makes the developers' role again, an hour after the scenarios' beginning.
pub(crate) fn make_dev_again(world: &mut World) {
    world.roles.remove("dev");
    make_role(world, DEV);
    let role = world.roles.get_mut("dev").unwrap();
    role.id = "AROANEWNEWNEWNEWNEWNE".to_owned();
    let hour = jiff::Timestamp::from_second(1_800_003_600).unwrap();
    world.role_dates.insert(role.id.clone(), hour);
}

/// A world with the developers' role and that of nodes.
pub(crate) fn world_with_roles() -> World {
    let mut world = fresh_world();
    make_role(&mut world, DEV);
    make_role(&mut world, NODE);
    world
}

/// A sandbox with these roles, and entries as somebody with a console made them.
pub(crate) fn with_entries(entries: &[AccessEntry]) -> Sandbox {
    let mut world = world_with_roles();
    for entry in entries {
        cluster(&mut world)
            .eks
            .access_entries
            .insert(entry.principal_arn.clone(), entry.clone());
    }
    sandbox(world)
}

pub(crate) fn entry(arn: &str, username: &str, groups: &[&str]) -> AccessEntry {
    AccessEntry {
        principal_arn: arn.to_owned(),
        username: username.to_owned(),
        groups: groups.iter().map(|group| (*group).to_owned()).collect(),
        entry_type: "STANDARD".to_owned(),
        ..AccessEntry::default()
    }
}

pub(crate) fn policy(name: &str, namespaces: Option<&[&str]>) -> AccessPolicy {
    AccessPolicy {
        arn: format!("arn:aws:eks::aws:cluster-access-policy/{name}"),
        namespaces: namespaces.map(|names| names.iter().map(|name| (*name).to_owned()).collect()),
    }
}

/// The entry of a principal as it is.
pub(crate) fn live(bed: &Sandbox, arn: &str) -> Option<AccessEntry> {
    let mut world = bed.world().unwrap();
    cluster(&mut world).eks.access_entries.get(arn).cloned()
}

/// The actions of all writes so far.
pub(crate) fn writes(bed: &Sandbox) -> Vec<String> {
    let writes = bed.faults().writes();
    writes.into_iter().map(|call| call.action).collect()
}

pub(crate) fn codes(plan: &Plan, severity: Severity) -> Vec<&str> {
    plan.findings_of(severity)
        .map(|finding| finding.code.as_str())
        .collect()
}
