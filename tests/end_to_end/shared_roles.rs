//! One role over two clusters, applied at the same time by two processes: neither takes away what the other wrote.

use serde_json::{Value, json};

use super::bed::{Bed, Ran};

const ROLE: &str = "orders-reader";

/// The file of a cluster that lets this service account of its own assume the role; none for a file that shares nothing.
fn file(bed: &Bed, cluster: &str, account: Option<&str>) -> String {
    let shared = account.map_or_else(
        || " []\n".to_owned(),
        |account| format!("\n- roleName: {ROLE}\n  serviceAccounts: [{{namespace: app, name: {account}}}]\n"),
    );
    let text = format!(
        "apiVersion: eksctl.io/v1alpha5\nkind: ClusterConfig\nmetadata: {{name: {cluster}, region: us-west-2}}\niam:\n  \
         withOIDC: true\n---\napiVersion: eksact.dev/v1alpha1\nkind: ClusterAccess\nsharedRoles:{shared}"
    );
    bed.file(&format!("{cluster}.yaml"), &text)
}

fn statements(bed: &Bed) -> Vec<Value> {
    bed.role(ROLE).unwrap().trust["Statement"]
        .as_array()
        .unwrap()
        .clone()
}

/// Runs these commands at the same time.
fn at_once(bed: &Bed, commands: &[&[&str]]) -> Vec<Ran> {
    std::thread::scope(|scope| {
        let running: Vec<_> = commands
            .iter()
            .map(|arguments| scope.spawn(move || bed.run(arguments)))
            .collect();
        running.into_iter().map(|run| run.join().unwrap()).collect()
    })
}

#[test]
fn shared_role_two_clusters_at_once() {
    let bed = Bed::start_with(&["--aws-only"]);
    for (cluster, digit) in [("blue", "B"), ("green", "C")] {
        bed.control(
            "POST",
            &format!("eks/{cluster}"),
            &json!({"issuerId": digit.repeat(32)}),
        );
    }
    bed.make_foreign_role(ROLE);
    let by_hand = statements(&bed);

    let (blue, green) = (file(&bed, "blue", Some("web")), file(&bed, "green", Some("web")));
    let ran = at_once(
        &bed,
        &[
            &["apply", "-f", &blue, "--yes"],
            &["apply", "-f", &green, "--yes"],
        ],
    );
    for ran in ran {
        ran.ended(0);
    }
    let after = statements(&bed);
    assert_eq!((&after[..1], after.len()), (&by_hand[..], 3), "{after:#?}");
    bed.nothing_to_do(&blue);
    bed.nothing_to_do(&green);
    assert_eq!(
        bed.role(ROLE).unwrap().tags,
        [("owner".to_owned(), "others".to_owned())].into()
    );

    // One goes while the other changes its mind.
    let (blue, green) = (file(&bed, "blue", None), file(&bed, "green", Some("job")));
    bed.run(&["plan", "-f", &blue]).ended(0).says("not-pruned");
    let ran = at_once(
        &bed,
        &[
            &["apply", "-f", &blue, "--prune", "--yes"],
            &["apply", "-f", &green, "--yes"],
        ],
    );
    for ran in ran {
        ran.ended(0);
    }
    let after = statements(&bed);
    assert_eq!((&after[..1], after.len()), (&by_hand[..], 2), "{after:#?}");
    assert!(
        after[1].to_string().contains("system:serviceaccount:app:job"),
        "{after:#?}"
    );
    bed.nothing_to_do(&green);
}
