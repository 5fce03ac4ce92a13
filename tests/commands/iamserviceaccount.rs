//! `create`, `get`, `update` and `delete iamserviceaccount`, with eksctl's flags.

use crate::commands::place::{Place, READ_ONLY, assert_story};

const SEND: &str = "arn:aws:iam::aws:policy/AmazonSQSFullAccess";
const BOUNDARY: &str = "arn:aws:iam::111122223333:policy/boundary";

/// A place whose cluster has a provider and whose account has a boundary.
fn prepared() -> Place {
    let place = Place::new();
    let ended = place.run(&[
        "utils",
        "associate-iam-oidc-provider",
        "--cluster",
        "prod",
        "--approve",
    ]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    place.edit("prod", |world| {
        world.policies.insert(BOUNDARY.to_owned());
    });
    place
}

#[test]
fn iamserviceaccount_from_creation_to_deletion() {
    let mut place = prepared();
    let create = [
        "create",
        "iamserviceaccount",
        "--cluster",
        "prod",
        "--namespace",
        "app",
        "--name",
        "s3-reader",
        "--attach-policy-arn",
        READ_ONLY,
        "--permissions-boundary",
        BOUNDARY,
        "--tags",
        "team=platform",
        "--labels",
        "tier=backend",
    ];
    // Without approval and without a terminal: the plan, the command to run, and no deed.
    place.tell(&create);
    place.tell(&[create.as_slice(), &["--approve"]].concat());
    place.tell(&["get", "iamserviceaccount", "--cluster", "prod"]);
    place.tell(&[
        "get",
        "iamserviceaccount",
        "s3-reader",
        "--cluster",
        "prod",
        "-o",
        "json",
    ]);
    let named = ["--cluster", "prod", "--namespace", "app", "--name", "s3-reader"];
    // eksctl's update would drop the boundary here.
    place.tell(
        &[
            &["update", "iamserviceaccount"],
            named.as_slice(),
            &["--attach-policy-arn", SEND, "--yes"],
        ]
        .concat(),
    );
    place.tell(&[&["delete", "iamserviceaccount"], named.as_slice(), &["--yes"]].concat());
    place.tell(&[&["delete", "iamserviceaccount"], named.as_slice(), &["--yes"]].concat());
    place.tell(&["get", "iamserviceaccount", "--cluster", "prod"]);
    assert_story!("iamserviceaccount", place.story());
}

#[test]
fn iamserviceaccount_is_chosen_by_the_file_and_globs() {
    let mut place = Place::applied();
    place.run(&[
        "delete",
        "iamserviceaccount",
        "-f",
        "quickstart.yaml",
        "--include",
        "app/*",
        "--exclude",
        "*/order-*",
        "--yes",
    ]);
    place.tell(&["get", "iamserviceaccount", "--cluster", "quickstart"]);
    place.run(&[
        "create",
        "iamserviceaccount",
        "-f",
        "quickstart.yaml",
        "--include",
        "app/*",
        "--approve",
    ]);
    place.tell(&["get", "iamserviceaccount", "--cluster", "quickstart"]);
    place.write_accounts(
        "less.yaml",
        &[&format!(
            "{{metadata: {{name: order-writer, namespace: app}}, attachPolicyARNs: [{READ_ONLY}]}}"
        )],
    );
    // What the file does not name goes, but for what the glob spares; what it names is not touched.
    place.run(&[
        "delete",
        "iamserviceaccount",
        "-f",
        "less.yaml",
        "--only-missing",
        "--exclude",
        "kube-system/*",
        "--approve",
    ]);
    place.tell(&["get", "iamserviceaccount", "--cluster", "quickstart"]);
    place.tell(&[
        "delete",
        "iamserviceaccount",
        "-f",
        "less.yaml",
        "--include",
        "ops/*",
    ]);
    // One that matches nothing may be a slip, and what it was to spare is in the plan.
    place.tell(&[
        "delete",
        "iamserviceaccount",
        "-f",
        "less.yaml",
        "--include",
        "app/*,ops/*",
        "--exclude",
        "ap/*",
    ]);
    assert_story!("globs", place.story());
}

#[test]
fn iamserviceaccount_mistakes_on_the_command_line() {
    let mut place = prepared();
    let wrong: [&[&str]; 12] = [
        &["create", "iamserviceaccount"],
        &["create", "iamserviceaccount", "--cluster", "prod"],
        &["create", "iamserviceaccount", "--cluster", "prod", "--name", "x"],
        &[
            "create",
            "iamserviceaccount",
            "--cluster",
            "prod",
            "--name",
            "Bad_Name",
            "--attach-policy-arn",
            "foo",
        ],
        &[
            "create",
            "iamserviceaccount",
            "--cluster",
            "prod",
            "--name",
            "x",
            "--attach-policy-arn",
            READ_ONLY,
            "--attach-role-arn",
            "arn:aws:iam::111122223333:role/x",
        ],
        &["create", "iamserviceaccount", "-f", "x.yaml", "--cluster", "prod"],
        &[
            "create",
            "iamserviceaccount",
            "--cluster",
            "prod",
            "--name",
            "x",
            "--include",
            "app/*",
        ],
        &[
            "create",
            "iamserviceaccount",
            "x",
            "--name",
            "y",
            "--cluster",
            "prod",
        ],
        &["create", "iamserviceacount", "--cluster", "prod"],
        &["update", "iamserviceaccount", "--cluster", "prod", "--name", "x"],
        &[
            "delete",
            "iamserviceaccount",
            "--cluster",
            "prod",
            "--only-missing",
        ],
        &["plan", "-f", "x.yaml", "--allow", "everything"],
    ];
    for arguments in wrong {
        let ended = place.tell(arguments);
        assert_eq!(ended.code, 64, "{arguments:?}");
    }
    assert_story!("usage", place.story());
}

#[test]
fn iamserviceaccount_that_does_not_exist() {
    let mut place = prepared();
    let named = ["--cluster", "prod", "--namespace", "app", "--name", "gone"];
    place.tell(
        &[
            &["update", "iamserviceaccount"],
            named.as_slice(),
            &["--attach-policy-arn", READ_ONLY, "--yes"],
        ]
        .concat(),
    );
    place.tell(&[&["delete", "iamserviceaccount"], named.as_slice(), &["--yes"]].concat());
    // There, but not ours.
    place.tell(&[
        "delete",
        "iamserviceaccount",
        "--cluster",
        "prod",
        "--name",
        "default",
    ]);
    // A cluster without a provider: nothing is made, not even the namespace.
    place.tell(&[
        "create",
        "iamserviceaccount",
        "--cluster",
        "fresh",
        "--namespace",
        "app",
        "--name",
        "x",
        "--attach-policy-arn",
        READ_ONLY,
        "--approve",
    ]);
    assert_story!("not-there", place.story());
}
