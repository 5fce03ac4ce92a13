//! `migrate to-access-entries`: what each of its plans looks like.

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
