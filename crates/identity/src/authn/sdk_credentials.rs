//! Which credentials AWS's SDKs take in a container, by its variables: keys, then a web identity, then the container's source,
//! then the role of the node (EKS user guide, "Learn how EKS Pod Identity works"; AWS SDKs and Tools Reference Guide,
//! "Standardized credential providers").

use super::pod_identity_webhook::{EnvironmentVariable, Method};

const KEY_ID: &str = "AWS_ACCESS_KEY_ID";
const SECRET_KEY: &str = "AWS_SECRET_ACCESS_KEY";
const RELATIVE_URI: &str = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI";

/// Where credentials come from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SdkCredentials {
    /// Keys in the environment, whose principal no object shows.
    Keys,
    /// This role by a token of the service account; none where the variable is set from elsewhere.
    WebIdentity(Option<String>),
    /// What answers under the URI of the container: on EKS the agent of Pod Identity.
    Container,
    /// The instance metadata service of the node.
    Node,
}

/// What is taken, and what of it is not sure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// What an SDK takes by the variables that are known.
    pub credentials: SdkCredentials,
    /// Whether variables that come as a whole from a ConfigMap or Secret could bring keys, which win.
    pub may_be_keys: bool,
    /// The variable of a pair of which the other is missing, so that SDKs pass it over.
    pub half_set: Option<&'static str>,
}

/// What SDKs take with these variables; `has_more` where others come from a ConfigMap or Secret as a whole.
pub fn taken(environment: &[EnvironmentVariable], has_more: bool) -> Taken {
    // Of several with one name the last counts.
    let find = |name: &str| environment.iter().rev().find(|variable| variable.name == name);
    let is_set = |name: &str| find(name).is_some_and(|variable| variable.value.as_deref() != Some(""));
    let [role, token] = Method::WebIdentity {
        role_arn: String::new(),
    }
    .variables();
    let [uri, _] = Method::Association.variables();
    let half_set = match (is_set(role), is_set(token)) {
        (true, false) => Some(role),
        (false, true) => Some(token),
        _ => None,
    };
    let credentials = if is_set(KEY_ID) && is_set(SECRET_KEY) {
        SdkCredentials::Keys
    } else if is_set(role) && is_set(token) {
        SdkCredentials::WebIdentity(find(role).and_then(|variable| variable.value.clone()))
    } else if is_set(uri) || is_set(RELATIVE_URI) {
        SdkCredentials::Container
    } else {
        SdkCredentials::Node
    };
    Taken {
        may_be_keys: has_more && credentials != SdkCredentials::Keys,
        credentials,
        half_set,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables(pairs: &[(&str, Option<&str>)]) -> Vec<EnvironmentVariable> {
        let one = |(name, value): &(&str, Option<&str>)| EnvironmentVariable {
            name: (*name).to_owned(),
            value: value.map(str::to_owned),
        };
        pairs.iter().map(one).collect()
    }

    #[test]
    fn sdks_take_keys_then_the_token_then_the_container_then_the_node() {
        const ROLE: (&str, Option<&str>) = ("AWS_ROLE_ARN", Some("arn:role"));
        const TOKEN: (&str, Option<&str>) = ("AWS_WEB_IDENTITY_TOKEN_FILE", Some("/token"));
        const URI: (&str, Option<&str>) = ("AWS_CONTAINER_CREDENTIALS_FULL_URI", Some("http://x"));
        const KEYS: [(&str, Option<&str>); 2] = [(KEY_ID, None), (SECRET_KEY, None)];
        let web_identity = SdkCredentials::WebIdentity(Some("arn:role".to_owned()));
        for (set, expected, half_set) in [
            (
                vec![KEYS[0], KEYS[1], ROLE, TOKEN, URI],
                SdkCredentials::Keys,
                None,
            ),
            (vec![KEYS[0], ROLE, TOKEN, URI], web_identity.clone(), None),
            (vec![ROLE, TOKEN, URI], web_identity, None),
            (vec![ROLE, URI], SdkCredentials::Container, Some("AWS_ROLE_ARN")),
            (
                vec![TOKEN],
                SdkCredentials::Node,
                Some("AWS_WEB_IDENTITY_TOKEN_FILE"),
            ),
            (
                vec![("AWS_ROLE_ARN", None), TOKEN],
                SdkCredentials::WebIdentity(None),
                None,
            ),
            (
                vec![ROLE, TOKEN, ("AWS_ROLE_ARN", Some(""))],
                SdkCredentials::Node,
                Some("AWS_WEB_IDENTITY_TOKEN_FILE"),
            ),
            (vec![], SdkCredentials::Node, None),
        ] {
            let taken = taken(&variables(&set), true);
            assert_eq!(
                (&taken.credentials, taken.half_set),
                (&expected, half_set),
                "{set:?}"
            );
            assert_eq!(taken.may_be_keys, expected != SdkCredentials::Keys);
        }
    }
}
