//! Each service account that names a role by its annotation, and whether a pod identity association can take the annotation's place.
//!
//! An association gives the pods what the annotation gives them, and nothing else: an account whose annotation gives nothing gets
//! none, for whoever may annotate service accounts may not therefore hand out roles.

use std::collections::BTreeMap;

use crate::{
    live::{Live, ROLE_ANNOTATION},
    ports::{
        CallError,
        aws::{PodIdentityAssociation, Role},
        kubernetes::{Pod, PodPlace, ServiceAccount},
    },
};
use eksact_identity::{
    authn::irsa::{self, AUDIENCE_ANNOTATION},
    iam::{
        Arn,
        pod_identity::{PodIdentity, Trust},
        pod_trust::{names_exactly, with_accounts},
        policy::TrustVerdict,
        shared_trust::length,
        trust,
        web_identity::WebIdentityCall,
    },
    service_account::ServiceAccountKey,
};
use eksact_message::remedy::Remedy;

/// The field manager under which EKS writes the objects of add-ons
/// (<https://docs.aws.amazon.com/eks/latest/userguide/kubernetes-field-management.html>).
const ADDONS: &str = "eks";

/// An annotated service account and what becomes of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Account {
    /// Which.
    pub key: ServiceAccountKey,
    /// The annotation's value.
    pub role_arn: String,
    /// The name of that role, as the ARN has it.
    pub role: String,
    /// What becomes of it.
    pub fate: Fate,
    /// Its pods that run; none where they could not be read.
    pub pods: Result<Vec<Pod>, CallError>,
}

/// What becomes of an annotated service account.
#[derive(Clone, Debug, PartialEq)]
pub enum Fate {
    /// It gets an association.
    Migrates,
    /// It has one with the same role.
    Done,
    /// It keeps the annotation alone.
    Refused {
        /// Why.
        why: String,
        /// What can be done, where something can.
        help: Option<Remedy>,
    },
}

impl Account {
    /// Its pods that still get their role by the annotation.
    pub fn old_pods(&self) -> impl Iterator<Item = &Pod> {
        let pods = self.pods.as_deref().unwrap_or_default();
        pods.iter().filter(|pod| pod.uses_annotation())
    }

    /// Whether nothing keeps it from losing its annotation: it moves, and no pod needs the annotation.
    pub fn is_free(&self) -> bool {
        self.moves() && self.pods.is_ok() && self.old_pods().next().is_none()
    }

    /// Whether it has an association, or gets one.
    pub fn moves(&self) -> bool {
        !matches!(self.fate, Fate::Refused { .. })
    }
}

/// The name of the role that a service account's annotation names, if that is a role of this account.
pub fn role_of(account: &ServiceAccount, aws_account: &str) -> Option<String> {
    let arn = account.annotations.get(ROLE_ANNOTATION)?.parse::<Arn>().ok()?;
    let name = arn.role_name().filter(|_| arn.account == aws_account)?;
    Some(name.to_owned())
}

/// What becomes of each of these accounts. `live` has their roles, their pods and the associations of those that have one.
pub fn accounts<'a>(live: &Live, annotated: impl IntoIterator<Item = &'a ServiceAccount>) -> Vec<Account> {
    let mut accounts: Vec<Account> = annotated
        .into_iter()
        .filter_map(|account| Subject::of(live, account))
        .map(Subject::account)
        .collect();
    accounts.sort_by(|left, right| left.key.cmp(&right.key));
    refuse_long(live, &mut accounts);
    accounts
}

/// Refuses all accounts of a role whose trust policy would become longer than IAM allows: one write serves all of them.
fn refuse_long(live: &Live, accounts: &mut [Account]) {
    let Some(Ok(Some(quota))) = live.trust_policy_quota() else {
        return;
    };
    let mut by_role: BTreeMap<String, Vec<&mut Account>> = BTreeMap::new();
    for account in accounts.iter_mut().filter(|account| account.moves()) {
        by_role.entry(account.role.clone()).or_default().push(account);
    }
    for (name, accounts) in by_role {
        let Some(Ok(Some(role))) = live.role(&name) else {
            continue;
        };
        let keys: Vec<ServiceAccountKey> = accounts.iter().map(|account| account.key.clone()).collect();
        let Ok(after) = with_accounts(&role.trust_policy, &live.cluster.arn, &keys) else {
            continue;
        };
        let characters = length(&after);
        if after == role.trust_policy || characters <= *quota {
            continue;
        }
        for account in accounts {
            account.fate = refused(
                format!(
                    "the trust policy of role {name} would have {characters} characters, and IAM accepts {quota} in this account"
                ),
                irsa::quota_help(characters),
            );
        }
    }
}

fn refused(why: impl Into<String>, help: Option<Remedy>) -> Fate {
    Fate::Refused {
        why: why.into(),
        help,
    }
}

struct Subject<'a> {
    live: &'a Live,
    key: ServiceAccountKey,
    account: &'a ServiceAccount,
    role_arn: &'a str,
}

impl<'a> Subject<'a> {
    fn of(live: &'a Live, account: &'a ServiceAccount) -> Option<Self> {
        Some(Self {
            live,
            key: ServiceAccountKey::new(&account.namespace, &account.name),
            account,
            role_arn: account.annotations.get(ROLE_ANNOTATION)?,
        })
    }

    fn account(self) -> Account {
        let pods = match self.live.pods_of(&self.key) {
            Some(pods) => pods.clone(),
            None => Ok(Vec::new()),
        };
        let fate = match self.fate(pods.as_deref().unwrap_or_default()) {
            Ok(fate) | Err(fate) => fate,
        };
        Account {
            role: role_of(self.account, &self.live.account).unwrap_or_default(),
            role_arn: self.role_arn.to_owned(),
            key: self.key,
            fate,
            pods,
        }
    }

    fn fate(&self, pods: &[Pod]) -> Result<Fate, Fate> {
        self.check_addon()?;
        let association = match self.live.pod_identity_association(&self.key) {
            Some(Ok(association)) => association,
            Some(Err(error)) => {
                return Err(refused(
                    format!("whether it has an association is not known: {error}"),
                    None,
                ));
            }
            None => None,
        };
        if let Some(association) = association {
            self.check_association(association)?;
        }
        let role = self.role()?;
        if association.is_some() && self.is_let_in(role) {
            return Ok(Fate::Done);
        }
        check_pods(pods)?;
        self.check_trust(role)?;
        if let Err(error) = with_accounts(&role.trust_policy, &self.live.cluster.arn, [&self.key]) {
            return Err(refused(
                format!(
                    "the trust policy of role {} cannot let EKS Pod Identity in: {error}",
                    role.name
                ),
                None,
            ));
        }
        Ok(match association {
            Some(_) => Fate::Done,
            None => Fate::Migrates,
        })
    }

    fn check_addon(&self) -> Result<(), Fate> {
        let mut managers = self.account.field_managers.iter();
        if !managers.any(|manager| manager.manager == ADDONS && manager.annotations.contains(ROLE_ANNOTATION))
        {
            return Ok(());
        }
        Err(refused(
            "an add-on of EKS sets its annotation",
            Some(remedy!(
                "Let the add-on change it (`aws eks list-addons --region {} --cluster-name {}` lists them): `aws eks update-addon` with \
                 --pod-identity-associations, which takes the whole list, makes the association and removes the annotation.",
                self.live.region,
                self.live.cluster.name
            )),
        ))
    }

    fn check_association(&self, association: &PodIdentityAssociation) -> Result<(), Fate> {
        if let Some(owner) = association.owner() {
            return Err(refused(
                format!("its association belongs to the add-on {owner}, which alone changes it"),
                None,
            ));
        }
        let differs = if association.role_arn != self.role_arn {
            format!("names the role {}", association.role_arn)
        } else if let Some(target) = &association.target_role_arn {
            format!("has the target role {target}")
        } else if association.policy.is_some() {
            "limits the session by a policy".to_owned()
        } else {
            return Ok(());
        };
        Err(refused(
            format!(
                "it has an association already, which {differs}: the annotation says otherwise, and the association counts"
            ),
            None,
        ))
    }

    fn role(&self) -> Result<&'a Role, Fate> {
        let Some(arn) = self
            .role_arn
            .parse::<Arn>()
            .ok()
            .filter(|arn| arn.role_name().is_some())
        else {
            return Err(refused(
                format!("its annotation `{}` is no ARN of a role", self.role_arn),
                None,
            ));
        };
        if arn.account != self.live.account {
            return Err(refused(
                format!(
                    "the role {} is in account {}, and EKS takes only roles of the cluster's account {}",
                    self.role_arn, arn.account, self.live.account
                ),
                Some(remedy!(
                    "Make an association with a role of account {} and the other as its target: `eksact create podidentityassociation \
                     --cluster {} --region {} --namespace {} --service-account-name {} --role-arn … --target-role-arn {}`.",
                    self.live.account,
                    self.live.cluster.name,
                    self.live.region,
                    self.key.namespace,
                    self.key.name,
                    self.role_arn
                )),
            ));
        }
        let name = arn.role_name().unwrap_or_default();
        let role = match self.live.role(name) {
            Some(Ok(Some(role))) if role.arn == self.role_arn => role.as_ref(),
            Some(Ok(Some(role))) => {
                return Err(refused(
                    format!("the role {} does not exist; {} does", self.role_arn, role.arn),
                    None,
                ));
            }
            Some(Ok(None)) | None => {
                return Err(refused(
                    format!("the role {} does not exist", self.role_arn),
                    None,
                ));
            }
            Some(Err(error)) => return Err(refused(format!("its role could not be read: {error}"), None)),
        };
        if role.is_reserved() {
            return Err(refused(
                format!(
                    "the role {} belongs to AWS: no one else may write its trust policy",
                    role.arn
                ),
                None,
            ));
        }
        Ok(role)
    }

    fn is_let_in(&self, role: &Role) -> bool {
        let identity = PodIdentity {
            cluster_arn: &self.live.cluster.arn,
            account: &self.key,
            has_session_tags: true,
        };
        identity.judge(&role.trust_policy) == Trust::Given
    }

    /// That the annotation gives the role now, to this account by its name, and whatever else is so.
    fn check_trust(&self, role: &Role) -> Result<(), Fate> {
        let (Some(provider_arn), Some(issuer)) = (self.live.provider_arn(), self.live.issuer_host_path())
        else {
            return Err(refused(
                "the cluster has no issuer, so that its annotation gives no role",
                None,
            ));
        };
        let audience = self.account.annotations.get(AUDIENCE_ANNOTATION);
        let call = WebIdentityCall {
            provider_arn,
            issuer,
            subject: trust::subject(&self.key.namespace, &self.key.name),
            audience: audience.map_or(trust::AUDIENCE, String::as_str).to_owned(),
            account: self.live.account.clone(),
            time: None,
        };
        let name = &role.name;
        match call.judged_by(&role.trust_policy) {
            TrustVerdict::Allowed if names_exactly(&role.trust_policy, &call) => Ok(()),
            TrustVerdict::Allowed => Err(refused(
                format!(
                    "the trust policy of role {name} lets it in by a pattern that may fit other service accounts, too; there are \
                     associations for single service accounts only"
                ),
                None,
            )),
            TrustVerdict::Depends(_) => Err(refused(
                format!(
                    "the trust policy of role {name} lets it in on further conditions, which would not hold its association back"
                ),
                None,
            )),
            TrustVerdict::Denied | TrustVerdict::NotAllowed(_) | TrustVerdict::Unreadable => Err(refused(
                format!(
                    "the trust policy of role {name} does not let it in: its annotation gives its pods no role, and an association would"
                ),
                Some(remedy!(
                    "`eksact check irsa {}/{} --cluster {} --region {}` says why. Where the annotation \
                     is meant, repair the trust policy first.",
                    self.key.namespace,
                    self.key.name,
                    self.live.cluster.name,
                    self.live.region
                )),
            )),
        }
    }
}

/// That the pods which run would get their role by an association once they are restarted.
fn check_pods(pods: &[Pod]) -> Result<(), Fate> {
    for (place, words) in [
        (PodPlace::Fargate, "on Fargate"),
        (PodPlace::Windows, "on Windows"),
        (PodPlace::HybridNode, "on hybrid nodes"),
    ] {
        let there = names(pods.iter().filter(|pod| pod.place == Some(place)));
        if !there.is_empty() {
            return Err(refused(
                format!("pods of it run {words}, where EKS Pod Identity gives no credentials: {there}"),
                None,
            ));
        }
    }
    let own = names(pods.iter().filter(|pod| pod.names_role_itself()));
    if !own.is_empty() {
        return Err(refused(
            format!(
                "the template of its pods sets AWS_ROLE_ARN or AWS_WEB_IDENTITY_TOKEN_FILE, which SDKs prefer to an association: {own}"
            ),
            None,
        ));
    }
    Ok(())
}

/// The names of pods, for people.
pub fn names<'a>(pods: impl IntoIterator<Item = &'a Pod>) -> String {
    let names: Vec<&str> = pods.into_iter().map(|pod| pod.name.as_str()).collect();
    names.join(", ")
}
