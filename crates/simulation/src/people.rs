//! Whom the stories let in: principals and groups by their number, so that files, hands and worlds mean the same ones.

use eksact_simulator::SimulatedCaller;

use crate::{
    roles::{ASSUMABLE, role_arn},
    world::ACCOUNT,
};

/// How many principals there are from the beginning.
pub const PRINCIPALS: usize = 6;
/// How many there may be, with the roles that files make.
pub const EVERYBODY: usize = PRINCIPALS + ASSUMABLE.len();
/// The groups.
pub const GROUPS: [&str; 3] = ["developers", "readers", "operators"];
/// Somebody whom no file, command or hand names.
pub const OUTSIDER: &str = "arn:aws:iam::111122223333:role/outsider";
/// The role of the nodes.
pub const NODE: &str = "arn:aws:iam::111122223333:role/node";
/// Who runs eksact, and made the cluster.
pub const CALLER: &str = "arn:aws:iam::111122223333:user/sandbox";

/// The role of a file that a principal is, by its number there.
pub fn assumable(number: usize) -> Option<usize> {
    (number % EVERYBODY).checked_sub(PRINCIPALS)
}

/// The ARN of a principal: roles, some of them with a path, and a user.
pub fn principal(number: usize) -> String {
    if let Some(role) = assumable(number) {
        return role_arn(role);
    }
    match number % EVERYBODY {
        4 => format!("arn:aws:iam::{ACCOUNT}:role/eng/lead"),
        5 => format!("arn:aws:iam::{ACCOUNT}:user/ann"),
        team => format!("arn:aws:iam::{ACCOUNT}:role/team-{team}"),
    }
}

/// The ARN as aws-auth has it: a role without its path.
pub fn mapped(arn: &str) -> String {
    match arn.split_once(":role/") {
        Some((head, path)) => format!("{head}:role/{}", path.rsplit('/').next().unwrap_or(path)),
        None => arn.to_owned(),
    }
}

/// The last part of an ARN.
pub fn name_of(arn: &str) -> &str {
    arn.rsplit('/').next().unwrap_or(arn)
}

/// Everybody who is watched.
pub fn everybody() -> Vec<String> {
    let named = (0..EVERYBODY).map(principal);
    named.chain([OUTSIDER, NODE, CALLER].map(str::to_owned)).collect()
}

/// Somebody who calls by this principal.
pub fn caller(arn: &str) -> SimulatedCaller {
    if arn.contains(":role/") {
        SimulatedCaller::of_role(arn, "nina").unwrap()
    } else {
        arn.parse().unwrap()
    }
}
