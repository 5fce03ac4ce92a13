//! `utils update-authentication-mode`, and a file that says the mode: each step by its own approval, and none back.

use crate::commands::place::{Place, assert_story};

#[test]
fn authentication_mode_goes_forward_by_its_own_approval() {
    let mut place = Place::new();
    place.edit("prod", |world| {
        let cluster = world.clusters.values_mut().next().unwrap();
        cluster.cluster.authentication_mode = Some("CONFIG_MAP".to_owned());
    });
    let update = |mode| {
        [
            "utils",
            "update-authentication-mode",
            "--cluster",
            "prod",
            "--authentication-mode",
            mode,
        ]
    };
    let mixed = update("API_AND_CONFIG_MAP");
    let with = |more: &[&'static str]| [&mixed, more].concat();
    assert_eq!(place.tell(&with(&["--yes"])).code, 4);
    assert_eq!(place.tell(&with(&["--yes", "--allow", "one-way-mode"])).code, 0);
    assert_eq!(place.tell(&with(&["--yes"])).code, 0);
    assert_eq!(
        place.tell(&[&update("CONFIG_MAP")[..], &["--yes"]].concat()).code,
        1
    );
    assert_eq!(place.tell(&update("CONFIGMAP")).code, 64);
    assert_eq!(place.tell(&mixed[..4]).code, 64);
    place.write(
        "cluster.yaml",
        "apiVersion: eksctl.io/v1alpha5\nkind: ClusterConfig\nmetadata: {name: prod, region: eu-west-1}\n\
         accessConfig:\n  authenticationMode: API\n  bootstrapClusterCreatorAdminPermissions: false\n",
    );
    assert_eq!(place.tell(&["plan", "-f", "cluster.yaml"]).code, 4);
    assert_story!("authentication-mode", place.story());
}

#[test]
fn authentication_mode_of_a_file_without_one_is_missing() {
    let place = Place::new();
    place.write(
        "cluster.yaml",
        "apiVersion: eksctl.io/v1alpha5\nkind: ClusterConfig\nmetadata: {name: prod, region: eu-west-1}\n",
    );
    let ended = place.run(&["utils", "update-authentication-mode", "-f", "cluster.yaml"]);
    assert_eq!(ended.code, 1, "{}", ended.stderr);
    assert!(
        ended
            .stderr
            .contains("'accessConfig.authenticationMode' is not defined in \"cluster.yaml\""),
        "{}",
        ended.stderr
    );
}
