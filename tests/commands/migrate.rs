//! `migrate to-access-entries`: what each of its plans looks like.

use eksact_core::ports::aws::{AccessEntry, ClusterUpdateError};

use crate::commands::place::{Place, assert_story};

const MAP_ROLES: &str = "\
- {rolearn: 'arn:aws:iam::111122223333:role/platform', username: 'platform:{{SessionName}}', groups: ['system:masters']}
- {rolearn: 'arn:aws:iam::111122223333:role/nodes', username: 'system:node:{{EC2PrivateDNSName}}', groups: ['system:nodes', 'system:bootstrappers']}
- {rolearn: 'arn:aws:iam::444455556666:role/far', username: far, groups: []}
- {rolearn: 'arn:aws:iam::111122223333:role/unnamed', groups: []}
";

#[test]
fn migration_is_shown_step_by_step() {
    let mut place = Place::new();
    place.edit("prod", |world| {
        world.any_principal = true;
        let creator = world.caller_arn();
        let cluster = world.clusters.values_mut().next().unwrap();
        cluster.cluster.authentication_mode = Some("CONFIG_MAP".to_owned());
        cluster.eks.access_entries.clear();
        cluster.eks.updates.creator = Some(creator);
        let config_map = cluster.config_maps.get_mut("kube-system/aws-auth").unwrap();
        config_map.data = [("mapRoles".to_owned(), MAP_ROLES.to_owned())].into();
    });
    let migrate = ["migrate", "to-access-entries", "--cluster", "prod"];
    place.tell(&migrate);
    let far = [
        &migrate[..],
        &["--principal-arn", "arn:aws:iam::444455556666:role/team/far"],
    ]
    .concat();
    let ended = place.run(&[&far[..], &["--allow", "one-way-mode", "--yes"]].concat());
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    place.tell(&far);
    place.tell(&[&far[..], &["--remove-aws-auth"]].concat());
    place.tell(&[&far[..], &["--to-api"]].concat());
    place.tell(
        &[
            &migrate[..],
            &["--username", "arn:aws:iam::111122223333:role/nobody=x"],
        ]
        .concat(),
    );
    assert_story!("migrate", place.story());
}

/// What is chosen for a line is checked before the mode is changed, which cannot be undone.
#[test]
fn migration_is_refused_choices_that_no_entry_can_have() {
    let mut place = Place::new();
    place.edit("prod", |world| {
        world.any_principal = true;
        let cluster = world.clusters.values_mut().next().unwrap();
        cluster.cluster.authentication_mode = Some("CONFIG_MAP".to_owned());
        cluster.eks.access_entries.clear();
        let config_map = cluster.config_maps.get_mut("kube-system/aws-auth").unwrap();
        config_map.data = [("mapRoles".to_owned(), MAP_ROLES.to_owned())].into();
    });
    let migrate = [
        "migrate",
        "to-access-entries",
        "--cluster",
        "prod",
        "--allow",
        "one-way-mode",
        "--yes",
    ];
    let (platform, nodes) = (
        "arn:aws:iam::111122223333:role/platform",
        "arn:aws:iam::111122223333:role/nodes",
    );
    for flags in [
        vec!["--type".to_owned(), format!("{nodes}=EC2_LINUXX")],
        vec!["--type".to_owned(), format!("{platform}=EC2_LINUX")],
        vec!["--type".to_owned(), format!("{nodes}=STANDARD")],
        vec![
            "--type".to_owned(),
            "arn:aws:iam::444455556666:role/far=EC2_LINUX".to_owned(),
        ],
        vec![
            "--type".to_owned(),
            "arn:aws:iam::111122223333:role/nobody=EC2_LINUX".to_owned(),
        ],
        vec![
            "--type".to_owned(),
            format!("{nodes}=EC2_LINUX"),
            "--type".to_owned(),
            format!("{nodes}=EC2_WINDOWS"),
        ],
        vec!["--username".to_owned(), format!("{platform}=system:x")],
    ] {
        let words: Vec<&str> = migrate
            .into_iter()
            .chain(flags.iter().map(String::as_str))
            .collect();
        place.tell(&words);
    }
    place.edit("prod", |world| {
        let cluster = world.clusters.values().next().unwrap();
        assert_eq!(cluster.cluster.authentication_mode.as_deref(), Some("CONFIG_MAP"));
    });
    assert_story!("migrate-choices", place.story());
}

/// The same command goes on where another run has moved the line that a flag names.
#[test]
fn migration_goes_on_with_a_flag_about_a_line_that_is_gone() {
    let place = Place::new();
    place.edit("prod", |world| {
        world.any_principal = true;
        let cluster = world.clusters.values_mut().next().unwrap();
        let config_map = cluster.config_maps.get_mut("kube-system/aws-auth").unwrap();
        let line = "- {rolearn: 'arn:aws:iam::111122223333:role/x', username: 'system:x', groups: []}\n";
        config_map.data = [("mapRoles".to_owned(), line.to_owned())].into();
    });
    let migrate = [
        "migrate",
        "to-access-entries",
        "--cluster",
        "prod",
        "--username",
        "arn:aws:iam::111122223333:role/x=x",
        "--remove-aws-auth",
        "--yes",
    ];
    for _ in 0..2 {
        let ended = place.run(&migrate);
        assert_eq!(ended.code, 0, "{}", ended.stderr);
    }
    let ended = place.run(&migrate);
    let said = "--username arn:aws:iam::111122223333:role/x has no effect";
    assert!(ended.stderr.contains(said), "{}", ended.stderr);
}

/// Names of roles and user names in the cluster may both have a `=`: the line of aws-auth tells where the ARN ends.
#[test]
fn migration_takes_roles_and_user_names_with_equals_signs() {
    let place = Place::new();
    let write = |roles: &'static [&'static str]| {
        place.edit("prod", move |world| {
            world.any_principal = true;
            let cluster = world.clusters.values_mut().next().unwrap();
            let config_map = cluster.config_maps.get_mut("kube-system/aws-auth").unwrap();
            let line = |role: &&str| {
                format!("- {{rolearn: 'arn:aws:iam::111122223333:role/{role}', username: 'system:x', groups: []}}\n")
            };
            config_map.data = [("mapRoles".to_owned(), roles.iter().map(line).collect())].into();
        });
    };
    let migrate = [
        "migrate",
        "to-access-entries",
        "--cluster",
        "prod",
        "--username",
        "arn:aws:iam::111122223333:role/team=web=ou=x",
        "--yes",
    ];
    write(&["team", "team=web"]);
    let refused = place.run(&migrate);
    assert_eq!(refused.code, 64, "{}", refused.stderr);
    let said =
        "is either of arn:aws:iam::111122223333:role/team or of arn:aws:iam::111122223333:role/team=web";
    let words: Vec<&str> = refused.stderr.split_whitespace().collect();
    assert!(words.join(" ").contains(said), "{}", refused.stderr);

    write(&["team=web"]);
    let ended = place.run(&migrate);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    place.edit("prod", |world| {
        let entries = &world.clusters.values().next().unwrap().eks.access_entries;
        let entry = &entries["arn:aws:iam::111122223333:role/team=web"];
        assert_eq!(entry.username, "ou=x");
    });
}

/// A cluster in mode `CONFIG_MAP` whose caller made it, and whose node group EKS knows: both get entries of EKS's own at the switch, so
/// many seconds later.
fn before_the_switch(place: &Place, seconds: u32) {
    const LINES: &str = "\
- {rolearn: 'arn:aws:iam::111122223333:role/platform', username: 'platform:{{SessionName}}', groups: ['system:masters']}
- {rolearn: 'arn:aws:iam::111122223333:role/nodes', username: 'system:node:{{EC2PrivateDNSName}}', groups: ['system:nodes']}
";
    place.edit("prod", |world| {
        world.any_principal = true;
        let creator = world.caller_arn();
        let users =
            format!("- {{userarn: '{creator}', username: founder, groups: [ops, 'system:masters']}}\n");
        let cluster = world.clusters.values_mut().next().unwrap();
        cluster.cluster.authentication_mode = Some("CONFIG_MAP".to_owned());
        cluster.eks.access_entries.clear();
        let updates = &mut cluster.eks.updates;
        updates.creator = Some(creator);
        updates.node_roles = [(
            "arn:aws:iam::111122223333:role/nodes".to_owned(),
            "EC2_LINUX".to_owned(),
        )]
        .into();
        updates.own_entries_after_seconds = seconds;
        let config_map = cluster.config_maps.get_mut("kube-system/aws-auth").unwrap();
        config_map.data = [
            ("mapRoles".to_owned(), LINES.to_owned()),
            ("mapUsers".to_owned(), users),
        ]
        .into();
    });
}

fn fail_next_update(place: &Place) {
    place.edit("prod", |world| {
        let cluster = world.clusters.values_mut().next().unwrap();
        cluster.eks.updates.fails = Some(ClusterUpdateError {
            code: "OperationNotPermitted".to_owned(),
            message: "The control plane is being patched".to_owned(),
            resource_ids: vec!["prod".to_owned()],
        });
    });
}

/// The mode, and each entry with its user name and groups.
fn state(place: &Place) -> (String, Vec<String>) {
    let mut state = (String::new(), Vec::new());
    place.edit("prod", |world| {
        let cluster = world.clusters.values().next().unwrap();
        let entries = cluster.eks.access_entries.values();
        let entry = |entry: &AccessEntry| {
            let name = entry.principal_arn.rsplit('/').next().unwrap();
            format!(
                "{name} {} {} {}",
                entry.username,
                entry.groups.join(","),
                entry.policies.len()
            )
        };
        state = (
            cluster.cluster.authentication_mode.clone().unwrap(),
            entries.map(entry).collect(),
        );
    });
    state
}

/// Each update of the cluster fails once: nothing else is done then, and the next run goes on. Whether EKS's own entries were met as
/// a conflict.
fn through_failed_updates(own_entries_after: u32) -> bool {
    let migrate = [
        "migrate",
        "to-access-entries",
        "--cluster",
        "prod",
        "--yes",
        "--allow",
        "one-way-mode",
    ];
    let place = Place::new();
    before_the_switch(&place, own_entries_after);
    fail_next_update(&place);
    let ended = place.run(&migrate);
    let failed = "The control plane is being patched";
    assert!(
        ended.code != 0 && ended.stderr.contains(failed),
        "{}",
        ended.stderr
    );
    assert_eq!(state(&place), ("CONFIG_MAP".to_owned(), Vec::new()));

    let ended = place.run(&migrate);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let is_met = ended.stderr.contains("was made meanwhile, and was taken over");
    let entries = [
        "nodes system:node:{{EC2PrivateDNSName}} system:nodes 0",
        "platform platform:{{SessionName}}  1",
        "sandbox founder ops 1",
    ];
    let wanted = |mode: &str| (mode.to_owned(), entries.map(str::to_owned).to_vec());
    assert_eq!(state(&place), wanted("API_AND_CONFIG_MAP"));

    let to_api = [&migrate[..], &["--to-api", "--remove-aws-auth"]].concat();
    fail_next_update(&place);
    let ended = place.run(&to_api);
    assert!(
        ended.code != 0 && ended.stderr.contains(failed),
        "{}",
        ended.stderr
    );
    assert_eq!(state(&place), wanted("API_AND_CONFIG_MAP"));
    let ended = place.run(&to_api);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_eq!(state(&place), wanted("API"));
    is_met
}

/// They come between look and write, and are taken over.
#[test]
fn migration_meets_entries_of_eks_and_failed_updates() {
    assert!(through_failed_updates(0));
}

#[test]
fn migration_ends_right_before_entries_of_eks_come() {
    assert!(!through_failed_updates(3600));
}

/// The mode alone: nothing is void before everyone has an entry, whenever EKS makes its own.
#[test]
fn authentication_mode_waits_for_late_entries_of_eks() {
    let place = Place::new();
    before_the_switch(&place, 3600);
    let update = |mode| {
        let update = [
            "utils",
            "update-authentication-mode",
            "--cluster",
            "prod",
            "--authentication-mode",
        ];
        [&update[..], &[mode, "--yes", "--allow", "one-way-mode"]].concat()
    };
    fail_next_update(&place);
    let ended = place.run(&update("API_AND_CONFIG_MAP"));
    assert!(
        ended.code != 0 && ended.stderr.contains("is being patched"),
        "{}",
        ended.stderr
    );
    assert_eq!(state(&place), ("CONFIG_MAP".to_owned(), Vec::new()));
    assert_eq!(place.run(&update("API_AND_CONFIG_MAP")).code, 0);
    // The entries are not there yet, and the lines let everyone in.
    let ended = place.run(&update("API"));
    assert_eq!(ended.code, 4, "{}", ended.stderr);
    assert!(
        ended.stdout.contains("refused[aws-auth-in-use]"),
        "{}",
        ended.stdout
    );
    assert_eq!(state(&place).0, "API_AND_CONFIG_MAP");
    place.edit("prod", |world| {
        let cluster = world.clusters.values_mut().next().unwrap();
        cluster.eks.updates.own_entries_due = Some(jiff::Timestamp::UNIX_EPOCH);
    });
    // EKS's own have come; one line without an entry is left, and named.
    let ended = place.run(&update("API"));
    assert_eq!(ended.code, 4, "{}", ended.stderr);
    let words = ended.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        words.contains(
            "1 of its principals has no access entry that lets it in: arn:aws:iam::111122223333:role/platform"
        ),
        "{words}"
    );
}
