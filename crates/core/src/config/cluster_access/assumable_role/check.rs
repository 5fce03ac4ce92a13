//! The rules of roles that people or pipelines assume: names, whom the trust policy may name, what IAM takes.
//!
//! Sources: IAM's `CreateRole`; <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_mfa_configure-api-require.html> (a
//! session of a role carries no MFA).

use super::{AssumableRole, AssumedBy, OidcSubjects, named_role};
use crate::config::ClusterConfig;
use crate::config::cluster_access::identity_mapping::permission_set;
use crate::config::cluster_access::managed_policy::{path, reference};
use crate::config::diagnostic::quoted;
use crate::config::finding::{Finding, Findings};
use crate::config::location::Located;
use crate::config::path::FieldPath;
use crate::config::validate::iam::{Wanted, arn, document};
use crate::config::validate::tags;
use eksact_identity::iam::arn::{is_account_id, is_role_name};
use eksact_identity::iam::trust::provider_url;
use eksact_identity::iam::{Arn, Partition};
use eksact_message::code::Code;
use eksact_message::remedy::Remedy;

pub(in crate::config::cluster_access) const LIST: &str = "roles";
/// What else a policy may be is told in the words of a service account.
const POLICY: Wanted = Wanted::Policy {
    role_in: "attachRoleARN",
};
/// What IAM takes as `MaxSessionDuration`.
const SESSION_SECONDS: std::ops::RangeInclusive<u32> = 3_600..=43_200;

/// Checks the roles of one document, for a cluster in `partition`.
pub(in crate::config::cluster_access) fn check(
    roles: &[AssumableRole],
    partition: Partition,
    findings: &mut Findings,
) {
    for (index, role) in roles.iter().enumerate() {
        if findings.is_full() {
            return;
        }
        let mut found = Vec::new();
        let here = FieldPath::of(LIST).index(index);
        Check {
            partition,
            path: here.clone(),
            found: &mut found,
        }
        .role(role);
        for finding in found {
            let location = finding.location.clone().or_else(|| role.location.clone());
            findings.push(Finding { location, ..finding });
        }
        tags::check(&role.tags, &here.key("tags"), findings);
    }
}

struct Check<'a> {
    partition: Partition,
    path: FieldPath,
    found: &'a mut Vec<Finding>,
}

impl Check<'_> {
    fn refuse<T>(&mut self, path: FieldPath, at: &Located<T>, message: String, help: Option<Remedy>) {
        let finding = Finding::error(Code::AssumableRole, path, message).located(at.location.as_ref());
        self.found.push(match help {
            Some(help) => finding.help(help),
            None => finding,
        });
    }

    fn role(&mut self, role: &AssumableRole) {
        let name = &role.name;
        let here = self.path.key("name");
        if name.value.is_empty() {
            let message = format!("{here} must be set");
            self.found
                .push(Finding::error(Code::Missing, here, message).explained_from_below());
        } else if !is_role_name(&name.value) && !name.value.contains("${") {
            let message = format!("{} cannot be the name of an IAM role", quoted(&name.value));
            let help =
                remedy!("a role's name has 1 to 64 letters, digits and `_+=,.@-`; its path stands in `path`");
            self.refuse(here, name, message, Some(help));
        }
        path(role.path.as_ref(), self.path.key("path"), self.found);
        for (index, policy) in role.policies.iter().enumerate() {
            let here = self.path.key("policies").index(index);
            arn(policy, POLICY, self.partition, here, self.found);
        }
        if let Some(boundary) = &role.permissions_boundary {
            let here = self.path.key("permissionsBoundary");
            arn(boundary, POLICY, self.partition, here, self.found);
        }
        if let Some(policy) = &role.inline_policy {
            document(policy, &self.path.key("inlinePolicy"), self.found);
        }
        if let Some(duration) = &role.max_session_duration
            && !SESSION_SECONDS.contains(&duration.value)
        {
            let here = self.path.key("maxSessionDuration");
            let message = format!(
                "{here} must be between {} and {}",
                SESSION_SECONDS.start(),
                SESSION_SECONDS.end()
            );
            self.refuse(here, duration, message, None);
        }
        self.assumed_by(&role.assumed_by);
    }

    fn assumed_by(&mut self, by: &AssumedBy) {
        let path = self.path.key("assumedBy");
        if by.is_empty() {
            let message = format!("{path} names nobody: IAM takes no trust policy without anybody in it");
            self.found.push(
                Finding::error(Code::AssumableRole, path, message)
                    .help(remedy!("name users, roles, accounts, permissionSets or oidc"))
                    .explained_from_below(),
            );
            return;
        }
        for (kind, list) in [("user", &by.users), ("role", &by.roles)] {
            for (index, principal) in list.iter().enumerate() {
                let here = path.key(&format!("{kind}s")).index(index);
                self.principal(kind, principal, here);
            }
        }
        for (index, account) in by.accounts.iter().enumerate() {
            if !is_account_id(&account.value) && !account.value.contains("${") {
                let message = format!("{} is not an AWS account", quoted(&account.value));
                let help = remedy!("write its twelve digits, in quotes");
                self.refuse(path.key("accounts").index(index), account, message, Some(help));
            }
        }
        for (index, name) in by.permission_sets.iter().enumerate() {
            let mut found = Findings::default();
            permission_set(&name.value, &path.key("permissionSets").index(index), &mut found);
            self.found.extend(found.into_vec());
        }
        for (index, oidc) in by.oidc.iter().enumerate() {
            self.oidc(oidc, &path.key("oidc").index(index));
        }
        if by.mfa && !(by.roles.is_empty() && by.permission_sets.is_empty()) {
            let message = format!(
                "{path}: mfa cannot be asked of roles or permissionSets: a session of a role carries no MFA"
            );
            self.found.push(
                Finding::error(Code::AssumableRole, path.key("mfa"), message)
                    .help(remedy!("make a role of its own for those who come with MFA"))
                    .at_key(),
            );
        }
        let only_tokens = by.users.is_empty()
            && by.roles.is_empty()
            && by.accounts.is_empty()
            && by.permission_sets.is_empty();
        let idle = [
            ("mfa", by.mfa),
            ("sessionName", by.session_name.is_some()),
            ("externalID", by.external_id.is_some()),
        ];
        for (key, _) in idle.into_iter().filter(|(_, is_set)| *is_set && only_tokens) {
            let message = format!("{key} has no effect: all that may assume the role do so with a token");
            self.found
                .push(Finding::warning(Code::NoEffect, path.key(key), message).at_key());
        }
    }

    /// A user or role: by its ARN, its name, or as one of the files, which is looked at where all of them are known.
    fn principal(&mut self, kind: &str, principal: &Located<String>, here: FieldPath) {
        let text = principal.value.as_str();
        if text.contains("${") || text.trim().is_empty() {
            // Reported already.
            return;
        }
        if kind == "role" && named_role(text).is_some() {
            return;
        }
        if !text.starts_with("arn:") {
            if !is_role_name(text) {
                let message = format!("{} cannot be the name of an IAM {kind}", quoted(text));
                let help = remedy!("write its name without its path, or its ARN");
                self.refuse(here, principal, message, Some(help));
            }
            return;
        }
        let fits = text.parse::<Arn>().is_ok_and(|arn| {
            arn.service == "iam"
                && arn.region.is_empty()
                && arn.partition == self.partition
                && is_account_id(&arn.account)
                && arn.resource.starts_with(&format!("{kind}/"))
                && arn.resource.rsplit('/').next().is_some_and(is_role_name)
        });
        if !fits {
            let partition = self.partition;
            let message = format!(
                "{} is not the ARN of an IAM {kind} in the partition {partition}",
                quoted(text)
            );
            let help = remedy!("write it like arn:{partition}:iam::111122223333:{kind}/my-{kind}");
            self.refuse(here, principal, message, Some(help));
        }
    }

    fn oidc(&mut self, oidc: &OidcSubjects, path: &FieldPath) {
        let provider = &oidc.provider;
        let here = path.key("provider");
        if provider.value.is_empty() {
            let message = format!("{here} must be set");
            self.found
                .push(Finding::error(Code::Missing, here, message).explained_from_below());
        } else if !provider.value.contains("${")
            && provider_url(&format!("https://{}", provider.value)).is_err()
        {
            let message = format!(
                "{} is not the issuer of an OIDC provider",
                quoted(&provider.value)
            );
            let help = remedy!("write it without `https://`: token.actions.githubusercontent.com");
            self.refuse(here, provider, message, Some(help));
        }
        if oidc.subjects.is_empty() {
            let here = path.key("subjects");
            let message =
                format!("{here} must be set: without it every token of the provider would open the role");
            self.found
                .push(Finding::error(Code::Missing, here, message).explained_from_below());
        }
        for (index, subject) in oidc.subjects.iter().enumerate() {
            self.oidc_subject(subject, path.key("subjects").index(index));
        }
    }

    /// A subject that every token of the provider has is refused; one that strangers' may have is warned of.
    fn oidc_subject(&mut self, subject: &Located<String>, here: FieldPath) {
        let text = subject.value.as_str();
        if text.trim().is_empty() {
            // Reported already.
            return;
        }
        if text.chars().all(|letter| matches!(letter, '*' | '?')) {
            let message = format!("{} lets in every token of the provider", quoted(text));
            let help = remedy!("name whose tokens: `repo:ORGANISATION/REPOSITORY:ref:refs/heads/main`");
            self.refuse(here, subject, message, Some(help));
            return;
        }
        if names_no_owner(text) {
            let message = format!(
                "{} says nothing of whose tokens they are before its first wildcard: strangers at the provider may have such ones",
                quoted(text)
            );
            self.found.push(
                Finding::warning(Code::AssumableRole, here, message).located(subject.location.as_ref()),
            );
        }
    }
}

/// Whether a subject has a wildcard before anything that ends an owner's name: `repo:*`, `repo:acme*`. `repo:acme/*` and
/// `system:serviceaccount:app:*` name one.
fn names_no_owner(subject: &str) -> bool {
    let Some((before, _)) = subject.split_once(['*', '?']) else {
        return false;
    };
    !subject.contains("${") && !before.contains('/') && before.matches(':').count() < 2
}

/// What names a role that the files do not have.
pub(in crate::config::cluster_access) fn unknown_names(config: &ClusterConfig) -> Vec<Finding> {
    config
        .role_references()
        .filter_map(|(text, place)| {
            let name = named_role(text)?;
            reference(LIST, name, place, config.names.roles.keys())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use crate::config::tests::{HEAD, said};

    #[test]
    fn role_lets_in_no_role_that_the_files_do_not_have() {
        let second = |lets_in: &str| {
            said(&format!(
                "{HEAD}---\napiVersion: eksact.dev/v1alpha1\nkind: ClusterAccess\nroles:\n- name: first\n  assumedBy: {{users: [nina]}}\n- name: second\n  assumedBy: {{roles: ['{lets_in}']}}\n"
            ))
        };
        assert_eq!(second("role:first"), "");
        let text = second("role:frist");
        assert!(text.contains("error: no file has `frist` in `roles`"), "{text}");
        assert!(text.contains("did you mean `first`?"), "{text}");
    }

    #[test]
    fn subjects_that_let_in_strangers() {
        for (subject, expected) in [
            ("*", "error: `*` lets in every token"),
            ("?*", "error: `?*` lets in every token"),
            ("*?", "error: `*?` lets in every token"),
            ("repo:*", "warning: `repo:*` says nothing of whose tokens"),
            ("repo:acme*", "warning: `repo:acme*` says nothing of whose tokens"),
            ("repo:acme/*", ""),
            ("repo:acme/shop:ref:refs/heads/main", ""),
            ("system:serviceaccount:app:*", ""),
        ] {
            let text = said(&format!(
                "{HEAD}---\napiVersion: eksact.dev/v1alpha1\nkind: ClusterAccess\nroles:\n- name: r\n  assumedBy: {{oidc: [{{provider: token.actions.githubusercontent.com, subjects: ['{subject}']}}]}}\n"
            ));
            assert!(
                text.contains(expected) && text.is_empty() == expected.is_empty(),
                "{subject}: {text}"
            );
        }
    }
}
