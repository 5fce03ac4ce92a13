//! The authentication mode and the identity providers of a file.

use super::{HEAD, loaded, report};
use crate::ports::aws::AuthenticationMode;

/// A file with these keys of one identity provider besides its type.
fn provider(keys: &str) -> String {
    format!("{HEAD}identityProviders: [{{type: oidc, {keys}}}]\n")
}

const GOOD: &str = "name: okta, issuerURL: 'https://okta.example.com', clientID: kubernetes";

#[test]
fn mode_is_read_with_its_place() {
    let config = loaded(&format!(
        "{HEAD}accessConfig:\n  authenticationMode: API_AND_CONFIG_MAP\n  bootstrapClusterCreatorAdminPermissions: false\n"
    ))
    .config;
    let mode = config.authentication_mode.unwrap();
    assert_eq!(mode.value, AuthenticationMode::ApiAndConfigMap);
    assert_eq!(mode.location.unwrap().line, 5);
    assert!(!config.bootstrap_creator_admin.unwrap().value);
    let silent = loaded(HEAD).config;
    assert_eq!(
        (silent.authentication_mode, silent.bootstrap_creator_admin),
        (None, None)
    );
    assert!(!silent.lists_identity_providers);
}

#[test]
fn identity_provider_is_read_whole() {
    let config = loaded(&provider(&format!(
        "{GOOD}, usernameClaim: email, usernamePrefix: '-', groupsClaim: groups, groupsPrefix: 'okta:', \
         requiredClaims: {{team: platform}}, tags: {{owner: me}}"
    )))
    .config;
    assert!(config.lists_identity_providers);
    let found = &config.identity_providers[0].config;
    assert_eq!(
        [
            Some(found.name.as_str()),
            Some(&found.issuer_url),
            Some(&found.client_id),
            found.username_claim.as_deref(),
            found.username_prefix.as_deref(),
            found.groups_claim.as_deref(),
            found.groups_prefix.as_deref(),
        ],
        [
            "okta",
            "https://okta.example.com",
            "kubernetes",
            "email",
            "-",
            "groups",
            "okta:"
        ]
        .map(Some)
    );
    assert_eq!(
        (&*found.required_claims["team"], &*found.tags["owner"]),
        ("platform", "me")
    );
}

#[test]
fn identity_provider_is_checked_by_the_rules_of_eks() {
    let long = "x".repeat(64);
    let https = "name: a, clientID: b, issuerURL: ";
    for (keys, told) in [
        (GOOD.to_owned(), ""),
        (format!("{https}'http://x'"), "must begin with https://"),
        (
            format!("{https}'https://x?y'"),
            "must have no query and no fragment",
        ),
        (
            format!("{GOOD}, usernamePrefix: 'system:'"),
            "begins with system:, which Kubernetes keeps for itself",
        ),
        (
            format!("{GOOD}, groupsClaim: g, groupsPrefix: 'system:x'"),
            "begins with system:, which Kubernetes keeps for itself",
        ),
        (format!("{GOOD}, groupsClaim: g, groupsPrefix: 'systems:'"), ""),
        (
            format!("{GOOD}, groupsPrefix: 'a:'"),
            "warning: identityProviders[0].groupsPrefix has no effect without groupsClaim",
        ),
        (
            format!("{GOOD}, requiredClaims: {{{long}: a}}"),
            "a required claim has a name of 1 to 63 characters",
        ),
        (
            format!("{GOOD}, requiredClaims: {{team: ''}}"),
            "a required claim has a value of 1 to 253 characters",
        ),
        (format!("{GOOD}, tags: {{'aws:x': y}}"), "begins with `aws:`"),
        (
            "name: a, clientID: b".to_owned(),
            "issuerURL must be set and non-empty",
        ),
    ] {
        let report = report(&provider(&keys));
        assert_eq!(report.is_empty(), told.is_empty(), "{keys}\n{report}");
        assert!(report.contains(told), "{keys}\n{report}");
    }
}

#[test]
fn identity_providers_are_told_apart_and_counted() {
    let list = |version: &str, items: &[(String, String)]| {
        let items: Vec<String> = items
            .iter()
            .map(|(name, issuer)| {
                format!("{{type: oidc, name: {name}, issuerURL: 'https://{issuer}', clientID: k}}")
            })
            .collect();
        let head = HEAD.replace("name: prod", &format!("name: prod{version}"));
        report(&format!("{head}identityProviders: [{}]\n", items.join(", ")))
    };
    let of = |name: &str, issuer: &str| (name.to_owned(), issuer.to_owned());
    let two = [of("a", "x"), of("b", "y")];
    assert_eq!(list(", version: '1.32'", &two), "");
    assert_eq!(list("", &two), "");
    let told = list(", version: '1.31'", &two);
    assert!(
        told.contains("2 identity providers are listed, and EKS allows 1 before Kubernetes 1.32"),
        "{told}"
    );
    let told = list("", &[of("a", "x"), of("a", "y")]);
    assert!(
        told.contains("identityProviders[1] has the name `a` of identityProviders[0]"),
        "{told}"
    );
    let told = list("", &[of("a", "x"), of("b", "x")]);
    assert!(
        told.contains("identityProviders[1] has the issuerURL `https://x` of identityProviders[0]"),
        "{told}"
    );
    let eleven: Vec<_> = (0..11).map(|n| of(&format!("p{n}"), &format!("i{n}"))).collect();
    assert!(list("", &eleven).contains("EKS allows 10 on one cluster"));
}
