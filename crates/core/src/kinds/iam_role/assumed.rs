//! Roles that people or pipelines assume: whom their trust policy names, and whether these exist. IAM takes no trust policy that
//! names a user or role of the account who does not.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    config::{
        Located,
        assumable_role::{AssumableRole, OidcSubjects, named_role},
    },
    engine::{Address, Finding, Severity},
    kinds::{Request, permission_set, provider_intent::ProviderIntent},
    live::{Live, LiveReader, OidcProviderByArn, PermissionSetRoles, PrincipalByArn, RoleByName, addresses},
};
use eksact_identity::{
    cloudformation::RoleOwner,
    iam::{
        Arn, Partition,
        assumed_role::{AssumedBy, OidcProviderTrust},
        trust::{AUDIENCE, issuer_without_scheme, provider_arn},
    },
};
use eksact_message::code::Code;

/// The roles that shall be there.
pub(super) fn wanted(request: &Request) -> &[AssumableRole] {
    &request.config.access.roles
}

/// Whether those of ours that the files do not have shall go: only where a file has the list.
pub(super) fn is_pruned(request: &Request) -> bool {
    request.settings.prune && request.config.access.states_roles
}

/// Whether the files have this role. IAM takes names that differ in case alone for one.
pub(super) fn is_wanted(request: &Request, owner: &RoleOwner) -> bool {
    let name = owner.account.name.as_str();
    wanted(request)
        .iter()
        .any(|role| role.name.value.eq_ignore_ascii_case(name))
}

/// Reads whom trust policies name, and the roles that the files mean by their names.
pub(super) async fn read(request: &Request, reader: &LiveReader) {
    let so_far = reader.snapshot();
    let principals = principals(request, so_far.partition, &so_far.account);
    let providers = providers(request, so_far.partition, &so_far.account);
    let permission_sets = async {
        if names_permission_sets(request) {
            reader.ask(PermissionSetRoles).await;
        }
    };
    // A listing of all roles does not tell how long their sessions may last: each is read alone.
    let roles = async {
        for role in wanted(request) {
            reader.ask(RoleByName(role.name.value.clone())).await;
        }
    };
    tokio::join!(
        reader.read(principals),
        reader.read(providers),
        permission_sets,
        roles
    );
}

/// The users and roles of the account that trust policies name and that the files do not make themselves.
fn principals(request: &Request, partition: Partition, account: &str) -> BTreeSet<PrincipalByArn> {
    let people = wanted(request).iter().flat_map(|role| {
        let by = &role.assumed_by;
        let users = by
            .users
            .iter()
            .map(move |user| arn_of("user", &user.value, partition, account));
        let roles = by
            .roles
            .iter()
            .filter(|role| named_role(&role.value).is_none())
            .map(move |role| arn_of("role", &role.value, partition, account));
        users.chain(roles)
    });
    people
        .filter(|arn| arn.split(':').nth(4) == Some(account))
        .map(PrincipalByArn)
        .collect()
}

/// Whether some trust policy names a permission set.
pub(super) fn names_permission_sets(request: &Request) -> bool {
    wanted(request)
        .iter()
        .any(|role| !role.assumed_by.permission_sets.is_empty())
}

/// The OIDC providers that trust policies name.
fn providers(request: &Request, partition: Partition, account: &str) -> BTreeSet<OidcProviderByArn> {
    let named = wanted(request).iter().flat_map(|role| &role.assumed_by.oidc);
    named
        .filter_map(|subjects| provider_of(subjects, partition, account))
        .map(|(arn, _)| OidcProviderByArn(arn))
        .collect()
}

/// Whether some trust policy names an OIDC provider.
pub(super) fn names_providers(request: &Request) -> bool {
    wanted(request)
        .iter()
        .any(|role| !role.assumed_by.oidc.is_empty())
}

/// The ARN of a provider, and its issuer without `https://`. What is no issuer is an error of the file.
fn provider_of(subjects: &OidcSubjects, partition: Partition, account: &str) -> Option<(String, String)> {
    let issuer = format!("https://{}", subjects.provider.value);
    let arn = provider_arn(partition, account, &issuer).ok()?;
    Some((arn.to_string(), issuer_without_scheme(&issuer).ok()?))
}

/// What is there before this role: the roles of the files that it lets in, and the cluster's provider, where it names that one.
pub(super) fn after(role: &AssumableRole, live: &Live) -> impl Iterator<Item = Address> {
    let by = &role.assumed_by;
    let own = live.provider_arn();
    let names_own = by.oidc.iter().any(|subjects| {
        let arn = provider_of(subjects, live.partition, &live.account).map(|(arn, _)| arn);
        arn.is_some() && arn == own
    });
    let provider = names_own.then(|| addresses::oidc_provider(&live.cluster.name));
    let roles = by.roles.iter();
    roles
        .filter_map(|role| Some(addresses::assumable_role(named_role(&role.value)?)))
        .chain(provider)
}

/// An ARN as it is, or that of the user or role of this name in the account.
fn arn_of(kind: &str, text: &str, partition: Partition, account: &str) -> String {
    if text.starts_with("arn:") {
        text.to_owned()
    } else {
        Arn::iam(partition, account, &format!("{kind}/{text}")).to_string()
    }
}

/// Who may assume a role, and what is to be said of them. With an error among that, the trust policy cannot be written.
pub(super) fn assumed_by(request: &Request, live: &Live, role: &AssumableRole) -> (AssumedBy, Vec<Finding>) {
    let mut people = People {
        live,
        address: addresses::assumable_role(&role.name.value),
        principals: BTreeSet::new(),
        findings: Vec::new(),
    };
    let by = &role.assumed_by;
    for user in &by.users {
        people.add("user", user);
    }
    for other in &by.roles {
        match request
            .config
            .names
            .role_arn(&other.value, live.partition, &live.account)
        {
            Some(arn) => drop(people.principals.insert(arn)),
            None => people.add("role", other),
        }
    }
    for account in &by.accounts {
        let root = Arn::iam(live.partition, &account.value, "root");
        people.principals.insert(root.to_string());
    }
    for name in &by.permission_sets {
        match permission_set::resolve(&name.value, None, &people.address, live) {
            Ok(arn) => drop(people.principals.insert(arn.to_string())),
            Err(finding) => people.findings.push(finding.at(name.location.as_ref())),
        }
    }
    let mut oidc: BTreeMap<OidcProviderTrust, BTreeSet<String>> = BTreeMap::new();
    for subjects in &by.oidc {
        let Some((arn, issuer)) = provider_of(subjects, live.partition, &live.account) else {
            continue;
        };
        // The cluster's own may be one that the same file makes.
        let is_made = request.provider_intent() == ProviderIntent::Ensure;
        if !(is_made && live.provider_arn().as_ref() == Some(&arn)) {
            people.provider(&arn, &subjects.provider);
        }
        let audience = subjects.audience.as_ref();
        let provider = OidcProviderTrust {
            arn,
            issuer,
            audience: audience.map_or_else(|| AUDIENCE.to_owned(), |audience| audience.value.clone()),
        };
        let own = subjects.subjects.iter().map(|subject| subject.value.clone());
        oidc.entry(provider).or_default().extend(own);
    }
    let text = |text: &Option<Located<String>>| text.as_ref().map(|text| text.value.clone());
    let People {
        principals, findings, ..
    } = people;
    let by = AssumedBy {
        principals,
        mfa: by.mfa,
        session_name: text(&by.session_name),
        external_id: text(&by.external_id),
        oidc,
    };
    (by, findings)
}

/// Whether one of these is an error.
pub(super) fn refuse(findings: &[Finding]) -> bool {
    findings.iter().any(|finding| finding.severity == Severity::Error)
}

struct People<'plan> {
    live: &'plan Live,
    address: Address,
    principals: BTreeSet<String>,
    findings: Vec<Finding>,
}

impl People<'_> {
    /// A user or role by its ARN or name. Of another account nothing can be read, and IAM tells when it is written.
    fn add(&mut self, kind: &str, named: &Located<String>) {
        let arn = arn_of(kind, &named.value, self.live.partition, &self.live.account);
        if arn.split(':').nth(4) != Some(self.live.account.as_str()) {
            self.principals.insert(arn);
            return;
        }
        let finding = match self.live.principal(&arn) {
            // By its name alone it is the one of that name, whatever its path.
            Some(Ok(Some(principal))) if principal.arn == arn || !named.value.starts_with("arn:") => {
                self.principals.insert(principal.arn.clone());
                return;
            }
            Some(Ok(Some(principal))) => self.error(
                format!("there is no {kind} {arn}: the {kind} of that name is {}", principal.arn),
            )
            .with_help(remedy!("Write {}.", principal.arn)),
            Some(Ok(None)) => self
                .error(format!(
                    "there is no {kind} {arn}: IAM takes no trust policy that names somebody who does not exist"
                ))
                .with_help(remedy!("Correct the name, take it out, or create the {kind} first.")),
            Some(Err(cause)) => {
                let message = format!("whether the {kind} {arn} exists could not be read: {cause}");
                let finding = Finding::new(Severity::Warning, Code::TrustedPrincipalUnknown, message)
                    .about(&self.address);
                self.principals.insert(arn.clone());
                finding.with_help_for(cause)
            }
            None => {
                self.principals.insert(arn);
                return;
            }
        };
        self.findings.push(finding.at(named.location.as_ref()));
    }

    /// The provider of tokens. IAM would take a trust policy with one that is not there, and no token would open the role.
    fn provider(&mut self, arn: &str, named: &Located<String>) {
        let finding = match self.live.oidc_provider_by_arn(arn) {
            Some(Ok(None)) => self
                .error(format!(
                    "there is no OIDC provider {arn}: no token of {} would open the role",
                    named.value
                ))
                .with_help(remedy!(
                    "Correct the name, take it out, or create the provider in IAM first."
                )),
            Some(Err(cause)) => {
                let message = format!("whether the OIDC provider {arn} exists could not be read: {cause}");
                Finding::new(Severity::Warning, Code::TrustedPrincipalUnknown, message)
                    .about(&self.address)
                    .with_help_for(cause)
            }
            Some(Ok(Some(_))) | None => return,
        };
        self.findings.push(finding.at(named.location.as_ref()));
    }

    fn error(&self, message: String) -> Finding {
        Finding::new(Severity::Error, Code::TrustedPrincipalMissing, message).about(&self.address)
    }
}
