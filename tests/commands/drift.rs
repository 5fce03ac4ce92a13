//! `plan --drift-only`: what a job that looks every night sees.

use crate::commands::place::{Place, assert_story};

#[test]
fn drift_only_shows_what_a_hand_did_and_not_what_the_file_asks_for() {
    let mut place = Place::applied();
    let look = ["plan", "-f", "quickstart.yaml", "--drift-only"];
    assert_eq!(place.tell(&look).code, 0);
    // The file asks for more than was applied: intent, and one object more.
    let file = include_str!("../../examples/quickstart.yaml");
    let more = "    - metadata: {name: more, namespace: app}\n      attachPolicyARNs: [arn:aws:iam::aws:policy/ReadOnlyAccess]\n";
    place.write(
        "next.yaml",
        &format!("{}{more}", file.replace("- sqs:GetQueueAttributes", "- sqs:*")),
    );
    let look = ["plan", "-f", "next.yaml", "--drift-only"];
    assert_eq!(place.tell(&look).code, 0);
    place.edit("quickstart", |world| {
        let role = world
            .roles
            .values_mut()
            .find(|role| {
                role.tags
                    .get("alpha.eksctl.io/iamserviceaccount-name")
                    .is_some_and(|name| name == "app/report-reader")
            })
            .unwrap();
        role.managed_policy_arns
            .push("arn:aws:iam::aws:policy/AdministratorAccess".to_owned());
        let cluster = world.clusters.values_mut().next().unwrap();
        cluster.service_accounts.remove("kube-system/external-dns");
    });
    let ended = place.tell(&look);
    assert_eq!(ended.code, 7);
    let markdown = place.tell(&[&look[..], &["-o", "markdown"]].concat());
    assert_eq!(markdown.code, 7);
    let json = place.run(&[&look[..], &["-o", "json"]].concat());
    let document: serde_json::Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(document["target"]["only"], "drift");
    // Without the flag the code is what it was.
    assert_eq!(place.run(&["plan", "-f", "next.yaml"]).code, 0);
    assert_eq!(
        place
            .run(&["plan", "-f", "next.yaml", "--detailed-exitcode"])
            .code,
        2
    );
    for refused in [&["--out", "drift.plan"][..], &["--detailed-exitcode"]] {
        assert_eq!(place.tell(&[&look[..], refused].concat()).code, 64);
    }
    assert!(!place.path("drift.plan").exists());
    assert_story!("drift", place.story());
}
