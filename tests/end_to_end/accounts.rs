//! Many clusters, each behind the profile and role of its own file: who makes the calls of each, and what is said where there is no
//! way in.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::bed::{Bed, LoggedCall, Ran};

/// A role that may do everything, assumed by one of the bed's people.
fn role(bed: &Bed, name: &str, person: &str, external_id: Option<&str>) -> String {
    let trusted = &bed.facts["people"][person]["arn"];
    let mut statement = json!({"Effect": "Allow", "Principal": {"AWS": trusted}, "Action": "sts:AssumeRole"});
    if let Some(id) = external_id {
        statement["Condition"] = json!({"StringEquals": {"sts:ExternalId": id}});
    }
    let document = |statement: &Value| json!({"Version": "2012-10-17", "Statement": [statement]}).to_string();
    let role = json!({"RoleName": name, "AssumeRolePolicyDocument": document(&statement)});
    let made = bed.aws("iam", "create_role", &role).unwrap();
    let all = json!({"Effect": "Allow", "Action": "*", "Resource": "*"});
    let policy = json!({"RoleName": name, "PolicyName": "all", "PolicyDocument": document(&all)});
    bed.aws("iam", "put_role_policy", &policy).unwrap();
    let arn = made["Role"]["Arn"].as_str().unwrap().to_owned();
    let assume = json!({"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": arn});
    let policy = json!({"UserName": person, "PolicyName": name, "PolicyDocument": document(&assume)});
    bed.aws("iam", "put_user_policy", &policy).unwrap();
    arn
}

/// A cluster, and its file: an OIDC provider and a role, in the account that it says.
fn cluster(bed: &Bed, name: &str, digit: &str, account: &str) {
    bed.control(
        "POST",
        &format!("eks/{name}"),
        &json!({"issuerId": digit.repeat(32)}),
    );
    let folder = bed.home.path().join("clusters");
    std::fs::create_dir_all(folder).unwrap();
    bed.file(
        &format!("clusters/{name}.yaml"),
        &format!(
            "apiVersion: eksctl.io/v1alpha5\nkind: ClusterConfig\nmetadata: {{name: {name}, region: {}}}\niam:\n  withOIDC: true\n  \
             serviceAccounts:\n  - metadata: {{name: web, namespace: app}}\n    roleOnly: true\n    attachPolicyARNs: \
             ['arn:aws:iam::aws:policy/ReadOnlyAccess']\n---\napiVersion: eksact.dev/v1alpha1\nkind: ClusterAccess\naccount: {account}\n",
            bed.fact("region")
        ),
    );
}

/// The access keys with which calls about a cluster were made.
fn keys(calls: &[LoggedCall], cluster: &str) -> BTreeSet<String> {
    let about = calls
        .iter()
        .filter(|call| call.target.contains(cluster) && call.status < 400);
    about.map(|call| call.access_key.clone()).collect()
}

#[test]
fn cluster_is_reached_by_the_profile_and_role_of_its_file() {
    let bed = Bed::start_with(&["--aws-only"]);
    let account = bed.fact("account");
    let people = &bed.facts["people"];
    let key = |person: &str, what: &str| people[person][what].as_str().unwrap().to_owned();
    let config = bed.file(
        "aws-config",
        &format!(
            "[profile reading]\naws_access_key_id = {}\naws_secret_access_key = {}\n",
            key("planner", "access_key_id"),
            key("planner", "secret_access_key")
        ),
    );
    let strict = role(&bed, "strict", "planner", Some("alpha-7"));
    let open = role(&bed, "open", "deployer", None);
    cluster(
        &bed,
        "alpha",
        "A",
        &format!("{{id: '{account}', profile: reading, roleARN: '{strict}', externalID: alpha-7}}"),
    );
    cluster(&bed, "beta", "B", &format!("{{roleARN: '{open}'}}"));
    // The external id is another, the caller is another, the account is another, there is no such role.
    let missing = format!("arn:aws:iam::{account}:role/missing");
    cluster(
        &bed,
        "gamma",
        "C",
        &format!("{{profile: reading, roleARN: '{strict}', externalID: gamma-7}}"),
    );
    cluster(
        &bed,
        "delta",
        "D",
        &format!("{{roleARN: '{strict}', externalID: alpha-7}}"),
    );
    cluster(&bed, "epsilon", "E", "{id: '444455556666', profile: reading}");
    cluster(&bed, "zeta", "F", &format!("{{roleARN: '{missing}'}}"));

    let run = |words: &[&str]| {
        let mut command = bed.eksact(words);
        Ran::from(command.env("AWS_CONFIG_FILE", &config).output().unwrap())
    };
    bed.forget_calls();
    let ended = run(&["apply", "-f", "clusters", "--yes", "-o", "json"]).ended(5);
    let calls = bed.calls();
    let document = ended.json();
    let of = |name: &str| {
        let clusters = document["clusters"].as_array().unwrap();
        let found = clusters.iter().find(|one| one["cluster"]["name"] == name);
        found.unwrap_or_else(|| panic!("{name}: {document:#}")).clone()
    };
    for name in ["alpha", "beta"] {
        assert_eq!(of(name)["status"], "applied", "{:#}", of(name));
        let stack = format!("eksctl-{name}-addon-iamserviceaccount-app-web");
        bed.aws("cloudformation", "describe_stacks", &json!({"StackName": stack}))
            .unwrap();
    }
    let (alpha, beta) = (keys(&calls, "alpha"), keys(&calls, "beta"));
    assert!(!alpha.is_empty() && !beta.is_empty(), "{calls:#?}");
    assert!(
        alpha.is_disjoint(&beta),
        "one session for both: {alpha:?} {beta:?}"
    );
    for person in ["deployer", "planner"] {
        let own = key(person, "access_key_id");
        assert!(
            !alpha.contains(&own) && !beta.contains(&own),
            "{person} made a call of its own"
        );
    }
    let asked = calls.iter().filter(|call| call.call == "sts:AssumeRole");
    assert_eq!(asked.count(), 5, "one for each cluster with a role");

    let refused = |name: &str| {
        let cluster = of(name);
        assert_eq!(cluster["status"], "failed", "{cluster:#}");
        assert!(keys(&calls, name).is_empty(), "{name} was looked at");
        let problem = &cluster["problem"];
        format!("{} {}", problem["message"].as_str().unwrap(), problem["help"])
    };
    for (name, role) in [("gamma", &strict), ("delta", &strict), ("zeta", &missing)] {
        let said = refused(name);
        for word in [
            role.as_str(),
            "sts:AssumeRole on the role",
            "trust policy",
            "external id",
            "correct the ARN",
        ] {
            assert!(said.contains(word), "{name} says nothing of {word}: {said}");
        }
    }
    let said = refused("epsilon");
    for word in ["444455556666", account, "Name a `profile` or a `roleARN`"] {
        assert!(said.contains(word), "epsilon says nothing of {word}: {said}");
    }

    // What was said is done, and the run is done again: what was there stays as it is.
    for (name, text, right) in [
        ("gamma", "gamma-7", "alpha-7"),
        ("delta", "{roleARN", "{profile: reading, roleARN"),
        ("epsilon", "444455556666", account),
        ("zeta", "role/missing", "role/open"),
    ] {
        let path = bed.home.path().join(format!("clusters/{name}.yaml"));
        let file = std::fs::read_to_string(&path).unwrap();
        assert!(file.contains(text));
        std::fs::write(path, file.replace(text, right)).unwrap();
    }
    let ended = run(&["plan", "-f", "clusters", "-o", "json"]).ended(0);
    let document = ended.json();
    for cluster in document["clusters"].as_array().unwrap() {
        let name = cluster["cluster"]["name"].as_str().unwrap();
        let wanted = match name {
            "alpha" | "beta" => "unchanged",
            _ => "changes",
        };
        assert_eq!(cluster["status"], wanted, "{cluster:#}");
    }
}
