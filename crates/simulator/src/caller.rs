//! Who calls in a sandbox: its creator, or whoever is named.

use std::str::FromStr;

use super::refusal::Refusal;
use super::state::World;
use eksact_core::ports::aws::CallerIdentity;
use eksact_identity::authn::arn::PrincipalKind;
use eksact_identity::authn::aws_auth::Identity;
use eksact_identity::authn::token_sandbox::SANDBOX_ACCESS_KEY;

/// The session of a role that is named without one.
const SESSION: &str = "sandbox";

/// A caller of the simulated account, as STS tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SimulatedCaller {
    /// ARN; of a role that of a session.
    pub arn: String,
    /// Account.
    pub account: String,
    /// Unique id, with the session's name for a role.
    pub user_id: String,
}

impl From<SimulatedCaller> for CallerIdentity {
    fn from(caller: SimulatedCaller) -> Self {
        Self {
            account: caller.account,
            arn: caller.arn,
            user_id: caller.user_id,
        }
    }
}

/// Why nobody can call by an ARN.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NotACaller(String);

impl SimulatedCaller {
    /// The caller of this ARN as STS has it, unchecked.
    pub(super) fn of_sts(arn: String) -> Self {
        let account = arn.split(':').nth(4).unwrap_or_default().to_owned();
        let session = arn
            .split_once(":assumed-role/")
            .and_then(|(_, rest)| rest.split_once('/'))
            .map(|(_, session)| session.to_owned());
        let user_id = match session {
            Some(session) => format!("AROASANDBOXSANDBOX123:{session}"),
            None if arn.ends_with(":root") => account.clone(),
            None => match arn.split_once(":federated-user/") {
                Some((_, name)) => format!("{account}:{name}"),
                None => "AIDASANDBOXSANDBOX123".to_owned(),
            },
        };
        Self {
            arn,
            account,
            user_id,
        }
    }

    /// A session of a role, whose path no session has.
    pub fn of_role(arn: &str, session: &str) -> Result<Self, NotACaller> {
        let named = arn
            .split_once(":iam::")
            .and_then(|(head, rest)| Some((head, rest.split_once(":role/")?)));
        let Some((head, (account, role))) = named else {
            return Err(NotACaller(format!("`{arn}` is not the ARN of a role")));
        };
        let name = role.rsplit('/').next().unwrap_or(role);
        if name.is_empty() || name.contains(char::is_whitespace) {
            return Err(NotACaller(format!("`{arn}` does not name a role")));
        }
        format!("{head}:sts::{account}:assumed-role/{name}/{session}").parse()
    }

    /// The caller as the authenticator has it.
    pub(super) fn identity(&self) -> Result<Identity, NotACaller> {
        Identity::from_caller(&self.arn, &self.account, &self.user_id, SANDBOX_ACCESS_KEY)
            .map_err(|error| NotACaller(error.to_string()))
    }

    /// Refuses what belongs to another account than the caller's: no policy of these resources lets others in.
    pub(super) fn authorize(&self, world: &World, action: &str, resource: &str) -> Result<(), Refusal> {
        let is_service = ["eks:", "iam:", "cloudformation:"]
            .iter()
            .any(|service| action.starts_with(service));
        if !is_service || self.account == world.account {
            return Ok(());
        }
        Err(Refusal::new(
            "AccessDenied",
            format!(
                "User: {} is not authorized to perform: {action} on resource: {resource} because no resource-based policy \
                 allows the {action} action",
                self.arn
            ),
        ))
    }
}

impl World {
    /// Whether the caller may use an action; `AccessDenied` in IAM's words otherwise.
    pub(super) fn authorize(&self, action: &str, resource: &str) -> Result<(), Refusal> {
        if self.denied.contains(action) {
            let caller = self.caller_arn();
            return Err(Refusal::new(
                "AccessDenied",
                format!(
                    "User: {caller} is not authorized to perform: {action} on resource: {resource} because no \
                     identity-based policy allows the {action} action"
                ),
            ));
        }
        Ok(())
    }
}

/// A user, a role (a session of it is taken), a session, a federated user, or the root user.
impl FromStr for SimulatedCaller {
    type Err = NotACaller;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.trim().is_empty() {
            return Err(NotACaller(
                "it is empty: a variable was probably not set".to_owned(),
            ));
        }
        let caller = Self::of_sts(text.to_owned());
        let is_account =
            caller.account.len() == 12 && caller.account.bytes().all(|byte| byte.is_ascii_digit());
        let identity = match eksact_identity::authn::arn::canonicalize(text) {
            Ok(canonical) if canonical.kind == PrincipalKind::Role => return Self::of_role(text, SESSION),
            Ok(_) => caller.identity()?,
            Err(_) => return Err(not_a_caller(text)),
        };
        let is_named = identity.canonical.kind == PrincipalKind::Root
            || text
                .rsplit('/')
                .next()
                .is_some_and(|name| !name.is_empty() && !name.contains(char::is_whitespace));
        if !is_account || !is_named {
            return Err(not_a_caller(text));
        }
        Ok(caller)
    }
}

fn not_a_caller(text: &str) -> NotACaller {
    NotACaller(format!(
        "`{text}` is not the ARN of a user or role, such as arn:aws:iam::111122223333:role/dev"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn caller_is_whoever_may_sign_and_a_role_is_one_of_its_sessions() {
        for (given, arn, user_id) in [
            (
                "arn:aws:iam::111122223333:user/eng/ann",
                "arn:aws:iam::111122223333:user/eng/ann",
                "AIDASANDBOXSANDBOX123",
            ),
            (
                "arn:aws:iam::111122223333:role/team/dev",
                "arn:aws:sts::111122223333:assumed-role/dev/sandbox",
                "AROASANDBOXSANDBOX123:sandbox",
            ),
            (
                "arn:aws-cn:sts::111122223333:assumed-role/dev/nina@example.com",
                "arn:aws-cn:sts::111122223333:assumed-role/dev/nina@example.com",
                "AROASANDBOXSANDBOX123:nina@example.com",
            ),
            (
                "arn:aws:iam::111122223333:root",
                "arn:aws:iam::111122223333:root",
                "111122223333",
            ),
            (
                "arn:aws:sts::111122223333:federated-user/bob",
                "arn:aws:sts::111122223333:federated-user/bob",
                "111122223333:bob",
            ),
        ] {
            let caller: SimulatedCaller = given.parse().unwrap();
            assert_eq!((caller.arn.as_str(), caller.user_id.as_str()), (arn, user_id));
            assert_eq!(caller.account, "111122223333");
        }
        for wrong in [
            "",
            " ",
            "dev",
            "arn:aws:iam::111122223333:group/x",
            "arn:aws:iam::1111:user/x",
            "arn:aws:iam::111122223333:user/",
            "arn:aws:iam::111122223333:role/",
            "arn:aws:sts::111122223333:assumed-role/dev",
            "arn:aws:s3:::bucket",
        ] {
            assert!(wrong.parse::<SimulatedCaller>().is_err(), "{wrong}");
        }
    }
}
