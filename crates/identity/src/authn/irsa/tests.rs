//! A chain that holds, and every way that is known to break it.

use serde_json::json;

use super::*;

const ISSUER: &str = "https://oidc.eks.eu-west-1.amazonaws.com/id/AAAA";
pub(super) const KEYS: &str = "oidc.eks.eu-west-1.amazonaws.com/id/AAAA";
const ROLE: &str = "arn:aws:iam::111122223333:role/reader";

pub(super) fn trust(provider: &str, condition: &Value) -> Value {
    json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRoleWithWebIdentity",
        "Principal": {"Federated": format!("arn:aws:iam::111122223333:oidc-provider/{provider}")}, "Condition": condition}]})
}

pub(super) fn equals(sub: &str, aud: &str) -> Value {
    json!({"StringEquals": {format!("{KEYS}:sub"): sub, format!("{KEYS}:aud"): aud}})
}

fn whole() -> Chain {
    Chain {
        cluster: "prod".to_owned(),
        region: "eu-west-1".to_owned(),
        account: "111122223333".to_owned(),
        partition: Partition::Aws,
        issuer: Some(ISSUER.to_owned()),
        api_issuer: Some(ISSUER.to_owned()),
        namespace: "app".to_owned(),
        name: "s3-reader".to_owned(),
        service_account: Ok(Some(Account {
            annotations: BTreeMap::from([(ROLE_ANNOTATION.to_owned(), ROLE.to_owned())]),
        })),
        provider: Ok(Some(taking(AUDIENCE))),
        certificates: None,
        role: Ok(Some(Role {
            arn: ROLE.to_owned(),
            trust_policy: trust(KEYS, &equals("system:serviceaccount:app:s3-reader", AUDIENCE)),
            tags: BTreeMap::new(),
        })),
        pods: Ok(vec![Pod {
            name: "web-1".to_owned(),
            role_arns: BTreeMap::from([("web".to_owned(), ROLE.to_owned())]),
            controller: Some("deployment/web".to_owned()),
            ..Pod::default()
        }]),
        token: None,
        trial: None,
        in_file: InFile::NoFile,
        now: None,
    }
}

fn taking(audience: &str) -> Provider {
    Provider {
        audiences: vec![audience.to_owned()],
        thumbprints: vec!["aa".to_owned()],
    }
}

/// Its code; empty for a link that holds.
pub(super) fn code(link: &Link) -> &'static str {
    link.code.map_or("", Code::as_str)
}

fn first_broken(chain: &Chain) -> String {
    check(chain)
        .into_iter()
        .find(|link| link.verdict != Verdict::Whole)
        .map_or_else(
            || "nothing".to_owned(),
            |link| format!("{}: {}", link.name, code(&link)),
        )
}

fn annotated(key: &str, value: &str) -> Chain {
    Chain {
        service_account: Ok(Some(Account {
            annotations: BTreeMap::from([(key.to_owned(), value.to_owned())]),
        })),
        ..whole()
    }
}

pub(super) fn trusting(trust_policy: Value) -> Chain {
    Chain {
        role: Ok(Some(Role {
            arn: ROLE.to_owned(),
            trust_policy,
            tags: BTreeMap::new(),
        })),
        ..whole()
    }
}

/// A pod with one container that has these roles and variables.
fn running(roles: &[&str], variables: &[&str]) -> Chain {
    let container = || "web".to_owned();
    Chain {
        pods: Ok(vec![Pod {
            name: "web-1".to_owned(),
            role_arns: roles
                .iter()
                .map(|role| (container(), (*role).to_owned()))
                .collect(),
            variables: BTreeMap::from([(
                container(),
                variables.iter().map(|name| (*name).to_owned()).collect(),
            )]),
            controller: None,
        }]),
        ..whole()
    }
}

#[test]
fn chain_holds_when_whole_and_its_breaks_are_named() {
    let sub = "system:serviceaccount:app:s3-reader";
    let stale = Pod {
        name: "web-1".to_owned(),
        ..Pod::default()
    };
    let expired = Claims {
        expired_for: Some(std::time::Duration::from_mins(1)),
        ..Claims::default()
    };
    let cases: Vec<(Chain, &str)> = vec![
        (whole(), "nothing"),
        (
            Chain {
                provider: Ok(None),
                ..whole()
            },
            "provider: oidc-provider-missing",
        ),
        (
            trusting(trust(
                "oidc.eks.eu-west-1.amazonaws.com/id/BBBB",
                &equals(sub, AUDIENCE),
            )),
            "trust policy: trust-provider",
        ),
        (
            Chain {
                provider: Ok(Some(taking("other"))),
                ..whole()
            },
            "audience: oidc-audience-missing",
        ),
        (
            trusting(trust(KEYS, &equals("system:serviceaccount:app:*", AUDIENCE))),
            "trust policy: trust-wildcard",
        ),
        (
            trusting(trust(KEYS, &equals(AUDIENCE, sub))),
            "trust policy: trust-swapped",
        ),
        (
            trusting(trust(
                KEYS,
                &equals("system:serviceaccount:web:s3-reader", AUDIENCE),
            )),
            "trust policy: trust-namespace",
        ),
        (
            trusting(trust(KEYS, &equals("system:serviceaccount:app:other", AUDIENCE))),
            "trust policy: trust-subject",
        ),
        (
            trusting(trust(KEYS, &equals(sub, "sts.amazonaws.com.cn"))),
            "trust policy: trust-audience",
        ),
        (
            trusting(trust(
                KEYS,
                &json!({"StringEquals": {"oidc.eks.eu-west-1.amazonaws.com/id/BBBB:sub": sub}}),
            )),
            "trust policy: trust-other-issuer",
        ),
        (
            trusting(trust(KEYS, &json!({"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}))),
            "trust policy: trust-unknown",
        ),
        (
            trusting(
                json!({"Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "ec2.amazonaws.com"}}]}),
            ),
            "trust policy: trust-action",
        ),
        (
            trusting(trust(
                KEYS,
                &json!({"StringNotEquals": {format!("{KEYS}:sub"): sub}}),
            )),
            "trust policy: trust-condition",
        ),
        (
            running(&[], &["AWS_CONTAINER_CREDENTIALS_FULL_URI"]),
            "pods: pod-identity-wins",
        ),
        (
            running(
                &[ROLE],
                &["AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ACCESS_KEY_ID"],
            ),
            "pods: static-keys-win",
        ),
        (running(&[ROLE], &["AWS_ROLE_ARN"]), "pods: token-file-missing"),
        (
            running(&[ROLE], &["AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE"]),
            "nothing",
        ),
        (annotated("other", "x"), "annotation: annotation-missing"),
        (
            annotated("eks.amazonaws.com/role_arn", ROLE),
            "annotation: annotation-misspelt",
        ),
        (
            annotated(ROLE_ANNOTATION, "reader"),
            "annotation: annotation-malformed",
        ),
        (annotated(ROLE_ANNOTATION, " "), "annotation: annotation-empty"),
        (
            annotated(ROLE_ANNOTATION, "arn:aws:iam::111122223333:user/reader"),
            "annotation: annotation-malformed",
        ),
        (
            annotated(ROLE_ANNOTATION, "arn:aws-cn:iam::111122223333:role/reader"),
            "annotation: annotation-malformed",
        ),
        (
            annotated(ROLE_ANNOTATION, "arn:aws:iam::999999999999:role/reader"),
            "provider: other-account",
        ),
        (
            annotated(ROLE_ANNOTATION, "arn:aws:iam::111122223333:role/path/reader"),
            "role: role-path",
        ),
        (
            Chain {
                role: Ok(None),
                ..whole()
            },
            "role: role-missing",
        ),
        (
            Chain {
                service_account: Ok(None),
                ..whole()
            },
            "service account: service-account-missing",
        ),
        (
            Chain {
                api_issuer: Some("https://other".to_owned()),
                ..whole()
            },
            "issuer: other-cluster",
        ),
        (
            Chain {
                pods: Ok(vec![stale]),
                ..whole()
            },
            "pods: pods-older-than-annotation",
        ),
        (
            Chain {
                token: Some(Claims {
                    bad_times: vec!["exp"],
                    ..Claims::default()
                }),
                ..whole()
            },
            "token: token-time",
        ),
        (
            Chain {
                token: Some(expired),
                ..whole()
            },
            "token: token-expired",
        ),
        (
            Chain {
                role: Err("denied".to_owned()),
                ..whole()
            },
            "role: not-checkable",
        ),
    ];
    for (chain, expected) in cases {
        assert_eq!(first_broken(&chain), expected, "{chain:#?}");
    }
}

#[test]
fn wildcards_work_where_iam_lets_them() {
    let like = json!({"StringLike": {format!("{KEYS}:sub"): "system:serviceaccount:*:s3-*"},
        "StringEquals": {format!("{KEYS}:aud"): AUDIENCE}});
    assert_eq!(first_broken(&trusting(trust(KEYS, &like))), "nothing");
}

#[test]
fn audience_of_its_own_counts_in_provider_and_trust() {
    let mut chain = whole();
    if let Ok(Some(account)) = &mut chain.service_account {
        account
            .annotations
            .insert(AUDIENCE_ANNOTATION.to_owned(), "mine".to_owned());
    }
    assert_eq!(first_broken(&chain), "audience: oidc-audience-missing");
    chain.provider = Ok(Some(taking("mine")));
    assert_eq!(first_broken(&chain), "trust policy: trust-audience");
}

#[test]
fn another_thumbprint_is_said_with_what_it_matters() {
    let with = |thumbprints: &[&str], publicly_trusted| Chain {
        certificates: Some(Ok(IssuerCertificates {
            thumbprints: thumbprints.iter().map(|text| (*text).to_owned()).collect(),
            publicly_trusted,
        })),
        ..whole()
    };
    let found = |chain: &Chain| {
        let links = check(chain);
        let link = links.into_iter().find(|link| link.name == "thumbprint")?;
        Some((link.verdict, code(&link), link.is_note, link.help.is_some()))
    };
    assert_eq!(found(&whole()), None, "nobody looked");
    assert_eq!(
        found(&with(&["bb", "aa"], true)),
        Some((Verdict::Whole, "", false, false))
    );
    assert_eq!(
        found(&with(&["bb"], true)),
        Some((Verdict::Whole, "oidc-thumbprint", true, true))
    );
    assert_eq!(
        found(&with(&["bb"], false)),
        Some((Verdict::Whole, "oidc-thumbprint", false, true))
    );
    let unread = Chain {
        certificates: Some(Err("no answer".to_owned())),
        ..whole()
    };
    assert_eq!(
        found(&unread),
        Some((Verdict::Unknown, "not-checkable", false, false))
    );
}

/// What could not be read is a finding, not a line among others.
#[test]
fn unread_link_has_an_advice() {
    let denied = || "AccessDenied".to_owned();
    for (name, chain) in [
        (
            "service account",
            Chain {
                service_account: Err(denied()),
                ..whole()
            },
        ),
        (
            "provider",
            Chain {
                provider: Err(denied()),
                ..whole()
            },
        ),
        (
            "role",
            Chain {
                role: Err(denied()),
                ..whole()
            },
        ),
        (
            "pods",
            Chain {
                pods: Err(denied()),
                ..whole()
            },
        ),
    ] {
        let link = check(&chain)
            .into_iter()
            .find(|link| link.verdict == Verdict::Unknown)
            .unwrap();
        assert_eq!(link.name, name);
        assert!(
            link.help
                .unwrap()
                .contains("eksact check irsa --cluster prod --region eu-west-1 app/s3-reader --try")
        );
    }
}
