//! Everybody who may do something in AWS: users and roles, the service accounts whose pods get such a role, nodes; and apart from
//! them who can become one of them, by assuming roles, by a trust policy alone, and by rights in the cluster.

use std::collections::BTreeSet;

use super::{
    chains::MOST_HOPS,
    escalation::{Escalations, Goal},
    identities::Identities,
    pods::Pods,
    question::AwsQuestion,
    search::{Search, Wanted},
};
use crate::diagnosis::authorization::{
    Actor, Inquiry, Picture, Read, Rights, Verdict, WhoCan, becoming_service_accounts,
};
use eksact_identity::iam::policy::authorization::CONTROL_POLICIES_NOT_READ;

/// Who may do this. Nothing, and why, where IAM was not read.
///
/// # Errors
/// Why IAM could not be read: without it no answer is one.
pub fn who_can_in_aws(rights: &Rights<'_>, question: &AwsQuestion) -> Result<WhoCan, String> {
    let picture = rights.picture;
    let details = match &picture.aws.details {
        Read::Known(details) => details,
        Read::Unread(why) => return Err(why.clone()),
    };
    let identities = Identities::of(details, &picture.account);
    let pods = Pods::of(picture);
    let mut search = Search::of(&identities, &pods);
    let goals = search.holders(question);
    for role in goals.keys() {
        search.pods_of(*role, &Wanted::Itself(question));
    }
    search.nodes(question, rights, &goals);
    let escalations = Escalations::of(&identities, picture);
    let is_cut = search.climb(&escalations, Some(Goal::Question(question)), &goals);
    search
        .becomes
        .extend(becoming_service_accounts(rights, &search.accounts));
    let mut unread = picture.aws.unread();
    unread.extend(picture.unread());
    if question.is_resource_unread(&identities) {
        unread.push(format!(
            "whom it lets in itself is not known: {}",
            question.unread_resource()
        ));
    }
    let is_direct: BTreeSet<&Actor> = search
        .rows
        .iter()
        .filter(|(_, row)| row.verdict == Verdict::Yes)
        .map(|(actor, _)| actor)
        .collect();
    let can_become = search
        .becomes
        .iter()
        .filter(|row| !is_direct.contains(&row.actor))
        .cloned()
        .collect();
    Ok(WhoCan {
        request: Inquiry::Aws(question.request.clone()),
        namespaces: None,
        notes: notes(picture, is_cut),
        can_become,
        direct: search.rows.into_values().collect(),
        complete: unread.is_empty(),
        unread,
    })
}

/// The ways to more rights that no answer counts, in short; docs/who-can.md has the list.
const NOT_LOOKED_AT: &str = "not looked at: who gets into what runs with a role, assigns permission sets, lifts the boundary or a deny of \
                             somebody else, or changes tags and identity providers on which access rests";

fn notes(picture: &Picture, is_cut: bool) -> Vec<String> {
    let mut notes = vec![
        CONTROL_POLICIES_NOT_READ.to_owned(),
        "calls are taken to be made by TLS; the root user of the account may do everything that no such policy denies".to_owned(),
        NOT_LOOKED_AT.to_owned(),
    ];
    if is_cut {
        notes.push(format!("chains of more than {MOST_HOPS} roles are not followed"));
    }
    if picture.aws.issuer.is_none() {
        notes.push("the cluster has no OIDC issuer: no annotation gives a role".to_owned());
    }
    notes
}
