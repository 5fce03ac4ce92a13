//! What an exec credential plugin says to kubectl: which version of the API it answers in, and the answer.
//!
//! Types: `client.authentication.k8s.io`, `ExecCredential`. How the token comes about is not known here.

use jiff::{Timestamp, tz::TimeZone};
use serde_json::{Value, json};

/// The variable in which client-go tells a plugin what it expects.
pub const EXEC_INFO_VARIABLE: &str = "KUBERNETES_EXEC_INFO";

/// A version of `client.authentication.k8s.io`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExecApiVersion {
    /// Kubernetes 1.22 and newer.
    V1,
    /// Kubernetes 1.11 and newer.
    V1Beta1,
    /// Removed from clients with Kubernetes 1.24.
    V1Alpha1,
}

impl ExecApiVersion {
    const ALL: [Self; 3] = [Self::V1, Self::V1Beta1, Self::V1Alpha1];

    /// Group and version, as `apiVersion` has them.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::V1 => "client.authentication.k8s.io/v1",
            Self::V1Beta1 => "client.authentication.k8s.io/v1beta1",
            Self::V1Alpha1 => "client.authentication.k8s.io/v1alpha1",
        }
    }
}

/// The version to answer in, and what is odd about the question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Negotiated {
    /// Answer in this version: the client refuses any other than its own.
    pub version: ExecApiVersion,
    /// A warning for people.
    pub warning: Option<String>,
}

/// Reads `KUBERNETES_EXEC_INFO`. A version that is known is echoed; for anything else it is `v1beta1`, which every client
/// of the last years knows. No content is an error: the client may still be content with the answer.
pub fn negotiate(exec_info: Option<&str>) -> Negotiated {
    let fallback = |warning: Option<&str>| Negotiated {
        version: ExecApiVersion::V1Beta1,
        warning: warning.map(|what| {
            format!(
                "{EXEC_INFO_VARIABLE} {what}; the answer is in {}",
                ExecApiVersion::V1Beta1.as_str()
            )
        }),
    };
    let Some(text) = exec_info.filter(|text| !text.trim().is_empty()) else {
        return fallback(None);
    };
    let Ok(info) = serde_json::from_str::<Value>(text) else {
        return fallback(Some("is not JSON"));
    };
    let Some(asked) = info.get("apiVersion").and_then(Value::as_str) else {
        return fallback(Some("has no apiVersion"));
    };
    let Some(version) = ExecApiVersion::ALL
        .into_iter()
        .find(|version| version.as_str() == asked)
    else {
        return fallback(Some("asks for an apiVersion that eksact does not know"));
    };
    let warning = (version == ExecApiVersion::V1Alpha1).then(|| {
        "the kubeconfig asks for client.authentication.k8s.io/v1alpha1, which kubectl 1.24 dropped; `eksact \
         update-kubeconfig` writes a current entry"
            .to_owned()
    });
    Negotiated { version, warning }
}

/// The `ExecCredential` with a token, as one line with its end: what kubectl reads from the plugin's stdout.
pub fn exec_credential(version: ExecApiVersion, token: &str, expires: Timestamp) -> String {
    let answer = json!({
        "kind": "ExecCredential",
        "apiVersion": version.as_str(),
        "spec": {"interactive": false},
        "status": {"expirationTimestamp": whole_seconds(expires), "token": token},
    });
    format!("{answer}\n")
}

/// RFC 3339 in UTC without fractions, as both peers write it.
fn whole_seconds(time: Timestamp) -> String {
    time.to_zoned(TimeZone::UTC)
        .strftime("%Y-%m-%dT%H:%M:%SZ")
        .to_string()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn asking(version: &str) -> String {
        json!({"kind": "ExecCredential", "apiVersion": version, "spec": {"interactive": true}}).to_string()
    }

    #[test]
    fn known_version_is_echoed() {
        for version in [ExecApiVersion::V1, ExecApiVersion::V1Beta1] {
            let negotiated = negotiate(Some(&asking(version.as_str())));
            assert_eq!(
                negotiated,
                Negotiated {
                    version,
                    warning: None
                }
            );
        }
        let old = negotiate(Some(&asking("client.authentication.k8s.io/v1alpha1")));
        assert_eq!(old.version, ExecApiVersion::V1Alpha1);
        assert!(old.warning.unwrap().contains("update-kubeconfig"));
    }

    #[test]
    fn exec_info_that_is_unknown_or_no_json_is_answered_in_v1beta1_with_a_warning() {
        for text in [
            "{}",
            "[]",
            "null",
            "\"x\"",
            "{\"apiVersion\": 1}",
            "{",
            "\u{0}",
            &asking("client.authentication.k8s.io/v2"),
        ] {
            let negotiated = negotiate(Some(text));
            assert_eq!(negotiated.version, ExecApiVersion::V1Beta1, "{text}");
            assert!(negotiated.warning.is_some(), "{text}");
        }
        for nothing in [None, Some(""), Some(" \n")] {
            assert_eq!(
                negotiate(nothing),
                Negotiated {
                    version: ExecApiVersion::V1Beta1,
                    warning: None
                }
            );
        }
    }

    #[test]
    fn answer_is_one_line_of_json_that_client_go_reads() {
        let text = exec_credential(
            ExecApiVersion::V1,
            "k8s-aws-v1.abc",
            "2023-04-28T00:14:00.75Z".parse().unwrap(),
        );
        assert_eq!(text.matches('\n').count(), 1);
        let read: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(
            read,
            json!({
                "kind": "ExecCredential",
                "apiVersion": "client.authentication.k8s.io/v1",
                "spec": {"interactive": false},
                "status": {"expirationTimestamp": "2023-04-28T00:14:00Z", "token": "k8s-aws-v1.abc"},
            })
        );
    }

    proptest! {
        #[test]
        fn any_garbage_survives(text in ".*") {
            prop_assert_eq!(negotiate(Some(&text)).version, ExecApiVersion::V1Beta1);
        }
    }
}
