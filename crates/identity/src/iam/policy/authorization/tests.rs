use serde_json::{Value, json};

use super::*;
use crate::iam::policy::RequestContext;

const ACCOUNT: &str = "111122223333";
const TARGET: &str = "arn:aws:iam::111122223333:role/target";

/// A world of one caller and one resource.
#[derive(Default)]
struct World {
    caller: &'static str,
    identity: Option<Value>,
    boundary: Option<Value>,
    session: Option<Value>,
    resource: Option<Value>,
    context: RequestContext,
}

impl World {
    fn of(caller: &'static str) -> Self {
        Self {
            caller,
            ..Self::default()
        }
    }

    fn identity(mut self, statements: Value) -> Self {
        self.identity = Some(statements);
        self
    }

    fn boundary(mut self, statements: Value) -> Self {
        self.boundary = Some(statements);
        self
    }

    fn session(mut self, statements: Value) -> Self {
        self.session = Some(statements);
        self
    }

    fn resource(mut self, statements: Value) -> Self {
        self.resource = Some(statements);
        self
    }

    fn knows(mut self, context: RequestContext) -> Self {
        self.context = context;
        self
    }

    fn may(&self, action: &str, resource: &str) -> Decision {
        let policy = |name: &str, statements: &Option<Value>| {
            statements.as_ref().map(|statements| {
                Policy::read(name, &json!({"Version": "2012-10-17", "Statement": statements}))
            })
        };
        let identity = policy("policy own", &self.identity);
        let boundary = policy("boundary", &self.boundary);
        let session = policy("session policy", &self.session);
        let of_resource = policy("policy of the resource", &self.resource);
        let caller = Caller::of_arn(self.caller).unwrap();
        decide(
            &Request {
                caller: &caller,
                action,
                resource: Some(resource),
                resource_account: None,
                context: &self.context,
            },
            &Policies {
                identity: identity.iter().collect(),
                boundary: boundary.as_ref(),
                session: session.as_ref().map(|policy| vec![policy]),
                resource: match (&of_resource, sharing(action)) {
                    (Some(policy), Sharing::Gate) => ResourcePolicy::Gate(policy),
                    (Some(policy), _) => ResourcePolicy::Beside(policy),
                    (None, _) => ResourcePolicy::None,
                },
            },
        )
    }

    /// Assumes [`TARGET`].
    fn assumes(&self) -> Decision {
        self.may("sts:AssumeRole", TARGET)
    }
}

fn allow(action: &str, resource: &str) -> Value {
    json!({"Effect": "Allow", "Action": action, "Resource": resource})
}

fn trust(principal: &str) -> Value {
    json!({"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": principal}})
}

fn refused(decision: &Decision) -> String {
    decision
        .refused
        .as_ref()
        .map(ToString::to_string)
        .unwrap_or_default()
}

/// "Resource-based policies and implicit denies in other policy types".
#[test]
fn role_is_assumed_as_trust_and_account_say() {
    const USER: &str = "arn:aws:iam::111122223333:user/nina";
    const ROLE: &str = "arn:aws:iam::111122223333:role/team/caller";
    const SESSION: &str = "arn:aws:sts::111122223333:assumed-role/caller/nina";
    const OTHER: &str = "arn:aws:iam::444455556666:role/caller";
    let root = format!("arn:aws:iam::{ACCOUNT}:root");
    let nothing = || json!([]);
    let no_sts = || allow("s3:*", "*");
    // The account is trusted: the caller's own policies decide.
    let delegated = World::of(USER).resource(trust(&root));
    assert_eq!(delegated.assumes().answer, Answer::No);
    assert!(
        refused(&delegated.assumes()).contains("identity policy"),
        "{}",
        refused(&delegated.assumes())
    );
    assert_eq!(
        delegated.identity(allow("sts:*", TARGET)).assumes().answer,
        Answer::Yes
    );
    // The caller itself is trusted: that is enough.
    for (caller, named) in [
        (USER, USER),
        (ROLE, ROLE),
        (SESSION, SESSION),
        (SESSION, "arn:aws:iam::111122223333:role/caller"),
    ] {
        assert_eq!(
            World::of(caller).resource(trust(named)).assumes().answer,
            Answer::Yes,
            "{caller} {named}"
        );
    }
    // A boundary without sts stops a role, and neither a user nor a session that are named.
    for (caller, named, expected) in [
        (USER, USER, Answer::Yes),
        (ROLE, ROLE, Answer::No),
        (SESSION, SESSION, Answer::Yes),
    ] {
        let world = World::of(caller).resource(trust(named)).boundary(no_sts());
        assert_eq!(world.assumes().answer, expected, "{caller} {named}");
        if expected == Answer::No {
            assert!(
                refused(&world.assumes()).contains("permissions boundary"),
                "{}",
                refused(&world.assumes())
            );
        }
    }
    // Nor does it matter to a session which session policy a role has that is named; to the role it does.
    assert_eq!(
        World::of(SESSION)
            .resource(trust(SESSION))
            .session(no_sts())
            .assumes()
            .answer,
        Answer::Yes
    );
    assert_eq!(
        World::of(SESSION)
            .resource(trust("arn:aws:iam::111122223333:role/caller"))
            .session(no_sts())
            .assumes()
            .answer,
        Answer::No
    );
    // A session whose name is not known may be the one that is named.
    assert_eq!(
        World::of(ROLE).resource(trust(SESSION)).assumes().answer,
        Answer::Depends
    );
    // From another account both sides must allow it, whomever the trust policy names.
    for named in [OTHER, "444455556666", "*"] {
        let world = || World::of(OTHER).resource(trust(named));
        assert_eq!(world().assumes().answer, Answer::No, "{named}");
        assert_eq!(
            world().identity(allow("sts:AssumeRole", "*")).assumes().answer,
            Answer::Yes,
            "{named}"
        );
    }
    // Another principal is not let in, whatever its policies say.
    let admin = World::of(USER).identity(allow("*", "*")).resource(trust(ROLE));
    assert_eq!(admin.assumes().answer, Answer::No);
    assert!(
        refused(&admin.assumes()).contains("policy of the resource"),
        "{}",
        refused(&admin.assumes())
    );
    assert_eq!(
        World::of(USER)
            .identity(allow("*", "*"))
            .resource(nothing())
            .assumes()
            .answer,
        Answer::No
    );
    // A deleted principal is shown by its id.
    let dead = World::of(USER)
        .identity(allow("*", "*"))
        .resource(trust("AIDACKCEVSQ6C2EXAMPLE"));
    assert!(
        refused(&dead.assumes()).contains("AIDACKCEVSQ6C2EXAMPLE is a principal that was deleted"),
        "{}",
        refused(&dead.assumes())
    );
}

#[test]
fn open_condition_is_neither_met_nor_not_met() {
    const USER: &str = "arn:aws:iam::111122223333:user/nina";
    let deny = |condition: Value| json!([trust(USER), {"Effect": "Deny", "Action": "*", "Principal": "*", "Condition": condition}]);
    for condition in [
        json!({"NotIpAddress": {"aws:SourceIp": "10.0.0.0/8"}}),
        json!({"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}}),
        json!({"Null": {"aws:MultiFactorAuthPresent": "false"}}),
        json!({"Null": {"aws:MultiFactorAuthPresent": "true"}}),
    ] {
        let decision = World::of(USER).resource(deny(condition.clone())).assumes();
        assert_eq!(decision.answer, Answer::Depends, "{condition}");
        assert!(
            decision.depends_on[0].contains("denies this with"),
            "{:?}",
            decision.depends_on
        );
    }
    let known = RequestContext::default().with("aws:SourceIp", "10.1.2.3");
    let inside = World::of(USER)
        .resource(deny(json!({"NotIpAddress": {"aws:SourceIp": "10.0.0.0/8"}})))
        .knows(known);
    assert_eq!(inside.assumes().answer, Answer::Yes);
    let mut with_mfa = trust(USER);
    with_mfa["Condition"] = json!({"Bool": {"aws:MultiFactorAuthPresent": "true"}});
    let decision = World::of(USER).resource(with_mfa).assumes();
    assert_eq!(decision.answer, Answer::Depends);
    assert!(
        decision.depends_on[0].contains("aws:MultiFactorAuthPresent = true"),
        "{:?}",
        decision.depends_on
    );
}

#[test]
fn complements_are_taken_of_actions_and_resources() {
    const ROLE: &str = "arn:aws:iam::111122223333:role/app";
    let all_but_iam =
        || World::of(ROLE).identity(json!({"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}));
    assert_eq!(
        all_but_iam().may("s3:GetObject", "arn:aws:s3:::data/x").answer,
        Answer::Yes
    );
    assert_eq!(all_but_iam().may("IAM:PassRole", TARGET).answer, Answer::No);
    let only_data = World::of(ROLE).identity(json!([allow("s3:*", "*"),
        {"Effect": "Deny", "Action": "s3:*", "NotResource": "arn:aws:s3:::data/*"}]));
    assert_eq!(
        only_data.may("s3:GetObject", "arn:aws:s3:::data/x").answer,
        Answer::Yes
    );
    assert_eq!(
        only_data.may("s3:GetObject", "arn:aws:s3:::other/x").answer,
        Answer::No
    );
    assert_eq!(
        only_data.may("s3:GetObject", "arn:aws:s3:::data/*").answer,
        Answer::Yes
    );
    assert_eq!(
        only_data.may("s3:GetObject", "arn:aws:s3:::d*").answer,
        Answer::Depends
    );
    let some = World::of(ROLE).identity(allow("s3:GetObject", "arn:aws:s3:::reports/2026/*"));
    let decision = some.may("s3:GetObject", "arn:aws:s3:::reports/*");
    assert_eq!(decision.answer, Answer::Depends);
    assert!(
        decision.depends_on[0].contains("reports/2026/* (it is for some of them)"),
        "{:?}",
        decision.depends_on
    );
    let mut tagged = allow("s3:*", "*");
    tagged["Condition"] = json!({"ForAllValues:StringEquals": {"aws:TagKeys": "team"}});
    let absent = RequestContext::default().and_no_other();
    assert_eq!(
        World::of(ROLE)
            .identity(tagged)
            .knows(absent)
            .may("s3:PutObject", "arn:aws:s3:::a/b")
            .answer,
        Answer::Yes
    );
}

#[test]
fn variables_stand_for_what_the_request_has() {
    const ROLE: &str = "arn:aws:iam::111122223333:role/app";
    let home = |version: &str| json!({"Version": version, "Statement": allow("s3:GetObject", "arn:aws:s3:::data/${aws:PrincipalTag/team}/*")});
    let ask = |version: &str, resource: &str, context: RequestContext| {
        let policy = Policy::read("home", &home(version));
        let caller = Caller::of_arn(ROLE).unwrap();
        let request = Request {
            caller: &caller,
            action: "s3:GetObject",
            resource: Some(resource),
            resource_account: None,
            context: &context,
        };
        let policies = Policies {
            identity: vec![&policy],
            ..Policies::default()
        };
        decide(&request, &policies).answer
    };
    let known = || RequestContext::default().with("aws:PrincipalTag/team", "blue*");
    let absent = || RequestContext::default().without("aws:PrincipalTag/");
    let own = "arn:aws:s3:::data/blue*/x";
    assert_eq!(ask("2012-10-17", own, absent()), Answer::No);
    assert_eq!(
        ask("2012-10-17", "arn:aws:s3:::data/bluegreen/x", known()),
        Answer::No
    );
    assert_eq!(
        ask(
            "2012-10-17",
            "arn:aws:s3:::data/green/x",
            RequestContext::default()
        ),
        Answer::Depends
    );
    assert_eq!(
        ask(
            "2012-10-17",
            "arn:aws:s3:::other/green/x",
            RequestContext::default()
        ),
        Answer::No
    );
    assert_eq!(
        ask("2008-10-17", "arn:aws:s3:::data/green/x", known()),
        Answer::No
    );
    assert_eq!(
        ask(
            "2008-10-17",
            "arn:aws:s3:::data/${aws:PrincipalTag/team}/x",
            known()
        ),
        Answer::Yes
    );
}

#[test]
fn bucket_policy_adds_in_its_own_account_and_gates_in_another() {
    const ROLE: &str = "arn:aws:iam::111122223333:role/app";
    const OBJECT: &str = "arn:aws:s3:::data/x";
    let no_s3 = || allow("ec2:*", "*");
    let bounded = World::of(ROLE)
        .identity(allow("s3:*", "*"))
        .boundary(no_s3())
        .resource(json!([]));
    assert_eq!(bounded.may("s3:GetObject", OBJECT).answer, Answer::No);
    assert!(refused(&bounded.may("s3:GetObject", OBJECT)).contains("permissions boundary"));
    let unread = |identity: Value, account: &str| {
        let policy = Policy::read("own", &json!({"Version": "2012-10-17", "Statement": identity}));
        let bucket = Policy::unread("the policy of the bucket", "it was not read");
        let caller = Caller::of_arn(ROLE).unwrap();
        let request = Request {
            caller: &caller,
            action: "s3:GetObject",
            resource: Some(OBJECT),
            resource_account: Some(account),
            context: &RequestContext::default(),
        };
        let policies = Policies {
            identity: vec![&policy],
            resource: ResourcePolicy::Beside(&bucket),
            ..Policies::default()
        };
        decide(&request, &policies)
    };
    assert_eq!(unread(allow("s3:*", "*"), ACCOUNT).answer, Answer::Depends);
    assert_eq!(unread(no_s3(), ACCOUNT).answer, Answer::Depends);
    assert_eq!(unread(allow("s3:*", "*"), "444455556666").answer, Answer::Depends);
    assert_eq!(unread(no_s3(), "444455556666").answer, Answer::No);
    let denied = World::of(ROLE)
        .identity(allow("s3:*", "*"))
        .resource(json!({"Sid": "Private", "Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "arn:aws:s3:::data/*"}));
    assert_eq!(
        refused(&denied.may("s3:GetObject", OBJECT)),
        "denied by policy of the resource, Private (policy of the resource)"
    );
}

/// What cannot be read may allow, and may deny.
#[test]
fn unknown_policy_makes_no_answer_sure() {
    let caller = Caller::of_arn("arn:aws:iam::111122223333:user/nina").unwrap();
    let known = Policy::read(
        "own",
        &json!({"Version": "2012-10-17", "Statement": allow("*", "*")}),
    );
    let unread = Policy::unread("policy team", "access denied");
    let context = RequestContext::default();
    let request = Request {
        caller: &caller,
        action: "ec2:RunInstances",
        resource: None,
        resource_account: None,
        context: &context,
    };
    for identity in [vec![&unread], vec![&known, &unread]] {
        let policies = Policies {
            identity,
            ..Policies::default()
        };
        let decision = decide(&request, &policies);
        assert_eq!(decision.answer, Answer::Depends);
        assert_eq!(
            decision.depends_on,
            ["policy team, which is not known: access denied"]
        );
    }
}

/// A `Deny` for all but some spares only those that are named with all their ARNs, and no one with a boundary.
#[test]
fn not_principal_denies_all_others() {
    const USER: &str = "arn:aws:iam::111122223333:user/nina";
    let spares =
        |named: Value| json!([trust("*"), {"Effect": "Deny", "Action": "*", "NotPrincipal": {"AWS": named}}]);
    let both = || spares(json!([USER, format!("arn:aws:iam::{ACCOUNT}:root")]));
    assert_eq!(World::of(USER).resource(both()).assumes().answer, Answer::Yes);
    assert_eq!(
        World::of(USER).resource(spares(json!(USER))).assumes().answer,
        Answer::Depends
    );
    assert_eq!(
        World::of("arn:aws:iam::111122223333:user/bob")
            .resource(spares(json!(USER)))
            .assumes()
            .answer,
        Answer::No
    );
    assert_eq!(
        World::of(USER)
            .resource(both())
            .boundary(allow("*", "*"))
            .assumes()
            .answer,
        Answer::No
    );
}

#[test]
fn services_and_providers_need_the_trust_policy_alone() {
    let policy = Policy::read(
        "trust policy",
        &json!({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": ["sts:AssumeRole", "sts:TagSession"], "Principal": {"Service": "pods.eks.amazonaws.com"}}]}),
    );
    let ask = |name: &str, action: &str| {
        let caller = Caller::Service {
            name: name.to_owned(),
        };
        let request = Request {
            caller: &caller,
            action,
            resource: Some(TARGET),
            resource_account: None,
            context: &RequestContext::default(),
        };
        let policies = Policies {
            resource: ResourcePolicy::Gate(&policy),
            ..Policies::default()
        };
        decide(&request, &policies).answer
    };
    assert_eq!(ask("pods.eks.amazonaws.com", "sts:TagSession"), Answer::Yes);
    assert_eq!(ask("ec2.amazonaws.com", "sts:AssumeRole"), Answer::No);
    assert_eq!(policy.trusted_others(), [("Service", "pods.eks.amazonaws.com")]);
}

#[test]
fn who_is_denied_something_is_no_candidate_for_it() {
    let read = |effect: &str| {
        let statement = json!({"Effect": effect, "Action": "iam:*", "Resource": "*"});
        Policy::read("own", &json!({"Version": "2012-10-17", "Statement": [statement]}))
    };
    assert!(read("Allow").may_allow("iam:PassRole"));
    assert!(!read("Allow").may_allow("s3:GetObject"));
    assert!(!read("Deny").may_allow("iam:PassRole"));
    assert!(Policy::unread("own", "not there").may_allow("iam:PassRole"));
}
