//! What goes, what stays because others use or wrote it, and what is asked back.

use super::*;

fn arn(region: &str, account: &str) -> String {
    format!("arn:aws:eks:{region}:{account}:cluster/prod")
}

fn entry(name: &str, body: Value) -> Entry {
    Entry {
        name: Some(name.to_owned()),
        body,
        line: 1,
        column: 1,
    }
}

fn user(name: &str, command: &str) -> Entry {
    user_of(name, command, "prod")
}

fn user_of(name: &str, command: &str, cluster: &str) -> Entry {
    let exec = Value::map([
        ("command", Value::text(command)),
        (
            "args",
            Value::texts(&["token", "--cluster", cluster].map(str::to_owned)),
        ),
    ]);
    entry(name, Value::map([("exec", exec)]))
}

fn context(name: &str, cluster: &str, user: &str) -> Entry {
    entry(
        name,
        Value::map([("cluster", Value::text(cluster)), ("user", Value::text(user))]),
    )
}

fn file() -> Entries {
    let (here, there) = (arn("eu-west-1", "111122223333"), arn("us-west-2", "111122223333"));
    Entries {
        clusters: vec![
            entry(&here, Value::Null),
            entry("minikube", Value::Null),
            entry(&there, Value::Null),
        ],
        contexts: vec![
            context("prod", &here, "one"),
            context("by-hand", &here, "aws"),
            context("minikube", "minikube", "shared"),
            context("app", &here, "shared"),
            context("there", &there, "two"),
        ],
        users: vec![
            user("one", "/bin/eksact"),
            user("shared", "eksact"),
            user("aws", "aws"),
            user("two", "eksact"),
        ],
        current_context: Some("prod".to_owned()),
    }
}

fn names(removal: &Removal) -> Vec<&str> {
    removal.removed.iter().map(|(_, name, _)| name.as_str()).collect()
}

/// A local cluster on an Outpost goes by an id in tokens, which is written nowhere else in the file.
#[test]
fn local_clusters_context_goes_as_well() {
    let here = arn("eu-west-1", "111122223333");
    let mut file = file();
    file.contexts = vec![context("prod", &here, "local"), context("other", &here, "two")];
    file.users = vec![
        user_of("local", "eksact", "2f2c7a4e-8d1c-4bd6-a1d0-5b4ab0f7a1e3"),
        user_of("two", "eksact", "staging"),
    ];
    let selection = Selection {
        cluster: here.clone(),
        ..Selection::default()
    };
    let removal = remove(&file, &selection).unwrap();
    assert_eq!(names(&removal), ["prod", "local"]);

    // Of a name that somebody chose nobody knows whose id it is.
    let mut chosen = file.clone();
    chosen.clusters = vec![entry("dev", Value::Null)];
    chosen.contexts = vec![context("dev", "dev", "local")];
    let of_chosen = Selection {
        cluster: "dev".to_owned(),
        ..Selection::default()
    };
    assert_eq!(remove(&chosen, &of_chosen).unwrap().removed, []);

    // A user that nothing uses any more goes if its name tells the cluster.
    let mut orphaned = file.clone();
    orphaned.contexts.clear();
    orphaned.users = vec![
        user_of(&here, "eksact", "2f2c7a4e-8d1c-4bd6-a1d0-5b4ab0f7a1e3"),
        user_of("local", "eksact", "2f2c7a4e-8d1c-4bd6-a1d0-5b4ab0f7a1e3"),
    ];
    let users: Vec<String> = remove(&orphaned, &selection)
        .unwrap()
        .removed
        .into_iter()
        .filter(|(section, ..)| *section == Section::Users)
        .map(|(_, name, _)| name)
        .collect();
    assert_eq!(users, std::slice::from_ref(&here));
    let removal = remove(&file, &selection).unwrap();
    assert_eq!(
        removal.kept,
        [(
            "other".to_owned(),
            KeptBecause::OtherCluster(Some("staging".to_owned()))
        )]
    );
}

#[test]
fn removal_keeps_what_others_use_or_wrote() {
    let selection = Selection {
        cluster: "prod".to_owned(),
        region: Some("eu-west-1".to_owned()),
        context: None,
    };
    let removal = remove(&file(), &selection).unwrap();
    assert_eq!(
        names(&removal),
        ["app", "prod", "one"],
        "the cluster is still used, and so is a user"
    );
    assert_eq!(
        removal.kept,
        [("by-hand".to_owned(), KeptBecause::OtherCommand("aws".to_owned()))]
    );
    assert_eq!(removal.cleared.as_deref(), Some("prod"));
    assert_eq!(
        removal.edits.last(),
        Some(&Edit::SetCurrentContext(String::new()))
    );
}

#[test]
fn last_context_takes_the_cluster_with_it() {
    let selection = Selection {
        cluster: arn("us-west-2", "111122223333"),
        ..Selection::default()
    };
    let removal = remove(&file(), &selection).unwrap();
    assert_eq!(names(&removal), [selection.cluster.as_str(), "there", "two"]);
    assert_eq!(removal.cleared, None);
    let one = Selection {
        context: Some("no-such".to_owned()),
        ..selection
    };
    let missing = Removal {
        is_context_missing: true,
        ..Removal::default()
    };
    assert_eq!(remove(&file(), &one).unwrap(), missing);
}

#[test]
fn name_that_means_two_clusters_is_asked_back() {
    let selection = Selection {
        cluster: "prod".to_owned(),
        ..Selection::default()
    };
    assert_eq!(remove(&file(), &selection).unwrap_err().found.len(), 2);
    let eksctl = Entries {
        clusters: vec![
            entry("prod.eu-west-1.eksctl.io", Value::Null),
            entry(&arn("eu-west-1", "111122223333"), Value::Null),
        ],
        contexts: vec![context("ceo", "prod.eu-west-1.eksctl.io", "one")],
        users: vec![user("one", "eksact")],
        current_context: None,
    };
    assert_eq!(names(&remove(&eksctl, &selection).unwrap()).len(), 3);
}

#[test]
fn entry_that_bears_the_clusters_name_by_chance_stays() {
    let here = arn("eu-west-1", "111122223333");
    let mut file = Entries {
        clusters: vec![entry("prod", Value::Null), entry(&here, Value::Null)],
        contexts: vec![context("lab", "prod", "lab"), context("ours", &here, "one")],
        users: vec![user_of("lab", "eksact", "lab"), user("one", "eksact")],
        current_context: None,
    };
    let mut selection = Selection {
        cluster: "prod".to_owned(),
        ..Selection::default()
    };
    let removal = remove(&file, &selection).unwrap();
    assert_eq!(names(&removal), [here.as_str(), "ours", "one"]);
    assert_eq!(
        removal.kept,
        [(
            "lab".to_owned(),
            KeptBecause::OtherCluster(Some("lab".to_owned()))
        )]
    );
    // Where its user does sign in to a cluster of this name, it may still be another account's.
    file.users[0] = user("lab", "eksact");
    assert_eq!(
        remove(&file, &selection).unwrap_err().found,
        ["arn:aws:eks:eu-west-1:111122223333:cluster/prod", "prod"]
    );
    // A context says which one is meant.
    selection.context = Some("ours".to_owned());
    assert_eq!(
        names(&remove(&file, &selection).unwrap()),
        [here.as_str(), "ours", "one"]
    );
}

#[test]
fn removal_takes_what_a_deleted_context_left_behind_too() {
    let (here, there) = (arn("eu-west-1", "111122223333"), arn("eu-west-1", "444455556666"));
    let mut file = Entries {
        clusters: vec![
            entry(&here, Value::Null),
            entry("other", Value::Null),
            entry("prod", Value::Null),
        ],
        contexts: vec![context("other", "other", "used")],
        users: vec![
            user(&here, "eksact"),
            user("by-hand", "aws"),
            user("used", "eksact"),
            user_of("lab", "eksact", "lab"),
        ],
        current_context: None,
    };
    let selection = Selection {
        cluster: "prod".to_owned(),
        ..Selection::default()
    };
    assert_eq!(names(&remove(&file, &selection).unwrap()), [&here, &here]);
    // Of another account nothing is taken.
    let other = Selection {
        cluster: there.clone(),
        ..Selection::default()
    };
    assert_eq!(remove(&file, &other).unwrap(), Removal::default());
    file.clusters.push(entry(&there, Value::Null));
    assert_eq!(remove(&file, &selection).unwrap_err().found, [here, there]);
}
