//! What of AWS decides which pods and people may do what there: the account's IAM, the cluster's provider, and the pod identity
//! associations.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    diagnosis::authorization::Read,
    live::{
        AccountAuthorization, Agent, ClusterOidcProvider, LiveReader, PodIdentityAssociationById,
        PodIdentityAssociations,
    },
    ports::aws::{Group, PodIdentityAssociation, Role, User},
};

/// The account's IAM.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Details {
    /// Every role.
    pub roles: Vec<Role>,
    /// Every user.
    pub users: Vec<User>,
    /// Every group.
    pub groups: Vec<Group>,
    /// Managed policies by ARN, each its default version.
    pub policies: BTreeMap<String, Value>,
}

/// A pod identity association, as far as it decides.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Association {
    /// `a-…`; empty in a snapshot of an eksact that did not keep it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub id: String,
    /// Namespace of the service account.
    pub namespace: String,
    /// Its name.
    pub service_account: String,
    /// The role that EKS assumes for the pods.
    pub role_arn: String,
    /// The role that is assumed from that one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_role_arn: Option<String>,
    /// What the target role may ask for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    /// Whether the session has no tags.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub disable_session_tags: bool,
    /// A policy that limits the session, as JSON text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<String>,
}

impl From<&PodIdentityAssociation> for Association {
    fn from(own: &PodIdentityAssociation) -> Self {
        Self {
            id: own.id.clone(),
            namespace: own.namespace.clone(),
            service_account: own.service_account.clone(),
            role_arn: own.role_arn.clone(),
            target_role_arn: own.target_role_arn.clone(),
            external_id: own.external_id.clone(),
            disable_session_tags: own.disable_session_tags,
            policy: own.policy.clone(),
        }
    }
}

/// One reading of AWS.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AwsPicture {
    /// The account's IAM.
    pub details: Read<Details>,
    /// The pod identity associations of the cluster.
    pub associations: Read<Vec<Association>>,
    /// ARN of the cluster.
    pub cluster_arn: String,
    /// The cluster's issuer, an `https` URL.
    pub issuer: Option<String>,
    /// The audiences of the issuer's OIDC provider in IAM; none where it has no provider.
    pub provider: Read<Option<Vec<String>>>,
    /// What hands the credentials of associations to pods; none where it was not asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<Read<Agent>>,
}

impl AwsPicture {
    /// A picture of nothing, for this reason.
    pub fn not_read(why: &str) -> Self {
        Self {
            details: Read::Unread(why.to_owned()),
            associations: Read::Unread(why.to_owned()),
            cluster_arn: String::new(),
            issuer: None,
            provider: Read::Unread(why.to_owned()),
            agent: None,
        }
    }

    /// What a snapshot has that was taken before there was this.
    pub(in crate::diagnosis) fn of_old_snapshot() -> Self {
        Self::not_read("the snapshot is of an eksact that did not read it; take a new one")
    }

    /// What could not be read, and why.
    pub fn unread(&self) -> Vec<String> {
        [
            ("IAM roles, users and policies", self.details.unread()),
            ("pod identity associations", self.associations.unread()),
            ("the OIDC provider of the cluster", self.provider.unread()),
            (
                "the pod identity agent",
                self.agent.as_ref().and_then(Read::unread),
            ),
        ]
        .into_iter()
        .filter_map(|(what, why)| Some(format!("{what}: {}", why?)))
        .collect()
    }
}

/// Reads it: the listing of the account's IAM, the associations one by one, the provider.
pub(in crate::diagnosis) async fn read_aws(reader: &LiveReader) -> AwsPicture {
    let (details, associations, provider) = tokio::join!(
        reader.ask(AccountAuthorization),
        associations(reader),
        reader.ask(ClusterOidcProvider)
    );
    AwsPicture {
        details: Read::of(&details, |found| Details {
            roles: found.roles.clone(),
            users: found.users.clone(),
            groups: found.groups.clone(),
            policies: found.policies.clone(),
        }),
        associations,
        cluster_arn: reader.cluster().arn.clone(),
        issuer: reader.cluster().oidc_issuer.clone(),
        provider: Read::of(&provider, |found| {
            found.as_ref().map(|provider| provider.audiences.clone())
        }),
        agent: None,
    }
}

async fn associations(reader: &LiveReader) -> Read<Vec<Association>> {
    let listed = reader.ask(PodIdentityAssociations).await;
    let listed = match listed.as_ref() {
        Ok(listed) => listed,
        Err(error) => return Read::Unread(error.to_string()),
    };
    let queries = listed
        .values()
        .map(|summary| PodIdentityAssociationById(summary.id.clone()));
    reader.read(queries).await;
    let live = reader.snapshot();
    let mut found = Vec::new();
    for (_, answer) in live.each::<PodIdentityAssociationById>() {
        match answer {
            Ok(Some(association)) => found.push(Association::from(association)),
            // Deleted since it was listed.
            Ok(None) => {}
            Err(error) => return Read::Unread(error.to_string()),
        }
    }
    found.sort_by_key(|own| (own.namespace.clone(), own.service_account.clone(), own.id.clone()));
    Read::Known(found)
}
