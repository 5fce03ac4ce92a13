//! The entries of a request with the ARNs of their principals: a permission set stands for the one role that it has in the account,
//! which is looked up by its name and never built. Pure.

use std::{borrow::Cow, collections::BTreeMap};

use super::{to_delete, wanted};
use crate::{
    config::{
        SourceLocation,
        access_entry::{AccessEntry as ConfiguredEntry, permission_set},
    },
    engine::{Finding, Severity},
    kinds::{Request, permission_set as permission_sets},
    live::{Live, addresses},
};
use eksact_message::code::Code;

/// What is asked for, by ARN.
#[derive(Debug, Default)]
pub(super) struct Resolved<'plan> {
    /// The entries that shall be there.
    pub entries: Vec<Cow<'plan, ConfiguredEntry>>,
    /// The principals whose entries shall go.
    pub delete: Vec<Cow<'plan, str>>,
    /// What cannot be resolved, or is one principal twice: it is left out.
    pub findings: Vec<Finding>,
}

/// Whether some principal is named by its permission set.
pub(super) fn names_permission_set(request: &Request) -> bool {
    let entries = wanted(request)
        .iter()
        .map(|entry| entry.principal_arn.value.as_str());
    entries
        .chain(to_delete(request).iter().map(String::as_str))
        .any(|principal| permission_set(principal).is_some())
}

/// What a request asks for.
pub(super) fn resolved<'plan>(request: &'plan Request, live: &Live) -> Resolved<'plan> {
    let mut resolved = Resolved::default();
    for entry in wanted(request) {
        let principal = &entry.principal_arn;
        let place = principal.location.as_ref().or(entry.location.as_ref());
        match arn_of(&principal.value, place, live) {
            Ok(Cow::Borrowed(_)) => resolved.entries.push(Cow::Borrowed(entry)),
            Ok(Cow::Owned(arn)) => {
                let mut entry = entry.clone();
                entry.principal_arn.value = arn;
                resolved.entries.push(Cow::Owned(entry));
            }
            Err(finding) => resolved.findings.push(*finding),
        }
    }
    for principal in to_delete(request) {
        match arn_of(principal, None, live) {
            Ok(arn) => resolved.delete.push(arn),
            Err(finding) => resolved.findings.push(*finding),
        }
    }
    resolved.leave_out_twice();
    resolved
}

fn arn_of<'plan>(
    principal: &'plan str,
    place: Option<&SourceLocation>,
    live: &Live,
) -> Result<Cow<'plan, str>, Box<Finding>> {
    let Some(name) = permission_set(principal) else {
        return Ok(Cow::Borrowed(principal));
    };
    permission_sets::resolve(name, None, &addresses::access_entry(principal), live)
        .map(|arn| Cow::Owned(arn.to_string()))
        .map_err(|finding| Box::new(finding.at(place)))
}

impl Resolved<'_> {
    /// Says which principals are there by their ARN and by their permission set: neither entry is to be preferred. What the file says
    /// twice in the same words its own check has told.
    fn leave_out_twice(&mut self) {
        let mut count: BTreeMap<String, usize> = BTreeMap::new();
        for entry in &self.entries {
            *count.entry(entry.principal_arn.value.clone()).or_default() += 1;
        }
        let is_twice = |entry: &Cow<'_, ConfiguredEntry>| count.get(&entry.principal_arn.value) > Some(&1);
        for entry in self
            .entries
            .iter()
            .filter(|entry| is_twice(entry) && matches!(entry, Cow::Owned(_)))
        {
            let arn = &entry.principal_arn.value;
            let message = format!(
                "the role of this permission set is {arn}, and another entry names it as well: which of the two counts cannot be told"
            );
            let finding = Finding::new(Severity::Error, Code::AccessEntry, message);
            self.findings.push(
                finding
                    .about(&addresses::access_entry(arn))
                    .at(entry.principal_arn.location.as_ref())
                    .with_help(remedy!(
                        "Keep one entry for the principal, by its ARN or by its permission set."
                    )),
            );
        }
        self.entries.retain(|entry| !is_twice(entry));
    }
}
