//! Simulated pod identity associations of EKS, with its rules and words (badmintoncryer/cdk-preflight, `podidentity-*`;
//! hashicorp/terraform-provider-aws, `pod_identity_association.go`).

use std::collections::BTreeMap;

use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::Value;

use super::{reading, writing};
use crate::Sandbox;
use crate::refusal::Refusal;
use crate::state::World;
use eksact_core::ports::aws::{
    NewPodIdentityAssociation, PodIdentityAssociation, PodIdentityAssociationReader,
    PodIdentityAssociationSummary, PodIdentityAssociationUpdate, PodIdentityAssociationWriter,
};
use eksact_core::ports::{CallError, CallErrorKind, found};
use eksact_identity::iam::policy::{RequestContext, TrustRequest, TrustVerdict, judge};

/// How many `ListPodIdentityAssociations` puts on a page.
const PER_PAGE: usize = 100;
/// How many a cluster may have (EKS user guide, `pod-identities`).
const MOST: usize = 5000;

#[async_trait]
impl PodIdentityAssociationReader for Sandbox {
    async fn pod_identity_associations(
        &self,
        cluster: &str,
        of: Option<(&str, &str)>,
    ) -> Result<Vec<PodIdentityAssociationSummary>, CallError> {
        let call = reading("eks", "ListPodIdentityAssociations", cluster);
        let key: fn(&PodIdentityAssociationSummary) -> &str = |summary| &summary.id;
        let found = self
            .listed(call, PER_PAGE, key, |world, _| {
                let is_meant = |association: &&PodIdentityAssociation| {
                    of.is_none_or(|of| of == (&association.namespace, &association.service_account))
                };
                let simulated = world.simulated(cluster, &self.region)?;
                let associations = simulated.eks.pod_identity_associations.values();
                Ok(associations
                    .filter(is_meant)
                    .map(|association| PodIdentityAssociationSummary {
                        id: association.id.clone(),
                        namespace: association.namespace.clone(),
                        service_account: association.service_account.clone(),
                        owner_arn: association.owner_arn.clone(),
                    })
                    .collect())
            })
            .await?;
        Ok(found)
    }

    async fn pod_identity_association(
        &self,
        cluster: &str,
        id: &str,
    ) -> Result<Option<PodIdentityAssociation>, CallError> {
        let object = format!("{cluster}, association {id}");
        let call = reading("eks", "DescribePodIdentityAssociation", &object);
        let answer = self.call(call, |world, _| {
            world.association(cluster, &self.region, id).cloned()
        });
        found(answer.await)
    }
}

#[async_trait]
impl PodIdentityAssociationWriter for Sandbox {
    async fn create_pod_identity_association(
        &self,
        cluster: &str,
        new: &NewPodIdentityAssociation,
    ) -> Result<String, CallError> {
        let object = format!(
            "{cluster}, service account {}/{}",
            new.namespace, new.service_account
        );
        let call = writing("eks", "CreatePodIdentityAssociation", &object);
        self.call(call, |world, now| {
            world.create_association(cluster, &self.region, new, now)
        })
        .await
    }

    async fn update_pod_identity_association(
        &self,
        cluster: &str,
        id: &str,
        update: &PodIdentityAssociationUpdate,
        _client_request_token: &str,
    ) -> Result<(), CallError> {
        let object = format!("{cluster}, association {id}");
        let call = writing("eks", "UpdatePodIdentityAssociation", &object);
        self.call(call, |world, now| {
            world.update_association(cluster, &self.region, id, update, now)
        })
        .await
    }

    async fn tag_pod_identity_association(
        &self,
        arn: &str,
        tags: &BTreeMap<String, String>,
    ) -> Result<(), CallError> {
        self.call(writing("eks", "TagResource", arn), |world, _| {
            let mut all = world
                .clusters
                .values_mut()
                .flat_map(|cluster| cluster.eks.pod_identity_associations.values_mut());
            let association = all
                .find(|association| association.arn == arn)
                .ok_or_else(|| Refusal::new("NotFoundException", "The specified resource was not found."))?;
            check_tags(tags)?;
            association.tags.extend(tags.clone());
            Ok(())
        })
        .await
    }

    async fn delete_pod_identity_association(&self, cluster: &str, id: &str) -> Result<(), CallError> {
        let object = format!("{cluster}, association {id}");
        let call = writing("eks", "DeletePodIdentityAssociation", &object);
        self.call(call, |world, _| {
            world.association(cluster, &self.region, id)?;
            world.associations(cluster, &self.region)?.remove(id);
            Ok(())
        })
        .await
    }
}

impl World {
    fn associations(
        &mut self,
        cluster: &str,
        region: &str,
    ) -> Result<&mut BTreeMap<String, PodIdentityAssociation>, Refusal> {
        let simulated = self.simulated_mut(cluster, region)?;
        Ok(&mut simulated.eks.pod_identity_associations)
    }

    fn association(
        &mut self,
        cluster: &str,
        region: &str,
        id: &str,
    ) -> Result<&mut PodIdentityAssociation, Refusal> {
        self.associations(cluster, region)?
            .get_mut(id)
            .ok_or_else(|| no_association(cluster, id))
    }

    /// EKS `CreatePodIdentityAssociation`; gives the id.
    pub(super) fn create_association(
        &mut self,
        cluster: &str,
        region: &str,
        new: &NewPodIdentityAssociation,
        now: Timestamp,
    ) -> Result<String, Refusal> {
        check_name(&new.namespace, "namespace", false)?;
        check_name(&new.service_account, "serviceAccount", true)?;
        check_tags(&new.tags)?;
        self.check_role(&new.role_arn, now)?;
        let associations = self.associations(cluster, region)?;
        let same = associations.values().find(|association| {
            (&association.namespace, &association.service_account) == (&new.namespace, &new.service_account)
        });
        if let Some(same) = same {
            let message = format!("Association already exists: {}", same.id);
            return Err(Refusal::new("ResourceInUseException", message).of_kind(CallErrorKind::AlreadyExists));
        }
        if associations.len() >= MOST {
            return Err(Refusal::new(
                "ResourceLimitExceededException",
                "The maximum number of pod identity associations per cluster was reached.",
            )
            .of_kind(CallErrorKind::LimitExceeded));
        }
        let id = format!("a-{}", self.next_alphanumeric(17).to_ascii_lowercase());
        let mut association = PodIdentityAssociation {
            arn: format!(
                "arn:{}:eks:{region}:{}:podidentityassociation/{cluster}/{id}",
                self.partition, self.account
            ),
            id: id.clone(),
            namespace: new.namespace.clone(),
            service_account: new.service_account.clone(),
            role_arn: new.role_arn.clone(),
            target_role_arn: new.target_role_arn.clone().filter(|arn| !arn.is_empty()),
            disable_session_tags: new.disable_session_tags,
            policy: new.policy.clone().filter(|policy| !policy.is_empty()),
            tags: new.tags.clone(),
            created_at: Some(now),
            ..PodIdentityAssociation::default()
        };
        check_policy(&association)?;
        self.give_external_id(cluster, region, &mut association);
        self.associations(cluster, region)?
            .insert(id.clone(), association);
        Ok(id)
    }

    /// EKS `UpdatePodIdentityAssociation`: what is absent stays, `""` is cleared.
    pub(super) fn update_association(
        &mut self,
        cluster: &str,
        region: &str,
        id: &str,
        update: &PodIdentityAssociationUpdate,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let mut association = self.association(cluster, region, id)?.clone();
        if *update == PodIdentityAssociationUpdate::default() {
            return Err(Refusal::new(
                "InvalidParameterException",
                "At least one of the parameters must be changed.",
            ));
        }
        let cleared = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
        if let Some(role_arn) = &update.role_arn {
            self.check_role(role_arn, now)?;
            association.role_arn.clone_from(role_arn);
        }
        if let Some(target) = &update.target_role_arn {
            association.target_role_arn = cleared(target);
        }
        if let Some(disabled) = update.disable_session_tags {
            association.disable_session_tags = disabled;
        }
        if let Some(policy) = &update.policy {
            association.policy = cleared(policy);
        }
        check_policy(&association)?;
        self.give_external_id(cluster, region, &mut association);
        *self.association(cluster, region, id)? = association;
        Ok(())
    }

    /// EKS looks at the role as IAM shows it: of the cluster's account, there, and trusting the service.
    fn check_role(&self, arn: &str, now: Timestamp) -> Result<(), Refusal> {
        let own = format!("arn:{}:iam::{}:role/", self.partition, self.account);
        let Some(path) = arn.strip_prefix(&own) else {
            return Err(Refusal::new(
                "AccessDeniedException",
                "Cross-account pass role is not allowed.",
            ));
        };
        let name = path.rsplit('/').next().unwrap_or(path);
        let Ok(role) = self.role_as_shown(name, now) else {
            return Err(Refusal::new(
                "InvalidParameterException",
                "Role provided in the request does not exist",
            ));
        };
        if role.arn == arn && trusts_pods(&role.trust_policy) {
            return Ok(());
        }
        Err(Refusal::new(
            "InvalidParameterException",
            "Trust policy of the role provided is invalid",
        ))
    }

    /// Only with a target role: `REGION/ACCOUNT/CLUSTER/NAMESPACE/SERVICEACCOUNT` (EKS user guide,
    /// `pod-id-assign-target-role`).
    fn give_external_id(&self, cluster: &str, region: &str, association: &mut PodIdentityAssociation) {
        association.external_id = association.target_role_arn.as_ref().map(|_| {
            format!(
                "{region}/{}/{cluster}/{}/{}",
                self.account, association.namespace, association.service_account
            )
        });
    }
}

/// Whether a trust policy lets the service in at all; what the session's tags would be is not looked at.
fn trusts_pods(trust_policy: &Value) -> bool {
    let request = TrustRequest {
        action: "sts:AssumeRole",
        principal_kind: "Service",
        principal: "pods.eks.amazonaws.com",
        context: &RequestContext::default(),
    };
    matches!(
        judge(trust_policy, &request),
        TrustVerdict::Allowed | TrustVerdict::Depends(_)
    )
}

fn check_policy(association: &PodIdentityAssociation) -> Result<(), Refusal> {
    match &association.policy {
        None => Ok(()),
        Some(_) if !association.disable_session_tags => Err(Refusal::new(
            "InvalidParameterException",
            "When policy is specified, disableSessionTags must be set to true",
        )),
        Some(policy) if serde_json::from_str::<Value>(policy).is_ok_and(|policy| policy.is_object()) => {
            Ok(())
        }
        Some(_) => Err(Refusal::new(
            "InvalidParameterException",
            "The policy is not valid JSON.",
        )),
    }
}

fn check_tags(tags: &BTreeMap<String, String>) -> Result<(), Refusal> {
    if tags.len() > 50
        || tags
            .keys()
            .any(|key| key.to_ascii_lowercase().starts_with("aws:"))
    {
        return Err(Refusal::new(
            "InvalidParameterException",
            "The tags are not valid: at most 50, and none may begin with aws:.",
        ));
    }
    Ok(())
}

fn check_name(name: &str, parameter: &str, dots: bool) -> Result<(), Refusal> {
    let is_inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let is_label = |label: &str| {
        !label.is_empty() && label.bytes().all(is_inner) && !label.starts_with('-') && !label.ends_with('-')
    };
    let is_legal = if dots {
        name.split('.').all(is_label)
    } else {
        is_label(name)
    };
    if is_legal {
        return Ok(());
    }
    Err(Refusal::new(
        "InvalidParameterException",
        format!("The {parameter} parameter format is not valid"),
    ))
}

fn no_association(cluster: &str, id: &str) -> Refusal {
    Refusal::new(
        "ResourceNotFoundException",
        format!("The specified association was not found: {id} in cluster {cluster}"),
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::aws::role::NewRole;
    use crate::state::Seed;

    const REGION: &str = "us-west-2";

    fn world() -> World {
        let mut world = World::seeded(&Seed {
            cluster: "prod".to_owned(),
            region: REGION.to_owned(),
            account: None,
        });
        for (name, service) in [
            ("reader", "pods.eks.amazonaws.com"),
            ("node", "ec2.amazonaws.com"),
        ] {
            let trust_policy = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
                "Principal": {"Service": service}, "Action": ["sts:AssumeRole", "sts:TagSession"]}]});
            let role = NewRole {
                name: name.to_owned(),
                path: "/".to_owned(),
                trust_policy,
                max_session_seconds: None,
                permissions_boundary: None,
                tags: BTreeMap::new(),
            };
            world.create_role(role).unwrap();
        }
        world
    }

    fn new(role: &str) -> NewPodIdentityAssociation {
        NewPodIdentityAssociation {
            namespace: "app".to_owned(),
            service_account: "reader".to_owned(),
            role_arn: role.to_owned(),
            target_role_arn: None,
            disable_session_tags: false,
            policy: None,
            tags: BTreeMap::new(),
            client_request_token: String::new(),
        }
    }

    fn created(world: &mut World, new: &NewPodIdentityAssociation) -> Result<String, Refusal> {
        world.create_association("prod", REGION, new, Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn wrong_request_is_refused_in_the_words_of_eks() {
        let reader = "arn:aws:iam::111122223333:role/reader";
        let with = |change: fn(&mut NewPodIdentityAssociation)| {
            let mut new = new(reader);
            change(&mut new);
            new
        };
        for (new, words) in [
            (
                new("arn:aws:iam::444455556666:role/reader"),
                "Cross-account pass role is not allowed.",
            ),
            (new(""), "Cross-account pass role is not allowed."),
            (
                new("arn:aws:iam::111122223333:role/none"),
                "Role provided in the request does not exist",
            ),
            (
                new("arn:aws:iam::111122223333:role/node"),
                "Trust policy of the role provided is invalid",
            ),
            (
                with(|new| new.policy = Some("{}".to_owned())),
                "When policy is specified, disableSessionTags must be set to true",
            ),
            (
                with(|new| new.namespace = "A_b".to_owned()),
                "The namespace parameter format is not valid",
            ),
            (
                with(|new| new.service_account = "a..b".to_owned()),
                "The serviceAccount parameter format is not valid",
            ),
        ] {
            let refused = created(&mut world(), &new).unwrap_err();
            assert_eq!(refused.message, words);
        }
        assert!(created(&mut world(), &with(|new| new.service_account = "a.b".to_owned())).is_ok());
    }

    #[test]
    fn association_has_an_id_of_nineteen_characters_and_is_there_once() {
        let mut world = world();
        let new = new("arn:aws:iam::111122223333:role/reader");
        let id = created(&mut world, &new).unwrap();
        assert_eq!(id.len(), 19);
        let again = created(&mut world, &new).unwrap_err();
        assert_eq!(again.kind, CallErrorKind::AlreadyExists);
        assert_eq!(again.message, format!("Association already exists: {id}"));
    }

    #[test]
    fn empty_target_is_cleared_and_an_absent_one_stays() {
        let mut world = world();
        let id = created(
            &mut world,
            &NewPodIdentityAssociation {
                target_role_arn: Some("arn:aws:iam::444455556666:role/data".to_owned()),
                ..new("arn:aws:iam::111122223333:role/reader")
            },
        )
        .unwrap();
        let mut update = PodIdentityAssociationUpdate {
            disable_session_tags: Some(true),
            ..PodIdentityAssociationUpdate::default()
        };
        let mut after = |update: &PodIdentityAssociationUpdate| {
            world
                .update_association("prod", REGION, &id, update, Timestamp::UNIX_EPOCH)
                .unwrap();
            world.association("prod", REGION, &id).unwrap().clone()
        };
        let kept = after(&update);
        assert!(kept.target_role_arn.is_some() && kept.disable_session_tags);
        assert_eq!(
            kept.external_id.as_deref(),
            Some("us-west-2/111122223333/prod/app/reader")
        );
        update.target_role_arn = Some(String::new());
        let cleared = after(&update);
        assert_eq!((cleared.target_role_arn, cleared.external_id), (None, None));
    }
}
