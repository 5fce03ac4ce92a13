//! Roles and users of IAM, without their policies: one by one, or all roles of the account where that costs fewer calls.

use std::collections::BTreeMap;

use async_trait::async_trait;

use super::{
    BULK_FROM, Live, LiveReader, Observed,
    query::{Query, one_by_one},
};
use crate::ports::aws::Principal;

/// The role or user of the account that has the name in this ARN, whatever its path.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PrincipalByArn(pub String);

#[async_trait]
impl Query for PrincipalByArn {
    type Answer = Option<Principal>;

    async fn read(&self, reader: &LiveReader) -> Observed<Option<Principal>> {
        reader.readers.aws.principal(&self.0).await
    }

    async fn read_all(queries: Vec<Self>, reader: &LiveReader) -> Vec<(Self, Observed<Option<Principal>>)> {
        let roles = queries.iter().filter(|query| query.0.contains(":role/")).count();
        if roles < BULK_FROM {
            return in_any_case(one_by_one(queries, reader).await, reader).await;
        }
        let listed = reader.ask(AllRolePrincipals).await;
        let Ok(by_name) = listed.as_ref() else {
            return one_by_one(queries, reader).await;
        };
        let mut found = Vec::new();
        let mut missing = Vec::new();
        for query in queries {
            match by_name
                .get(&name_of(&query.0))
                .filter(|_| query.0.contains(":role/"))
            {
                Some(role) => found.push((query, Ok(Some(role.clone())))),
                None => missing.push(query),
            }
        }
        // The listing lags behind the truth: that a role is gone is believed of the role's own answer only.
        found.extend(one_by_one(missing, reader).await);
        found
    }
}

/// Looks once more, in the listing, for roles that were not found: nothing says that IAM finds a name whatever its case.
async fn in_any_case(
    mut answers: Vec<(PrincipalByArn, Observed<Option<Principal>>)>,
    reader: &LiveReader,
) -> Vec<(PrincipalByArn, Observed<Option<Principal>>)> {
    let is_missing = |query: &PrincipalByArn, answer: &Observed<Option<Principal>>| {
        query.0.contains(":role/") && matches!(answer, Ok(None))
    };
    if !answers.iter().any(|(query, answer)| is_missing(query, answer)) {
        return answers;
    }
    let listed = reader.ask(AllRolePrincipals).await;
    let Ok(by_name) = listed.as_ref() else {
        return answers;
    };
    for (query, answer) in &mut answers {
        if is_missing(query, answer) {
            // One of the very name is gone since: the listing lags behind the truth.
            let is_respelled = |role: &&Principal| role.arn.rsplit('/').next() != query.0.rsplit('/').next();
            *answer = Ok(by_name.get(&name_of(&query.0)).filter(is_respelled).cloned());
        }
    }
    answers
}

/// The roles of the account, without their policies, by [`name_of`]: listed once, however many batches ask for some.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct AllRolePrincipals;

#[async_trait]
impl Query for AllRolePrincipals {
    type Answer = BTreeMap<String, Principal>;

    async fn read(&self, reader: &LiveReader) -> Observed<Self::Answer> {
        let all = reader.readers.aws.role_principals().await?;
        Ok(all.into_iter().map(|role| (name_of(&role.arn), role)).collect())
    }
}

/// A name without its path; case does not tell two roles of an account apart.
fn name_of(arn: &str) -> String {
    arn.rsplit('/').next().unwrap_or(arn).to_lowercase()
}

impl Live {
    /// The role or user of the account that has the name in this ARN.
    pub fn principal(&self, arn: &str) -> Option<&Observed<Option<Principal>>> {
        self.get(&PrincipalByArn(arn.to_owned()))
    }
}
