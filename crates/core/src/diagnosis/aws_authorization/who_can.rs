//! Everybody who may do something in AWS: users and roles, the service accounts whose pods get such a role, nodes; and apart from
//! them who can become one of them, by assuming roles, by a trust policy alone, and by rights in the cluster.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    chains::MOST_HOPS,
    escalation::Goal,
    identities::Identities,
    pods::{Pods, depends, no},
    question::AwsQuestion,
    search::{Search, Wanted},
    words::whether_it_may,
};
use crate::diagnosis::authorization::{
    Actor, Becomes, Inquiry, Picture, Read, Rights, Verdict, WhoCan, becoming_service_accounts,
};
use eksact_identity::iam::policy::authorization::{Answer, CONTROL_POLICIES_NOT_READ, Decision};

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
    let is_cut = search.climb(picture, Goal::Question(question), &goals);
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
        notes: notes(picture, is_cut),
        can_become,
        direct: search.rows.into_values().collect(),
        complete: unread.is_empty(),
        unread,
    })
}

/// The ways to more rights that no answer counts; docs/who-can.md has the same list.
const NOT_LOOKED_AT: &str = "not looked at: who gets into what runs with a role already (instances, functions, pods) or changes the \
                             policies of such a role; who assigns permission sets; who makes users, roles, groups or policies \
                             (iam:CreateUser, iam:CreateRole, iam:CreateGroup), takes policies away that deny it something \
                             (iam:Detach…Policy, iam:Delete…Policy), lifts the boundary of somebody else, changes tags that \
                             conditions ask for, or changes identity providers that roles trust (iam:UpdateSAMLProvider, OpenID \
                             Connect)";

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

/// Everybody whom IAM lets become one of these principals, or anybody in the cluster. Nothing where IAM was not read.
pub(in crate::diagnosis) fn becoming_in_iam(
    rights: &Rights<'_>,
    known: &[(&Actor, Verdict)],
) -> Vec<Becomes> {
    let picture = rights.picture;
    let Some(details) = picture.aws.details.known() else {
        return Vec::new();
    };
    let identities = Identities::of(details, &picture.account);
    let pods = Pods::of(picture);
    let mut goals: BTreeMap<usize, Answer> = BTreeMap::new();
    for (actor, verdict) in known {
        let Actor::IamPrincipal { arn } = actor else {
            continue;
        };
        let answer = match verdict {
            Verdict::Yes => Answer::Yes,
            Verdict::Depends => Answer::Depends,
            Verdict::No => continue,
        };
        if let Some(index) = identities.find(arn) {
            let surest = goals.get(&index).map_or(answer, |known| known.or(answer));
            goals.insert(index, surest);
        }
    }
    let mut search = Search::of(&identities, &pods);
    for (role, answer) in &goals {
        let mut same = Decision {
            answer: *answer,
            ..no()
        };
        if let (Answer::Depends, Some(identity)) = (answer, identities.all.get(*role)) {
            depends(&mut same, &whether_it_may(identity.arn));
        }
        let wanted = Wanted::Onward {
            decision: &same,
            words: "and so is it in the cluster",
            does: None,
        };
        search.pods_of(*role, &wanted);
    }
    search.climb(picture, Goal::Cluster, &goals);
    // Whoever may only perhaps is told again where there is a surer way.
    let all: BTreeSet<&Actor> = known.iter().map(|(actor, _)| *actor).collect();
    let sure = known.iter().filter(|(_, verdict)| *verdict == Verdict::Yes);
    let sure: BTreeSet<&Actor> = sure.map(|(actor, _)| *actor).collect();
    let is_new = |row: &Becomes| {
        !sure.contains(&row.actor) && (row.verdict == Verdict::Yes || !all.contains(&row.actor))
    };
    search.becomes.into_iter().filter(is_new).collect()
}
