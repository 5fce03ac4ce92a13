//! Ten ways to be not authorized, or to get the node's role, and the name of each.

use serde_json::{Value, json};

use super::*;

const ISSUER: &str = "oidc.eks.eu-west-1.amazonaws.com/id/ABC";
const ROLE: &str = "arn:aws:iam::111122223333:role/reader";

/// All links, whole, until a test breaks one.
struct World {
    cluster: Cluster,
    service_account: Option<ServiceAccount>,
    role: Option<Role>,
    provider: Option<OidcProvider>,
    pods: Vec<Pod>,
    token: Option<JsonWebToken>,
}

fn world() -> World {
    let text = |value: Value| serde_json::from_value::<Cluster>(value).unwrap();
    let provider = format!("arn:aws:iam::111122223333:oidc-provider/{ISSUER}");
    let trust = irsa_trust(&provider, "StringEquals", &subject("app", "reader"), AUDIENCE);
    World {
        cluster: text(json!({
            "name": "prod", "arn": "arn:aws:eks:eu-west-1:111122223333:cluster/prod", "status": "ACTIVE", "version": null,
            "endpoint": null, "certificate_authority_data": null, "oidc_issuer": format!("https://{ISSUER}"),
            "authentication_mode": null, "endpoint_public_access": null, "tags": {},
        })),
        service_account: Some(ServiceAccount {
            namespace: "app".to_owned(),
            name: "reader".to_owned(),
            annotations: [(ROLE_ANNOTATION.to_owned(), ROLE.to_owned())].into(),
            ..ServiceAccount::default()
        }),
        role: Some(Role {
            name: "reader".to_owned(),
            arn: ROLE.to_owned(),
            id: "AROAX".to_owned(),
            path: "/".to_owned(),
            trust_policy: trust,
            managed_policy_arns: Vec::new(),
            inline_policies: Default::default(),
            permissions_boundary: None,
            tags: Default::default(),
        }),
        provider: Some(OidcProvider {
            arn: provider,
            url: ISSUER.to_owned(),
            audiences: vec![AUDIENCE.to_owned()],
            thumbprints: Vec::new(),
            tags: Default::default(),
        }),
        pods: vec![Pod {
            namespace: "app".to_owned(),
            name: "web-0".to_owned(),
            service_account: "reader".to_owned(),
            phase: "Running".to_owned(),
            controller: Some("deployment/web".to_owned()),
            role_arns: [("web".to_owned(), ROLE.to_owned())].into(),
        }],
        token: None,
    }
}

fn irsa_trust(provider: &str, operator: &str, sub: &str, aud: &str) -> Value {
    json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": {"Federated": provider}, "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {"StringEquals": {format!("{ISSUER}:aud"): aud}, operator: {format!("{ISSUER}:sub"): sub, format!("{ISSUER}:aud"): aud}},
    }]})
}

fn codes(world: &World) -> Vec<String> {
    let chain = Chain {
        cluster: &world.cluster,
        namespace: "app",
        name: "reader",
        service_account: Ok(world.service_account.as_ref()),
        role: Ok(world.role.as_ref()),
        provider: Ok(world.provider.as_ref()),
        pods: Ok(&world.pods),
        token: world.token.as_ref(),
        now: "2026-01-01T00:00:00Z".parse().unwrap(),
    };
    explain(&chain)
        .findings()
        .iter()
        .map(|finding| finding.code.clone())
        .collect()
}

fn with_trust(operator: &str, sub: &str, aud: &str) -> World {
    let mut world = world();
    let provider = world.provider.as_ref().unwrap().arn.clone();
    world.role.as_mut().unwrap().trust_policy = irsa_trust(&provider, operator, sub, aud);
    world
}

fn annotated(key: &str, value: &str) -> World {
    let mut world = world();
    world.service_account.as_mut().unwrap().annotations = [(key.to_owned(), value.to_owned())].into();
    world
}

#[test]
fn a_whole_chain_has_no_finding() {
    assert_eq!(codes(&world()), [""; 0]);
}

#[test]
fn each_broken_link_is_named() {
    let mut missing = world();
    missing.provider = None;
    assert_eq!(codes(&missing), ["oidc-provider-missing"]);

    let mut of_another_cluster = world();
    let other = format!("arn:aws:iam::111122223333:oidc-provider/{ISSUER}OLD");
    of_another_cluster.role.as_mut().unwrap().trust_policy = irsa_trust(&other, "StringEquals", "x", "y");
    assert_eq!(codes(&of_another_cluster), ["trust-other-provider"]);

    let mut no_audience = world();
    no_audience.provider.as_mut().unwrap().audiences.clear();
    assert_eq!(codes(&no_audience), ["oidc-audience-missing"]);

    assert_eq!(
        codes(&with_trust(
            "StringEquals",
            "system:serviceaccount:app:*",
            AUDIENCE
        )),
        ["trust-wildcard"]
    );
    assert_eq!(
        codes(&with_trust("StringEquals", AUDIENCE, &subject("app", "reader"))),
        ["trust-swapped", "trust-swapped"]
    );
    assert_eq!(
        codes(&with_trust("StringEquals", &subject("web", "reader"), AUDIENCE)),
        ["trust-other-namespace"]
    );

    assert_eq!(codes(&annotated("unrelated", "x")), ["annotation-missing"]);
    assert_eq!(
        codes(&annotated("eks.amazonaws.com/rolearn", ROLE)),
        ["annotation-typo"]
    );
    assert_eq!(
        codes(&annotated("eks.amazon.com/role-arn", ROLE)),
        ["annotation-typo"]
    );
    assert_eq!(
        codes(&annotated(ROLE_ANNOTATION, "reader")),
        ["annotation-not-a-role"]
    );
    let elsewhere = annotated(ROLE_ANNOTATION, "arn:aws:iam::999900001111:role/reader");
    assert_eq!(codes(&elsewhere), ["role-other-account", "pod-other-role"]);

    let mut pod_before = world();
    pod_before.pods[0].role_arns.clear();
    assert_eq!(codes(&pod_before), ["pod-without-role"]);

    let mut old_token = world();
    let claims = json!({"iss": format!("https://{ISSUER}"), "sub": subject("app", "reader"), "aud": AUDIENCE, "exp": 1});
    old_token.token = Some(JsonWebToken {
        algorithm: None,
        key_id: None,
        claims: claims.as_object().unwrap().clone(),
    });
    assert_eq!(codes(&old_token), ["token-expired"]);
}
