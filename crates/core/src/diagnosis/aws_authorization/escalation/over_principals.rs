//! Who can become a user or a role: by credentials of the user, the trust policy of the role, or a service that it is passed to.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    CREATE_ASSOCIATION, Escalations, Gains, PASS, Power, Powers, TRUST, UPDATE_ASSOCIATION, is_news,
    is_reserved, new_principals::trusting, take,
};
use crate::diagnosis::aws_authorization::{
    identities::{Identity, Supposed},
    pods::{both, depends},
    words::whether_it_may,
};
use eksact_identity::iam::{
    pod_identity,
    policy::authorization::{Answer, Decision, Policy},
};

/// What gives somebody the credentials of a user: the action, what it does, and on what that depends.
pub(super) const OVER_USER: [(&str, &str, Option<&str>); 3] = [
    ("iam:CreateAccessKey", "makes an access key of", None),
    (
        "iam:CreateLoginProfile",
        "gives a password to",
        Some("whether the user has none yet"),
    ),
    (
        "iam:UpdateLoginProfile",
        "changes the password of",
        Some("whether the user has one"),
    ),
];

/// What runs something with a role that is passed to a service.
struct Runner {
    service: &'static str,
    /// What gives something the role.
    gives: &'static [&'static str],
    /// What starts that; none where it starts at once.
    starts: &'static [&'static str],
    depends_on: Option<&'static str>,
}

/// Of services that are not here it is not known what does.
const RUNNERS: [Runner; 7] = [
    Runner {
        service: "ec2.amazonaws.com",
        gives: &["ec2:RunInstances", "ec2:AssociateIamInstanceProfile"],
        starts: &[],
        depends_on: Some("whether an instance profile has the role"),
    },
    Runner {
        service: "lambda.amazonaws.com",
        gives: &["lambda:CreateFunction", "lambda:UpdateFunctionConfiguration"],
        starts: &["lambda:InvokeFunction", "lambda:CreateEventSourceMapping"],
        depends_on: None,
    },
    Runner {
        service: "ecs-tasks.amazonaws.com",
        gives: &["ecs:RegisterTaskDefinition"],
        starts: &[
            "ecs:RunTask",
            "ecs:StartTask",
            "ecs:CreateService",
            "ecs:UpdateService",
        ],
        depends_on: None,
    },
    Runner {
        service: "cloudformation.amazonaws.com",
        gives: &["cloudformation:CreateStack", "cloudformation:UpdateStack"],
        starts: &[],
        depends_on: None,
    },
    Runner {
        service: "codebuild.amazonaws.com",
        gives: &["codebuild:CreateProject", "codebuild:UpdateProject"],
        starts: &["codebuild:StartBuild", "codebuild:StartBuildBatch"],
        depends_on: None,
    },
    Runner {
        service: "glue.amazonaws.com",
        gives: &["glue:CreateJob", "glue:UpdateJob"],
        starts: &["glue:StartJobRun", "glue:CreateTrigger"],
        depends_on: None,
    },
    Runner {
        service: "states.amazonaws.com",
        gives: &["states:CreateStateMachine", "states:UpdateStateMachine"],
        starts: &["states:StartExecution"],
        depends_on: None,
    },
];

impl<'p> Escalations<'_, 'p> {
    /// Whoever may make itself one of these users and roles; `known` are not looked at.
    pub(in crate::diagnosis::aws_authorization) fn over(
        &self,
        targets: &BTreeMap<usize, Answer>,
        known: &BTreeSet<usize>,
    ) -> Powers {
        let of_users: Vec<&'static str> = OVER_USER.iter().map(|(action, ..)| *action).collect();
        let mut over_users: Vec<usize> = self.candidates(&of_users, known).into_iter().collect();
        let mut over_roles: Vec<usize> = self.candidates(&[TRUST, PASS], known).into_iter().collect();
        let mut found = Powers::new();
        let mut surest: Vec<(&usize, &Answer)> = targets.iter().collect();
        surest.sort_by_key(|(index, answer)| (**answer, **index));
        for (target, answer) in surest {
            let Some(identity) = self.identities.all.get(*target) else {
                continue;
            };
            // The answers of targets get no better, so that who has no more to gain is not looked at again.
            let candidates = if identity.role.is_some() {
                over_roles.retain(|index| {
                    let surest = self.surest_of([TRUST, PASS], *index);
                    is_news(&found, *index, surest.and(*answer))
                });
                &over_roles
            } else {
                over_users.retain(|index| {
                    let surest = self.surest_of(of_users.iter().copied(), *index);
                    is_news(&found, *index, surest.and(*answer))
                });
                &over_users
            };
            let may =
                |candidate: usize, action: &'static str| self.narrow.may(candidate, action, identity.arn);
            for candidate in candidates.iter().filter(|candidate| *candidate != target) {
                let is_meant = if identity.role.is_some() {
                    may(*candidate, TRUST) || may(*candidate, PASS)
                } else {
                    of_users.iter().any(|action| may(*candidate, action))
                };
                if !is_meant {
                    continue;
                }
                let Some(who) = self.identities.all.get(*candidate) else {
                    continue;
                };
                for mut power in self.ways(who, *target, identity) {
                    if *answer == Answer::Depends {
                        depends(&mut power.decision, &whether_it_may(identity.arn));
                    }
                    take(&mut found, *candidate, power);
                }
            }
        }
        found
    }

    /// The ways from one to another.
    pub(super) fn ways(&self, who: &Identity<'p>, index: usize, target: &Identity<'p>) -> Vec<Power> {
        let on = target.arn.to_owned();
        let gains = Gains::Principal(index);
        let Some(role) = target.role else {
            let way = |(action, does, depends_on): (&'static str, &str, Option<&str>)| {
                let mut decision = self.may(who, action, Some(target.arn));
                if let Some(what) = depends_on {
                    depends(&mut decision, what);
                }
                Power {
                    gains,
                    how: format!("{does} {on} ({action})"),
                    action,
                    on: on.clone(),
                    decision,
                }
            };
            return OVER_USER.map(way).into();
        };
        let mut found = Vec::new();
        if !is_reserved(&role.path) {
            let writes = self.may(who, TRUST, Some(target.arn));
            if writes.answer != Answer::No {
                // As its trust policy would be then; a deny of its own still counts.
                let assumes = self.assumes(who, target.arn, &trusting(who.arn));
                found.push(Power {
                    gains,
                    how: format!("changes the trust policy of {on} ({TRUST})"),
                    action: TRUST,
                    on: on.clone(),
                    decision: Decision {
                        allowed_by: writes.allowed_by.clone(),
                        ..both(writes, assumes)
                    },
                });
            }
        }
        let trusted = target.trust.iter().flat_map(Policy::trusted_others);
        let services: BTreeSet<&str> = trusted
            .filter(|(kind, _)| *kind == "Service")
            .map(|(_, name)| name)
            .collect();
        for service in services {
            found.extend(self.passing(who, index, target, service));
        }
        found
    }

    /// By passing a role to a service that runs something with it.
    fn passing(
        &self,
        who: &Identity<'p>,
        index: usize,
        target: &Identity<'p>,
        service: &str,
    ) -> Option<Power> {
        let to = [("iam:PassedToService", service)];
        let supposed = Supposed {
            context: &to,
            ..Supposed::default()
        };
        let passes = self.may_supposing(who, PASS, Some(target.arn), supposed);
        if passes.answer == Answer::No {
            return None;
        }
        let (mut runs, what) = if service == pod_identity::SERVICE {
            let (mut decision, action) = self.associates(who)?;
            depends(
                &mut decision,
                "a pod of the service account that gets the role, which it must run or get into",
            );
            (decision, action.to_owned())
        } else if let Some(runner) = RUNNERS.iter().find(|runner| runner.service == service) {
            self.runs(who, runner)?
        } else {
            let mut decision = passes.clone();
            depends(&mut decision, &format!("what it may do with {service}"));
            (decision, String::new())
        };
        runs.allowed_by.clear();
        let with = if what.is_empty() {
            PASS.to_owned()
        } else {
            format!("{PASS}, {what}")
        };
        Some(Power {
            gains: Gains::Principal(index),
            how: format!("passes {} to {service} ({with})", target.arn),
            action: PASS,
            on: target.arn.to_owned(),
            decision: both(passes, runs),
        })
    }

    /// Whether it may run something with a role of a service, and by which actions.
    fn runs(&self, who: &Identity<'p>, runner: &Runner) -> Option<(Decision, String)> {
        let surest = |actions: &'static [&'static str]| {
            let each = actions
                .iter()
                .map(|action| (self.may(who, action, None), *action));
            each.min_by_key(|(decision, _)| decision.answer)
        };
        let (mut decision, gives) = surest(runner.gives)?;
        let mut actions = gives.to_owned();
        if let Some(what) = runner.depends_on {
            depends(&mut decision, what);
        }
        match surest(runner.starts) {
            None => {}
            Some((starts, action)) if starts.answer == Answer::Yes => {
                actions = format!("{gives}, {action}");
            }
            Some(_) => depends(&mut decision, "what starts it, which it may not itself for sure"),
        }
        Some((decision, actions))
    }

    /// Whether it may give a service account of the cluster a role.
    fn associates(&self, who: &Identity<'p>) -> Option<(Decision, &'static str)> {
        let cluster = self.cluster()?;
        let associations = format!(
            "{}/*",
            cluster.replacen(":cluster/", ":podidentityassociation/", 1)
        );
        let each = [
            (
                self.may(who, CREATE_ASSOCIATION, Some(cluster)),
                CREATE_ASSOCIATION,
            ),
            (
                self.may(who, UPDATE_ASSOCIATION, Some(&associations)),
                UPDATE_ASSOCIATION,
            ),
        ];
        let surest = each.into_iter().min_by_key(|(decision, _)| decision.answer)?;
        (surest.0.answer != Answer::No).then_some(surest)
    }
}
