//! `associate`, `get` and `disassociate identityprovider`.

use crate::commands::place::{Place, assert_story};

#[test]
fn identity_provider_is_associated_shown_and_disassociated() {
    let mut place = Place::new();
    place.write(
        "cluster.yaml",
        "apiVersion: eksctl.io/v1alpha5\nkind: ClusterConfig\nmetadata: {name: prod, region: eu-west-1}\n\
         iam: {withOIDC: true}\nidentityProviders:\n- type: oidc\n  name: okta\n  issuerURL: https://okta.example.com\n  \
         clientID: kubernetes\n  groupsClaim: groups\n  groupsPrefix: 'okta:'\n",
    );
    place.tell(&["get", "identityprovider", "--cluster", "prod"]);
    let ended = place.tell(&["associate", "identityprovider", "-f", "cluster.yaml", "--yes"]);
    assert_eq!(ended.code, 0);
    place.tell(&["associate", "identityprovider", "-f", "cluster.yaml", "--yes"]);
    place.tell(&["get", "identityprovider", "--cluster", "prod"]);
    place.tell(&[
        "get",
        "identityprovider",
        "--cluster",
        "prod",
        "--name",
        "okta",
        "-o",
        "json",
    ]);
    let ended = place.tell(&["get", "identityprovider", "--cluster", "prod", "--name", "dex"]);
    assert_eq!(ended.code, 1);
    let ended = place.tell(&[
        "disassociate",
        "identityprovider",
        "--cluster",
        "prod",
        "--name",
        "okta",
    ]);
    assert_eq!(ended.code, 64);
    let ended = place.tell(&["disassociate", "identityprovider", "-f", "cluster.yaml", "--yes"]);
    assert_eq!(ended.code, 0);
    let ended = place.tell(&["disassociate", "identityprovider", "-f", "cluster.yaml", "--yes"]);
    assert_eq!(ended.code, 0);
    assert_story!("identity-provider", place.story());
}
