//! What eksctl 0.231 made, taken over without a change and then worked on.

use serde_json::Value;

use super::bed::Bed;

const S3: &str = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess";

#[test]
fn eksctl_s_world_is_as_its_file_wants_and_can_be_worked_on() {
    let bed = Bed::start();
    bed.load_eksctl_world();
    let file = bed.file(
        "cluster.yaml",
        include_str!("../fixtures/eksctl-0.231/cluster.yaml"),
    );
    bed.nothing_to_do(&file);

    // eksctl's own update drops the boundary that its flags do not repeat.
    let before = bed.role("my-named-role").unwrap();
    bed.run(&[
        "update",
        "iamserviceaccount",
        "--cluster",
        "bench",
        "--namespace",
        "ops",
        "--name",
        "named",
        "--attach-policy-arn",
        S3,
        "--approve",
    ])
    .ended(0);
    let after = bed.role("my-named-role").unwrap();
    assert_eq!(after.managed.iter().collect::<Vec<_>>(), [S3]);
    assert_eq!((&after.boundary, &after.trust), (&before.boundary, &before.trust));

    let role = bed.role_name_of("app", "inline");
    let untouched = (
        bed.service_account("app", "managed"),
        bed.role(&bed.role_name_of("app", "managed")),
    );
    bed.run(&[
        "delete",
        "iamserviceaccount",
        "--cluster",
        "bench",
        "--namespace",
        "app",
        "--name",
        "inline",
        "--approve",
    ])
    .ended(0);
    assert_eq!(bed.stack(&bed.stack_name("app", "inline")), None);
    assert_eq!(
        (bed.role(&role), bed.service_account("app", "inline")),
        (None, None)
    );
    assert_eq!(
        (
            bed.service_account("app", "managed"),
            bed.role(&bed.role_name_of("app", "managed"))
        ),
        untouched
    );

    // The file still wants them as they were.
    let plan = bed
        .run(&["plan", "-f", &file, "-o", "json", "--detailed-exitcode"])
        .ended(2)
        .json();
    let addresses: Vec<&Value> = plan["changes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|change| &change["address"])
        .collect();
    assert_eq!(
        addresses,
        [
            "iam-role/app/inline",
            "iam-role/ops/named",
            "service-account/app/inline"
        ]
    );
    bed.apply(&file).ended(0);
    bed.nothing_to_do(&file);
}
