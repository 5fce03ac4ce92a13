//! Ways of becoming somebody through objects that hold or make identities: Secrets with tokens, certificates, admission webhooks, an
//! `aws-auth` that is not there yet.
//!
//! Sources: kubernetes.io, "RBAC good practices", "Certificates and Certificate Signing Requests";
//! `plugin/pkg/admission/certificates/{approval,subjectrestriction}`.

use std::collections::HashSet;

use super::{
    actor::Known,
    edges::{Edge, actors, edges, limited},
    holders::{Holder, Index, Names},
};
use crate::live::AWS_AUTH_NAMESPACE;
use eksact_identity::rbac::Request;

const CERTIFICATES: &str = "certificates.k8s.io";
const ADMISSION: &str = "admissionregistration.k8s.io";
/// The signer of certificates that kube-apiserver takes for clients, and the name by which all of Kubernetes' own are meant.
const SIGNERS: [&str; 2] = ["kubernetes.io/kube-apiserver-client", "kubernetes.io/*"];

/// Somebody who can become whoever it wants to be.
pub(super) struct Way<'a> {
    pub(super) holder: Holder<'a>,
    pub(super) by: &'static str,
    pub(super) depends_on: Option<String>,
}

/// The ways that need no name and no namespace. `makes_aws_auth` says whether there is no aws-auth, and one would count.
pub(super) fn of_cluster<'a>(index: &Index<'a>, makes_aws_auth: bool) -> Vec<Way<'a>> {
    let mut found = certificates(index);
    found.extend(webhooks(index));
    if makes_aws_auth {
        let request = Request::of("create", "", "configmaps", Some(AWS_AUTH_NAMESPACE));
        found.extend(
            index
                .holders(&request, Names::Asked)
                .into_iter()
                .map(|holder| Way {
                    holder,
                    by: "makes aws-auth, which maps IAM principals to any user and group",
                    depends_on: None,
                }),
        );
    }
    found
}

/// A certificate for any user and group but `system:masters`, asked for and approved by the same.
fn certificates<'a>(index: &Index<'a>) -> Vec<Way<'a>> {
    let any = |verb: &str, resource: &str| {
        index.holders(&Request::of(verb, CERTIFICATES, resource, None), Names::Any)
    };
    let approving = ["update", "patch"].map(|verb| any(verb, "certificatesigningrequests/approval"));
    let approving: HashSet<Known<'a>> = approving.iter().flat_map(|holders| actors(holders)).collect();
    let signers = SIGNERS.map(|signer| {
        let request = Request::of("approve", CERTIFICATES, "signers", None).named(signer);
        index.holders(&request, Names::Asked)
    });
    let signers: HashSet<Known<'a>> = signers.iter().flat_map(|holders| actors(holders)).collect();
    any("create", "certificatesigningrequests")
        .into_iter()
        .filter(|holder| approving.contains(&holder.who) && signers.contains(&holder.who))
        .map(|holder| Way {
            holder,
            by: "approves its own request for a certificate of any user and group but system:masters",
            depends_on: Some(
                "whether the cluster signs certificates for clients, of which EKS says nothing".to_owned(),
            ),
        })
        .collect()
}

/// A webhook that changes what others write: pods, and what bindings say.
fn webhooks<'a>(index: &Index<'a>) -> Vec<Way<'a>> {
    let resource = "mutatingwebhookconfigurations";
    let of_verb = |verb: &&str| index.holders(&Request::of(verb, ADMISSION, resource, None), Names::Any);
    ["create", "update", "patch"]
        .iter()
        .flat_map(of_verb)
        .map(|holder| {
            let mut depends = vec!["what others write, which its webhook changes".to_owned()];
            depends.extend(limited(holder.names, resource));
            Way {
                holder,
                by: "writes a webhook that changes pods and bindings which others write",
                depends_on: Some(depends.join("; ")),
            }
        })
        .collect()
}

/// Tokens of service accounts in Secrets: of those that are there, or of one that is made for it. They have no audience of AWS, so they
/// give the rights in the cluster and nothing of a pod's.
pub(super) fn tokens_in_secrets<'a>(index: &Index<'a>, namespace: &str) -> Vec<Edge<'a>> {
    let making = index.holders(&Request::of("create", "", "secrets", Some(namespace)), Names::Any);
    let making = actors(&making);
    let mut found = Vec::new();
    for verb in ["get", "list", "watch"] {
        for edge in edges(index, verb, "", "secrets", Some(namespace), "") {
            let makes = making.contains(&edge.holder.who);
            let mut depends = Vec::new();
            if !makes {
                depends.push("a Secret has a token of the service account".to_owned());
            }
            depends.extend(limited(edge.holder.names, "secrets"));
            let by = if makes {
                format!(
                    "makes Secrets with tokens of service accounts of namespace {namespace} and reads them"
                )
            } else {
                format!("reads Secrets of namespace {namespace}")
            };
            found.push(Edge {
                by: by.into(),
                depends_on: (!depends.is_empty()).then(|| depends.join("; ")),
                is_limited: false,
                gives_pods: false,
                ..edge
            });
        }
    }
    found
}
