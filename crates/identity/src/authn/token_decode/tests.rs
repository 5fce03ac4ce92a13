//! Tokens of both kinds, read back; and everything that is none.

use aws_credential_types::Credentials;
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::authn::token::{TokenRequest, sign};

fn made(session_token: Option<&str>) -> String {
    let request = TokenRequest {
        cluster: "prod",
        region: "us-west-2",
        sts_host: "sts.us-west-2.amazonaws.com",
        time: "2023-04-28T00:00:00Z".parse().unwrap(),
    };
    let credentials = Credentials::new(
        "ASIAR2TG44V6AS3ZZE7C",
        "not-a-secret",
        session_token.map(str::to_owned),
        None,
        "test",
    );
    sign(&request, &credentials).unwrap().secret().to_owned()
}

fn presigned_of(token: &str) -> PresignedToken {
    match decode(token).unwrap() {
        DecodedToken::Cluster(token) => *token,
        DecodedToken::ServiceAccount(_) => panic!("a JWT"),
    }
}

fn of_url(url: &str) -> Result<DecodedToken, DecodeError> {
    decode(&format!("{TOKEN_PREFIX}{}", URL_SAFE_NO_PAD.encode(url)))
}

#[test]
fn our_own_token_is_read_without_its_secrets() {
    let token = presigned_of(&made(Some("the-session-token")));
    assert_eq!(token.host, "sts.us-west-2.amazonaws.com");
    assert_eq!(token.action.as_deref(), Some("GetCallerIdentity"));
    assert_eq!(token.access_key_id.as_deref(), Some("ASIAR2TG44V6AS3ZZE7C"));
    assert_eq!(
        (token.region.as_deref(), token.service.as_deref()),
        (Some("us-west-2"), Some("sts"))
    );
    assert_eq!(token.signed_headers, ["host", "x-k8s-aws-id"]);
    assert_eq!(
        token.accepted_until().unwrap().to_string(),
        "2023-04-28T00:15:00Z"
    );
    assert!(token.has_session_token && token.other_parameters.is_empty());
    let shown = format!("{token:?}");
    assert!(
        !shown.contains("the-session-token") && !shown.contains("prod"),
        "{shown}"
    );
}

#[test]
fn token_that_the_server_refuses_is_read_as_far_as_it_goes() {
    let token = presigned_of(&{
        let url = "http://user:hush@10.0.0.1:8080/x?Action=AssumeRole&a+b=c&X-Amz-Date=yesterday#y";
        format!("{TOKEN_PREFIX}{}", URL_SAFE_NO_PAD.encode(url))
    });
    assert_eq!(
        (token.scheme.as_str(), token.host.as_str()),
        ("http", "10.0.0.1:8080")
    );
    assert_eq!(
        (token.signed, token.other_parameters),
        (None, vec!["a…".to_owned()])
    );
    assert_eq!(of_url("no url"), Err(DecodeError::NotAUrl));
    assert_eq!(of_url("https://?x"), Err(DecodeError::NotAUrl));
    assert!(matches!(decode("k8s-aws-v1.a+b="), Err(DecodeError::Base64(_))));
    assert_eq!(decode("kubernetes"), Err(DecodeError::Unknown));
}

/// A URL that was escaped once too often, or glued together, has its secrets in the names and in other values.
#[test]
fn secret_is_never_kept_wherever_it_stands() {
    let good = "https://sts.us-west-2.amazonaws.com/?Action=GetCallerIdentity&X-Amz-Credential=AKIAX%2F20230428%2Fus-west-2\
        %2Fsts%2Faws4_request&X-Amz-SignedHeaders=host%3Bx-k8s-aws-id";
    let secrets = [
        "X-Amz-Signature%3DHUSH",
        "x-amz-signatureHUSH",
        "X-Amz-Security-TokenHUSH",
        "X-Amz-Security-Token%253DHUSH",
        "Y-X-Amz-SignatureHUSH",
    ];
    for secret in secrets {
        for place in [
            "?Action",
            "GetCallerIdentity",
            "AKIAX",
            "us-west-2%2F",
            "host",
            "aws-id",
            ".com",
        ] {
            for url in [
                good.replacen(place, &format!("{place}&{secret}"), 1),
                good.replacen(place, &format!("{place}%26{secret}"), 1),
                good.replacen(place, &format!("{place}{secret}"), 1),
            ] {
                if let Ok(DecodedToken::Cluster(token)) = of_url(&url) {
                    assert!(!format!("{token:?}").contains("HUSH"), "{url}: {token:?}");
                }
            }
        }
    }
    assert_eq!(
        shown("X-Amz-SignatureHUSHx-amz-security-token"),
        "X-Amz-Signature…"
    );
    assert_eq!(
        shown("sts.us-west-2.amazonaws.com:443"),
        "sts.us-west-2.amazonaws.com:443"
    );
}

#[test]
fn token_of_a_service_account_says_whom_it_is_bound_to() {
    let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let claims = json!({
        "iss": "https://oidc.eks.eu-west-1.amazonaws.com/id/ABC", "sub": "system:serviceaccount:app:reader",
        "aud": ["sts.amazonaws.com"], "exp": 1_682_640_900, "iat": 1_682_640_000.5,
        "kubernetes.io": {"namespace": "app", "serviceaccount": {"name": "reader"}, "pod": {"name": "p-0"}},
    });
    let text = format!(
        "{}.{}.hush",
        part(json!({"alg": "RS256", "kid": "k1"})),
        part(claims)
    );
    let DecodedToken::ServiceAccount(token) = decode(&text).unwrap() else {
        panic!()
    };
    assert_eq!(token.text("sub"), Some("system:serviceaccount:app:reader"));
    assert_eq!(token.audiences(), ["sts.amazonaws.com"]);
    assert_eq!(token.time("exp").unwrap().to_string(), "2023-04-28T00:15:00Z");
    assert_eq!(token.time("iat").unwrap().to_string(), "2023-04-28T00:00:00Z");
    assert_eq!(
        token.bound_to(),
        [
            ("service account", "reader".to_owned()),
            ("pod", "p-0".to_owned())
        ]
    );
    assert!(!format!("{token:?}").contains("hush"));
    assert_eq!(decode("a.b.c"), Err(DecodeError::NotJson("header")));
}

#[test]
fn token_is_found_in_what_people_paste() {
    let credential = json!({"kind": "ExecCredential", "status": {"token": "k8s-aws-v1.x"}}).to_string();
    for input in [
        "k8s-aws-v1.x",
        " k8s-aws-v1.x\n",
        "Bearer k8s-aws-v1.x",
        "Authorization: Bearer k8s-aws-v1.x",
        &credential,
    ] {
        assert_eq!(find(input).as_deref(), Ok("k8s-aws-v1.x"), "{input}");
    }
    assert_eq!(find(" \n"), Err(DecodeError::Empty));
    assert_eq!(find("{\"status\": 1}"), Err(DecodeError::Unknown));
    let wrapped = made(None).replace("aHR0", "aH\r\nR0");
    assert_eq!(presigned_of(&wrapped).host, "sts.us-west-2.amazonaws.com");
}

proptest! {
    /// Bytes of any kind, and texts that come close to a token: nothing panics, and nothing that is refused is quoted.
    #[test]
    fn decoding_panics_on_no_input(bytes in proptest::collection::vec(any::<u8>(), 0..300), url in "https?://[a-z.:@/]{0,20}\\?[A-Za-z0-9%&=+;-]{0,80}") {
        let text = String::from_utf8_lossy(&bytes);
        let _ = find(&text).and_then(|token| decode(&token));
        let _ = decode(&format!("{TOKEN_PREFIX}{}", URL_SAFE_NO_PAD.encode(&bytes)));
        let encoded = URL_SAFE_NO_PAD.encode(&bytes);
        let _ = decode(&format!("{encoded}.{encoded}.{encoded}"));
        if let Ok(DecodedToken::Cluster(token)) = of_url(&url) {
            let _ = (token.accepted_until(), token.kind_of_key());
        }
    }

    #[test]
    fn times_of_any_size_are_read_or_refused(seconds in any::<f64>()) {
        let claims = json!({"exp": seconds}).as_object().unwrap().clone();
        let _ = JsonWebToken { algorithm: None, key_id: None, claims }.time("exp");
    }
}
