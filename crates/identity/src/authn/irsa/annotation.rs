//! The annotation of the service account: whether it is there, under its right key, and names a role.

use super::{Account, Chain, Link, ROLE_ANNOTATION};
use crate::iam::Arn;
use eksact_message::code::Code;

const NAME: &str = "annotation";
/// From this likeness on a key is taken for a misspelt one: two letters in the length of the right one.
const LIKE: f64 = 0.9;

/// Looks at the annotation.
pub(super) fn check(chain: &Chain, account: &Account) -> Link {
    let Some(value) = account.annotations.get(ROLE_ANNOTATION) else {
        return missing(chain, account);
    };
    if value.trim().is_empty() {
        return Link::broken(NAME, Code::AnnotationEmpty, format!("{ROLE_ANNOTATION} is empty")).help(
            remedy!("The webhook treats an empty annotation as missing: set it to the role's ARN."),
        );
    }
    if value.trim() != value {
        return Link::broken(
            NAME,
            Code::AnnotationMalformed,
            format!("{ROLE_ANNOTATION} has spaces around the ARN: `{value}`"),
        )
        .help(remedy!("Write it without: {}", command(chain, value.trim())));
    }
    let malformed = |says: String| {
        Link::broken(NAME, Code::AnnotationMalformed, says).help(remedy!(
            "The webhook puts it into pods as it is, and STS refuses it: set the ARN of the role."
        ))
    };
    let arn: Arn = match value.parse() {
        Ok(arn) => arn,
        Err(error) => return malformed(format!("{ROLE_ANNOTATION} is not an ARN: {error}")),
    };
    if arn.role_name().is_none() {
        return malformed(format!("{ROLE_ANNOTATION} does not name a role: {value}"));
    }
    if arn.partition != chain.partition {
        return malformed(format!(
            "{ROLE_ANNOTATION} is in the partition {}, and the cluster is in {}",
            arn.partition, chain.partition
        ));
    }
    Link::whole(NAME, value)
}

/// The command that makes the annotation name this role.
pub(super) fn command(chain: &Chain, arn: &str) -> String {
    format!(
        "kubectl --namespace {} annotate --overwrite serviceaccount {} {ROLE_ANNOTATION}={arn}",
        chain.namespace, chain.name
    )
}

fn missing(chain: &Chain, account: &Account) -> Link {
    let near = account
        .annotations
        .keys()
        .map(|key| (strsim::jaro_winkler(key, ROLE_ANNOTATION), key))
        .filter(|(likeness, _)| *likeness >= LIKE)
        .max_by(|a, b| a.0.total_cmp(&b.0));
    match near {
        Some((_, key)) => Link::broken(
            NAME,
            Code::AnnotationMisspelt,
            format!("the annotation is `{key}`, and the webhook looks for `{ROLE_ANNOTATION}`"),
        )
        .help(remedy!(
            "kubectl --namespace {} annotate serviceaccount {} {key}- {ROLE_ANNOTATION}={}",
            chain.namespace,
            chain.name,
            account.annotations.get(key).map_or("ARN", String::as_str)
        )),
        None => Link::broken(
            NAME,
            Code::AnnotationMissing,
            format!("the service account has no annotation {ROLE_ANNOTATION}: its pods use their nodes' role"),
        )
        .help(
            remedy!("`eksact apply -f` with the file that has the service account sets it. An annotation of a pod or a deployment does \
             not count."),
        ),
    }
}
