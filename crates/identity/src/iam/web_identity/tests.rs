//! Trust policies as people write them, each with its verdict; and every kind of condition, worked out by hand from the
//! guide's rules.

use super::*;

const ISSUER: &str = "oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLED539D4633E53DE1B71EXAMPLE";
const OTHER: &str = "oidc.eks.us-east-1.amazonaws.com/id/0F1E2D3C4B5A69788796A5B4C3D2E1F0";
const SUB: &str = "system:serviceaccount:app:web";
const STS: &str = "sts.amazonaws.com";

fn call() -> WebIdentityCall {
    WebIdentityCall {
        provider_arn: provider(ISSUER),
        issuer: ISSUER.to_owned(),
        subject: SUB.to_owned(),
        audience: STS.to_owned(),
        account: "111122223333".to_owned(),
        time: Some("2026-06-01T12:00:00Z".parse().unwrap()),
    }
}

fn provider(issuer: &str) -> String {
    format!("arn:aws:iam::111122223333:oidc-provider/{issuer}")
}

fn key(claim: &str) -> String {
    format!("{ISSUER}:{claim}")
}

/// A statement of a web identity with this effect and condition.
fn statement(effect: &str, condition: &Value) -> Value {
    json!({"Effect": effect, "Action": ACTION, "Principal": {"Federated": provider(ISSUER)}, "Condition": condition})
}

fn policy(statements: impl Into<Value>) -> Value {
    json!({"Version": "2012-10-17", "Statement": statements.into()})
}

fn allow(condition: &Value) -> Value {
    policy(json!([statement("Allow", condition)]))
}

/// The condition that eksctl and the guides write.
fn usual() -> Value {
    json!({"StringEquals": {key("sub"): SUB, key("aud"): STS}})
}

/// `in`, `out`, `denied`, `depends`, `unreadable`.
fn verdict(document: &Value) -> &'static str {
    match call().judged_by(document) {
        TrustVerdict::Allowed => "in",
        TrustVerdict::Denied => "denied",
        TrustVerdict::Depends(_) => "depends",
        TrustVerdict::NotAllowed(_) => "out",
        TrustVerdict::Unreadable => "unreadable",
    }
}

/// The keys of the conditions on which a verdict depends.
fn depends_on(document: &Value) -> Vec<String> {
    let TrustVerdict::Depends(open) = call().judged_by(document) else {
        return Vec::new();
    };
    let objections = open.allows.into_iter().chain(open.denies).flatten();
    objections
        .map(|objection| match objection {
            crate::iam::policy::Objection::Condition { key, .. } => key,
            other => format!("{other:?}"),
        })
        .collect()
}

/// Every operator, on a key that has a value, that is absent, and of which nothing is known.
#[test]
fn conditions_hold_fail_or_stay_open() {
    let absent = format!("{OTHER}:sub");
    let (sub, aud, amr) = (key("sub"), key("aud"), key("amr"));
    #[rustfmt::skip]
    let table: Vec<(Value, &str)> = vec![
        // Strings.
        (json!({"StringEquals": {&sub: SUB}}), "in"),
        (json!({"StringEquals": {&sub: [SUB, "x"]}}), "in"),
        (json!({"StringEquals": {&sub: "system:serviceaccount:app:*"}}), "out"),
        (json!({"StringEquals": {&sub: []}}), "out"),
        (json!({"StringNotEquals": {&sub: []}}), "in"),
        (json!({"StringNotEquals": {&sub: ["x", "y"]}}), "in"),
        (json!({"StringNotEquals": {&sub: ["x", SUB]}}), "out"),
        (json!({"StringEqualsIgnoreCase": {&sub: "System:ServiceAccount:App:Web"}}), "in"),
        (json!({"StringNotEqualsIgnoreCase": {&sub: "System:ServiceAccount:App:Web"}}), "out"),
        (json!({"StringLike": {&sub: "system:serviceaccount:*:w?b"}}), "in"),
        (json!({"StringLike": {&sub: "system:serviceaccount:app:we??"}}), "out"),
        (json!({"StringNotLike": {&sub: "system:serviceaccount:kube-system:*"}}), "in"),
        (json!({"stringlike": {sub.to_uppercase(): "SYSTEM:*"}}), "out"),
        (json!({"stringLIKE": {sub.to_uppercase(): "system:*"}}), "in"),
        // All keys must hold; one value of a key is enough.
        (json!({"StringEquals": {&sub: SUB, &aud: "vault"}}), "out"),
        (json!({"StringEquals": {&sub: SUB}, "StringLike": {&aud: "*.amazonaws.com"}}), "in"),
        // An absent key.
        (json!({"StringEquals": {&absent: "x"}}), "out"),
        (json!({"StringNotEquals": {&absent: "x"}}), "in"),
        (json!({"StringEqualsIfExists": {&absent: "x"}}), "in"),
        (json!({"StringNotLikeIfExists": {&absent: "*"}}), "in"),
        (json!({"ForAllValues:StringEquals": {&absent: "x"}}), "in"),
        (json!({"ForAnyValue:StringEquals": {&absent: "x"}}), "out"),
        (json!({"ForAnyValue:StringNotEquals": {&absent: "x"}}), "out"),
        (json!({"ForAnyValue:StringEqualsIfExists": {&absent: "x"}}), "in"),
        (json!({"ForAnyValue:StringLike": {&amr: "authenticated"}}), "out"),
        (json!({"Null": {&absent: "true"}}), "in"),
        (json!({"Null": {&absent: "false"}}), "out"),
        (json!({"Null": {&absent: true}}), "in"),
        (json!({"Null": {&sub: "true"}}), "out"),
        (json!({"Null": {&sub: false}}), "in"),
        (json!({"Null": {&sub: ["true", "false"]}}), "in"),
        // Sets.
        (json!({"ForAllValues:StringLike": {&sub: ["x", "system:*"]}}), "in"),
        (json!({"ForAllValues:StringLike": {&sub: ["x", "y"]}}), "out"),
        (json!({"ForAnyValue:StringLike": {&sub: ["x", "system:*"]}}), "in"),
        (json!({"ForAnyValue:StringNotLike": {&sub: "system:*"}}), "out"),
        (json!({"ForAllValues:StringNotLike": {&sub: "repo:*"}}), "in"),
        // Bool, time, number.
        (json!({"Bool": {"aws:SecureTransport": "true"}}), "in"),
        (json!({"Bool": {"aws:SecureTransport": false}}), "out"),
        (json!({"DateLessThan": {"aws:CurrentTime": "2027-01-01T00:00:00Z"}}), "in"),
        (json!({"DateLessThan": {"aws:CurrentTime": "2024-01-01T00:00:00Z"}}), "out"),
        (json!({"DateGreaterThanEquals": {"aws:CurrentTime": "2026-06-01"}}), "in"),
        (json!({"DateNotEquals": {"aws:CurrentTime": "2026-06-01T12:00:00Z"}}), "out"),
        (json!({"DateGreaterThan": {"aws:EpochTime": "1700000000"}}), "in"),
        (json!({"NumericLessThan": {"aws:EpochTime": 1_700_000_000}}), "out"),
        (json!({"NumericGreaterThanEquals": {"aws:EpochTime": "1700000000"}}), "in"),
        (json!({"StringEquals": {"aws:ResourceAccount": "111122223333"}}), "in"),
        (json!({"StringEquals": {"aws:ResourceAccount": "444455556666"}}), "out"),
        // Keys that the call has no way to carry.
        (json!({"StringEquals": {"sts:ExternalId": "x"}}), "out"),
        (json!({"StringEquals": {"aws:RequestTag/team": "x"}}), "out"),
        (json!({"StringEqualsIfExists": {"aws:RequestTag/team": "x"}}), "in"),
        (json!({"ForAllValues:StringEquals": {"aws:TagKeys": ["team"]}}), "in"),
        (json!({"StringLike": {"sts:SourceIdentity": "*"}}), "out"),
        (json!({"StringEquals": {"SAML:aud": "https://signin.aws.amazon.com/saml"}}), "out"),
        (json!({"StringEquals": {"accounts.google.com:aud": "x"}}), "out"),
        // Nothing is known of these.
        (json!({"IpAddress": {"aws:SourceIp": ["10.0.0.0/8"]}}), "depends"),
        (json!({"NotIpAddress": {"aws:SourceIp": "192.0.2.0/24"}}), "depends"),
        (json!({"StringEquals": {"aws:SourceVpc": "vpc-1"}}), "depends"),
        (json!({"StringEqualsIfExists": {"aws:SourceVpce": "vpce-1"}}), "depends"),
        (json!({"StringLike": {"sts:RoleSessionName": "web-*"}}), "depends"),
        (json!({"StringLike": {"sts:RoleSessionName": "*"}}), "depends"),
        (json!({"StringLikeIfExists": {"sts:RoleSessionName": "*"}}), "in"),
        (json!({"ForAllValues:StringLike": {"aws:PrincipalOrgPaths": "*"}}), "in"),
        (json!({"StringEquals": {"aws:PrincipalOrgID": "o-abc"}}), "depends"),
        (json!({"BoolIfExists": {"aws:MultiFactorAuthPresent": "true"}}), "depends"),
        (json!({"Null": {"aws:SourceVpc": "true"}}), "depends"),
        (json!({"Null": {"aws:SourceVpc": ["true", "false"]}}), "in"),
        (json!({"NumericLessThanEquals": {"sts:DurationSeconds": "3600"}}), "depends"),
        (json!({"StringEquals": {key("iss"): format!("https://{ISSUER}")}}), "depends"),
        (json!({"ArnLike": {&sub: "arn:aws:*"}}), "depends"),
        (json!({"NumericEquals": {&sub: "1"}}), "depends"),
        (json!({"BinaryEquals": {&sub: "eA=="}}), "depends"),
        (json!({"Null": {&sub: "perhaps"}}), "depends"),
        (json!({"ForAllValues:Null": {&sub: "false"}}), "depends"),
        (json!({"StringResembles": {&sub: "x"}}), "depends"),
        // What fails anyway does not depend on what is unknown.
        (json!({"StringEquals": {&sub: "x"}, "IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}), "out"),
    ];
    for (condition, expected) in table {
        assert_eq!(verdict(&allow(&condition)), expected, "{condition}");
        // The same condition on a denial, beside a statement that lets the caller in.
        let denial = policy(json!([
            statement("Allow", &usual()),
            statement("Deny", &condition)
        ]));
        let denied = match expected {
            "in" => "denied",
            "out" => "in",
            other => other,
        };
        assert_eq!(verdict(&denial), denied, "Deny {condition}");
    }
}

#[test]
fn policy_variables_are_replaced_from_version_2012_on() {
    let sub = key("sub");
    for (operator, value, expected) in [
        ("StringEquals", format!("${{{ISSUER}:sub}}"), "in"),
        ("StringLike", format!("${{{ISSUER}:sub}}"), "in"),
        ("StringEquals", "${aws:PrincipalTag/x}".to_owned(), "depends"),
        (
            "StringLike",
            "system:serviceaccount:${aws:PrincipalTag/ns}:web".to_owned(),
            "depends",
        ),
        (
            "StringLike",
            "system:serviceaccount:${aws:PrincipalTag/ns}:api".to_owned(),
            "out",
        ),
        ("StringNotLike", "repo:${aws:PrincipalTag/ns}".to_owned(), "in"),
        ("StringEquals", "${sts:ExternalId}".to_owned(), "out"),
        ("StringNotEquals", "${sts:ExternalId}".to_owned(), "depends"),
        ("StringEquals", format!("${{sts:ExternalId, '{SUB}'}}"), "in"),
        ("StringLike", "${sts:ExternalId, 'system:*'}".to_owned(), "out"),
        ("StringEquals", "system:serviceaccount:app:${*}".to_owned(), "out"),
        ("StringLike", "system:serviceaccount:app:${*}".to_owned(), "out"),
        ("StringEquals", "${unclosed".to_owned(), "out"),
        (
            "StringLike",
            "system:serviceaccount:${NAMESPACE}:*".to_owned(),
            "out",
        ),
    ] {
        let mut condition = json!({});
        condition[operator][&sub] = json!(value);
        let mut document = allow(&condition);
        assert_eq!(verdict(&document), expected, "{condition}");
        // Before, `${…}` is a text like any other.
        document["Version"] = json!("2008-10-17");
        let old = if operator.contains("Not") { "in" } else { "out" };
        assert_eq!(verdict(&document), old, "2008: {condition}");
    }
}

/// Which statements mean the call at all.
#[test]
fn actions_and_principals() {
    let own = provider(ISSUER);
    #[rustfmt::skip]
    let table = [
        (json!({"Action": "sts:AssumeRoleWithWebIdentity", "Principal": {"Federated": own}}), "in"),
        (json!({"Action": ["sts:TagSession", "STS:assumerolewithwebidentity"], "Principal": {"Federated": own}}), "in"),
        (json!({"Action": "sts:AssumeRole*", "Principal": {"Federated": [own, "x"]}}), "in"),
        (json!({"Action": "*", "Principal": "*"}), "in"),
        (json!({"Action": "sts:*", "Principal": {"AWS": "*"}}), "in"),
        (json!({"Action": "sts:AssumeRole", "Principal": {"Federated": own}}), "out"),
        (json!({"Action": "sts:AssumeRoleWithSAML", "Principal": {"Federated": own}}), "out"),
        (json!({"NotAction": "sts:AssumeRole", "Principal": {"Federated": own}}), "in"),
        (json!({"NotAction": "sts:*", "Principal": {"Federated": own}}), "out"),
        (json!({"Action": "sts:*", "Principal": {"AWS": "arn:aws:iam::111122223333:root"}}), "out"),
        (json!({"Action": "sts:*", "Principal": {"Service": "pods.eks.amazonaws.com"}}), "out"),
        (json!({"Action": "sts:*", "Principal": {"Federated": provider(OTHER)}}), "out"),
        (json!({"Action": "sts:*", "Principal": {"Federated": own.replace("1111", "4444")}}), "out"),
        (json!({"Action": "sts:*", "Principal": {"Federated": ISSUER}}), "out"),
        (json!({"Action": "sts:*", "Principal": {"Federated": "*"}}), "depends"),
        (json!({"Action": "sts:*", "NotPrincipal": {"Federated": own}}), "out"),
        (json!({"Action": "sts:*", "NotPrincipal": {"AWS": "arn:aws:iam::111122223333:role/admin"}}), "in"),
        (json!({"Action": "sts:*", "NotPrincipal": {"AWS": "*"}}), "out"),
        (json!({"Action": "sts:*"}), "out"),
    ];
    for (mut statement, expected) in table {
        statement["Effect"] = json!("Allow");
        assert_eq!(verdict(&policy(json!([statement]))), expected, "{statement}");
        statement["Effect"] = json!("Deny");
        let denied = match expected {
            "in" => "denied",
            "out" => "in",
            other => other,
        };
        let document = policy(json!([self::statement("Allow", &usual()), statement]));
        assert_eq!(verdict(&document), denied, "Deny {statement}");
    }
}

#[test]
fn several_statements_are_judged_together() {
    let open = json!({"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}});
    let fails = json!({"StringEquals": {key("sub"): "x"}});
    #[rustfmt::skip]
    let table: Vec<(Value, &str, Vec<&str>)> = vec![
        (json!([statement("Allow", &usual()), statement("Allow", &open)]), "in", vec![]),
        (json!([statement("Allow", &fails), statement("Allow", &open)]), "depends", vec!["aws:SourceIp"]),
        (json!([statement("Allow", &fails), statement("Deny", &open)]), "out", vec![]),
        (json!([statement("Deny", &open), statement("Allow", &usual())]), "depends", vec!["aws:SourceIp"]),
        (json!([statement("Deny", &open), statement("Deny", &usual()), statement("Allow", &usual())]), "denied", vec![]),
        (json!([]), "out", vec![]),
        (json!(statement("Allow", &usual())), "in", vec![]),
    ];
    for (statements, expected, keys) in table {
        let document = policy(statements);
        assert_eq!(verdict(&document), expected, "{document}");
        assert_eq!(depends_on(&document), keys, "{document}");
    }
    assert_eq!(verdict(&json!({"Statement": "x"})), "unreadable");
    assert_eq!(verdict(&json!([])), "unreadable");
}

/// The policies of guides, modules and bug reports, under names of our own: the verdict, and who else is let in.
#[test]
fn policies_as_people_write_them() {
    use Breadth::{AnyAudience, AnyNamespace, AnyProvider, AnyServiceAccount};
    let (sub, aud) = (key("sub"), key("aud"));
    let (own, other) = (provider(ISSUER), provider(OTHER));
    let github = "token.actions.githubusercontent.com";
    let foreign = |issuer: &str, condition: Value| json!({"Effect": "Allow", "Action": ACTION, "Principal": {"Federated": provider(issuer)}, "Condition": condition});
    let service =
        |name: &str| json!({"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": name}});
    let pods = json!({"Effect": "Allow", "Action": ["sts:AssumeRole", "sts:TagSession"], "Principal": {"Service": "pods.eks.amazonaws.com"}});
    let nothing: &[Breadth] = &[];
    #[rustfmt::skip]
    let table: Vec<(&str, Value, &str, &[Breadth])> = vec![
        ("eksctl", allow(&usual()), "in", nothing),
        ("eksctl with a pattern", allow(&json!({"StringEquals": {&aud: STS}, "StringLike": {&sub: "system:serviceaccount:app:w*"}})), "in", nothing),
        ("guide, without Version", json!({"Statement": [statement("Allow", &usual())]}), "in", nothing),
        ("Terraform module, one account", allow(&json!({"StringEquals": {&sub: [SUB], &aud: [STS]}})), "in", nothing),
        ("Terraform module, many accounts", allow(&json!({"StringEquals": {&aud: STS, &sub: ["system:serviceaccount:a:b", SUB, "system:serviceaccount:c:d"]}})), "in", nothing),
        ("Terraform module, StringLike for both", allow(&json!({"StringLike": {&sub: SUB, &aud: STS}})), "in", nothing),
        ("Terraform document, sub only", allow(&json!({"StringEquals": {&sub: SUB}})), "in", &[AnyAudience]),
        ("Terraform document, ForAnyValue", allow(&json!({"ForAnyValue:StringEquals": {&sub: [SUB], &aud: STS}})), "in", nothing),
        ("Terraform document, ForAllValues on aud", allow(&json!({"ForAllValues:StringEquals": {&aud: STS}, "StringEquals": {&sub: SUB}})), "in", nothing),
        ("ForAllValues on sub of another issuer", allow(&json!({"ForAllValues:StringLike": {format!("{OTHER}:sub"): "system:serviceaccount:x:y"}})), "in", &[AnyServiceAccount, AnyAudience]),
        ("a wildcard under StringEquals", allow(&json!({"StringEquals": {&sub: "system:serviceaccount:app:provider-aws-*", &aud: STS}})), "out", nothing),
        ("a wildcard under StringEquals, whole", allow(&json!({"StringEquals": {&sub: "system:serviceaccount:*:*"}})), "out", nothing),
        ("a wildcard for the name", allow(&json!({"StringLike": {&sub: "system:serviceaccount:app:*", &aud: STS}})), "in", nothing),
        ("a wildcard for the namespace", allow(&json!({"StringLike": {&sub: "system:serviceaccount:*:web"}, "StringEquals": {&aud: STS}})), "in", &[AnyNamespace]),
        ("wildcards for both", allow(&json!({"StringLike": {&sub: "system:serviceaccount:*:*"}, "StringEquals": {&aud: STS}})), "in", &[AnyServiceAccount]),
        ("a wildcard for all of it", allow(&json!({"StringLike": {&sub: "*", &aud: STS}})), "in", &[AnyServiceAccount]),
        ("system:serviceaccount:*", allow(&json!({"StringLike": {&sub: "system:serviceaccount:*"}, "StringEquals": {&aud: STS}})), "in", &[AnyServiceAccount]),
        ("several wildcards, one of them ours", allow(&json!({"StringLike": {&sub: ["system:serviceaccount:dev-*:*", "system:serviceaccount:app:*"], &aud: "sts*"}})), "in", nothing),
        ("aud only", allow(&json!({"StringEquals": {&aud: STS}})), "in", &[AnyServiceAccount]),
        ("no condition", policy(json!([{"Effect": "Allow", "Action": ACTION, "Principal": {"Federated": own}}])), "in", &[AnyServiceAccount, AnyAudience]),
        ("an empty condition", allow(&json!({})), "in", &[AnyServiceAccount, AnyAudience]),
        ("everyone", policy(json!([{"Effect": "Allow", "Action": ACTION, "Principal": "*"}])), "in", &[AnyProvider, AnyServiceAccount, AnyAudience]),
        ("everyone, limited to a subject", policy(json!([{"Effect": "Allow", "Action": ACTION, "Principal": {"AWS": "*"}, "Condition": usual()}])), "in", nothing),
        ("sub and aud swapped", allow(&json!({"StringEquals": {&sub: STS, &aud: SUB}})), "out", nothing),
        ("aud where sub was meant", allow(&json!({"StringEquals": {&aud: SUB}})), "out", nothing),
        ("another namespace", allow(&json!({"StringEquals": {&sub: "system:serviceaccount:default:web", &aud: STS}})), "out", nothing),
        ("another name", allow(&json!({"StringEquals": {&sub: "system:serviceaccount:app:api"}})), "out", nothing),
        ("a slash in the subject", allow(&json!({"StringEquals": {&sub: "system:serviceaccount:app/web"}})), "out", nothing),
        ("a blank behind the subject", allow(&json!({"StringEquals": {&sub: format!("{SUB} ")}})), "out", nothing),
        ("the subject in another case", allow(&json!({"StringEquals": {&sub: "system:serviceaccount:App:web"}})), "out", nothing),
        ("system:serviceaccounts", allow(&json!({"StringEquals": {&sub: "system:serviceaccounts:app:web"}})), "out", nothing),
        ("another audience", allow(&json!({"StringEquals": {&sub: SUB, &aud: "sts.amazonaws.com.cn"}})), "out", nothing),
        ("an audience with a scheme", allow(&json!({"StringEquals": {&sub: SUB, &aud: "https://sts.amazonaws.com"}})), "out", nothing),
        ("two audiences", allow(&json!({"StringEquals": {&sub: SUB, &aud: ["vault", STS]}})), "in", nothing),
        ("the key with the provider's ARN", allow(&json!({"StringEquals": {format!("{own}:sub"): SUB}})), "out", nothing),
        ("the key with https", allow(&json!({"StringEquals": {format!("https://{ISSUER}:sub"): SUB}})), "out", nothing),
        ("the key of another issuer", allow(&json!({"StringEquals": {format!("{OTHER}:sub"): SUB, format!("{OTHER}:aud"): STS}})), "out", nothing),
        ("the key with a placeholder", allow(&json!({"StringEquals": {"${OIDC_PROVIDER}:sub": SUB}})), "out", nothing),
        ("the key with a bracketed placeholder", allow(&json!({"StringEquals": {"<OIDC>:sub": SUB}})), "out", nothing),
        ("a value with a placeholder", allow(&json!({"StringEquals": {&sub: "system:serviceaccount:${NAMESPACE}:web"}})), "out", nothing),
        ("another provider", policy(json!([foreign(OTHER, json!({"StringEquals": {format!("{OTHER}:sub"): SUB}}))])), "out", nothing),
        ("another provider, our keys", policy(json!([foreign(OTHER, usual())])), "out", nothing),
        ("host parts in another order", policy(json!([foreign("oidc.eu-west-1.eks.amazonaws.com/id/EXAMPLED539D4633E53DE1B71EXAMPLE", usual())])), "out", nothing),
        ("the provider's id in lower case", policy(json!([foreign(&ISSUER.to_lowercase(), usual())])), "out", nothing),
        ("another account's provider", policy(json!([{"Effect": "Allow", "Action": ACTION, "Principal": {"Federated": own.replace("111122223333", "444455556666")}, "Condition": usual()}])), "out", nothing),
        ("another partition's provider", policy(json!([{"Effect": "Allow", "Action": ACTION, "Principal": {"Federated": own.replace("arn:aws:", "arn:aws-cn:")}, "Condition": usual()}])), "out", nothing),
        ("blue and green", policy(json!([foreign(OTHER, json!({"StringEquals": {format!("{OTHER}:sub"): SUB, format!("{OTHER}:aud"): STS}})), statement("Allow", &usual())])), "in", nothing),
        ("two providers in one statement", policy(json!([{"Effect": "Allow", "Action": ACTION, "Principal": {"Federated": [own, other]}, "Condition": usual()}])), "in", nothing),
        ("two providers, both keys required", policy(json!([{"Effect": "Allow", "Action": ACTION, "Principal": {"Federated": [own, other]}, "Condition": {"StringEquals": {&sub: SUB, format!("{OTHER}:sub"): SUB}}}])), "out", nothing),
        ("two providers, both keys if there", policy(json!([{"Effect": "Allow", "Action": ACTION, "Principal": {"Federated": [own, other]}, "Condition": {"StringEqualsIfExists": {&sub: SUB, &aud: STS, format!("{OTHER}:sub"): SUB}}}])), "in", nothing),
        ("GitHub Actions", policy(json!([foreign(github, json!({"StringLike": {format!("{github}:sub"): "repo:org/repo:*"}, "StringEquals": {format!("{github}:aud"): STS}}))])), "out", nothing),
        ("GitHub Actions and IRSA", policy(json!([foreign(github, json!({"ForAllValues:StringLike": {format!("{github}:sub"): "repo:org/*"}})), statement("Allow", &usual())])), "in", nothing),
        ("Cognito", policy(json!([{"Effect": "Allow", "Action": ACTION, "Principal": {"Federated": "cognito-identity.amazonaws.com"}, "Condition": {"StringEquals": {"cognito-identity.amazonaws.com:aud": "x"}, "ForAnyValue:StringLike": {"cognito-identity.amazonaws.com:amr": "authenticated"}}}])), "out", nothing),
        ("EC2", policy(json!([service("ec2.amazonaws.com")])), "out", nothing),
        ("EC2 and IRSA", policy(json!([service("ec2.amazonaws.com"), statement("Allow", &usual())])), "in", nothing),
        ("Pod Identity", policy(json!([pods.clone()])), "out", nothing),
        ("Pod Identity and IRSA", policy(json!([pods, statement("Allow", &usual())])), "in", nothing),
        ("the wrong action", policy(json!([{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Federated": own}, "Condition": usual()}])), "out", nothing),
        ("with sts:TagSession", policy(json!([{"Effect": "Allow", "Action": [ACTION, "sts:TagSession"], "Principal": {"Federated": own}, "Condition": usual()}])), "in", nothing),
        ("the role itself and IRSA", policy(json!([{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": "arn:aws:iam::111122223333:role/web"}}, statement("Allow", &usual())])), "in", nothing),
        ("limited to a network", allow(&json!({"StringEquals": {&sub: SUB, &aud: STS}, "IpAddress": {"aws:SourceIp": ["203.0.113.0/24"]}})), "depends", nothing),
        ("limited to a VPC", allow(&json!({"StringEquals": {&sub: SUB, &aud: STS, "aws:SourceVpc": "vpc-0abc"}})), "depends", nothing),
        ("denied outside a network", policy(json!([statement("Allow", &usual()), {"Effect": "Deny", "Action": "sts:*", "Principal": "*", "Condition": {"NotIpAddress": {"aws:SourceIp": "203.0.113.0/24"}}}])), "depends", nothing),
        ("denied outside the organization", policy(json!([statement("Allow", &usual()), {"Effect": "Deny", "Action": "*", "Principal": "*", "Condition": {"StringNotEqualsIfExists": {"aws:PrincipalOrgID": "o-abc"}}}])), "depends", nothing),
        ("denied without MFA", policy(json!([statement("Allow", &usual()), {"Effect": "Deny", "Action": "sts:AssumeRole", "Principal": {"AWS": "*"}, "Condition": {"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}}}])), "in", nothing),
        ("denied to all others", policy(json!([statement("Allow", &json!({})), {"Effect": "Deny", "Action": ACTION, "Principal": "*", "Condition": {"StringNotEquals": {&sub: SUB}}}])), "in", &[AnyAudience]),
        ("denied to kube-system", policy(json!([statement("Allow", &usual()), statement("Deny", &json!({"StringLike": {&sub: "system:serviceaccount:kube-system:*"}}))])), "in", nothing),
        ("denied to this one", policy(json!([statement("Allow", &json!({})), statement("Deny", &json!({"StringLike": {&sub: "system:serviceaccount:app:*"}}))])), "denied", nothing),
        ("denied by NotPrincipal", policy(json!([statement("Allow", &usual()), {"Effect": "Deny", "Action": "sts:*", "NotPrincipal": {"Federated": own}}])), "in", nothing),
        ("expired", allow(&json!({"StringEquals": {&sub: SUB}, "DateLessThan": {"aws:CurrentTime": "2023-12-31T23:59:59Z"}})), "out", nothing),
        ("a session name is wanted", allow(&json!({"StringEquals": {&sub: SUB, &aud: STS}, "StringLike": {"sts:RoleSessionName": "${aws:username}"}})), "depends", nothing),
        ("Sid and single strings", policy(json!({"Sid": "", "Effect": "Allow", "Principal": {"Federated": own}, "Action": ACTION, "Condition": usual()})), "in", nothing),
    ];
    assert!(table.len() >= 57, "{}", table.len());
    for (name, document, expected, breadth) in table {
        assert_eq!(verdict(&document), expected, "{name}: {document}");
        if ["in", "depends"].contains(&expected) {
            assert_eq!(call().breadth_of(&document), breadth, "{name}: {document}");
        }
        repairs_work(name, &document, expected, breadth);
    }
}

/// What is printed as a repair lets the caller in, takes nobody else's access, and ends what is too broad.
fn repairs_work(name: &str, document: &Value, expected: &str, breadth: &[Breadth]) {
    if ["out", "denied"].contains(&expected) {
        let repaired = call().let_in_by(document).unwrap();
        let judged = call().judged_by(&repaired);
        assert_eq!(judged, TrustVerdict::Allowed, "{name}: {repaired}");
        let mut kept = statements_of(document).unwrap().iter();
        let now = statements_of(&repaired).unwrap();
        let is_kept = |statement: &Value| now.contains(statement) || statement["Effect"] == "Deny";
        assert!(kept.all(is_kept), "{name}: {repaired}");
        if expected == "out" {
            assert_eq!(now.last(), Some(&call().statement()), "{name}");
        }
    }
    if let Some(narrowed) = call().narrowed(document).filter(|_| !breadth.is_empty()) {
        assert_eq!(call().breadth_of(&narrowed), [], "{name}: {narrowed}");
        assert_eq!(verdict(&narrowed), expected, "{name}: {narrowed}");
    }
    let only_ours = |statement: &Value| {
        statement["Principal"] == json!({"Federated": provider(ISSUER)}) || statement["Principal"] == "*"
    };
    let is_simple = statements_of(document).unwrap().iter().all(only_ours);
    if expected == "in" && !breadth.is_empty() && is_simple {
        assert!(call().narrowed(document).is_some(), "{name}: {document}");
    }
}
