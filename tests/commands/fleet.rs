//! `plan` and `apply` over many clusters: a folder, a glob, several files.

use std::fs;

use serde_json::Value;

use crate::commands::place::{Place, READ_ONLY, assert_story};

/// A cluster with one service account, in this place's folder `clusters`.
pub(super) fn cluster(place: &Place, file: &str, name: &str, more: &str) {
    fs::create_dir_all(place.path("clusters")).unwrap();
    place.write(
        &format!("clusters/{file}"),
        &format!(
            "apiVersion: eksctl.io/v1alpha5\nkind: ClusterConfig\nmetadata: {{name: {name}, region: eu-west-1}}\n\
             iam:\n  withOIDC: true\n  serviceAccounts:\n    \
             - {{metadata: {{name: reader, namespace: app}}, attachPolicyARNs: ['{READ_ONLY}']}}\n{more}"
        ),
    );
}

const ELSEWHERE: &str = "---\napiVersion: eksact.dev/v1alpha1\nkind: ClusterAccess\naccount:\n  roleARN: arn:aws:iam::444455556666:role/eksact\n";

/// Two that are well, one in another account, one whose file is broken.
pub(super) fn fleet() -> Place {
    let place = Place::new();
    cluster(&place, "a.yaml", "alpha", "");
    cluster(&place, "b.yaml", "beta", ELSEWHERE);
    cluster(&place, "broken.yaml", "gamma", "iamm: {}\n");
    cluster(&place, "d.yaml", "delta", "");
    place
}

#[test]
fn fleet_with_a_broken_file_and_another_account() {
    let mut place = fleet();
    let ended = place.tell(&["plan", "-f", "clusters"]);
    assert_eq!(ended.code, 1 + 64, "all failures are files that cannot be used");
    let ended = place.tell(&["apply", "-f", "clusters", "--quiet"]);
    assert_eq!(ended.code, 3);
    // In turn: the story has each cluster's lines behind the last one's.
    let ended = place.tell(&["apply", "-f", "clusters", "--yes", "--clusters-at-once", "1"]);
    assert_eq!(ended.code, 5, "some clusters were applied, and one was not");
    let ended = place.tell(&["plan", "-f", "clusters/[abd].yaml", "--detailed-exitcode"]);
    assert_eq!(ended.code, 0);
    assert!(place.path(".eksact-sandbox.444455556666.json").exists());
    assert_story!("fleet", place.story());
}

#[test]
fn fleet_of_several_files_is_a_fleet_and_one_file_is_none() {
    let place = fleet();
    let one = place.run(&["plan", "-f", "clusters/a.yaml"]);
    assert!(one.stdout.starts_with("Plan for alpha"), "{}", one.stdout);
    let two = place.run(&[
        "plan",
        "-f",
        "clusters/a.yaml",
        "-f",
        "clusters/d.yaml",
        "--detailed-exitcode",
    ]);
    assert_eq!(two.code, 2);
    assert!(
        two.stdout.starts_with("Plans for 2 clusters: 2 with changes"),
        "{}",
        two.stdout
    );
    // A folder is one, with however many.
    let glob = place.run(&["plan", "-f", "clusters/a*"]);
    assert!(
        glob.stdout.starts_with("Plans for 1 cluster: 1 with changes"),
        "{}",
        glob.stdout
    );
    let idle = place.run(&["plan", "-f", "clusters/a.yaml", "--clusters-at-once", "3"]);
    assert!(
        idle.stderr
            .contains("--clusters-at-once does nothing over the files of one cluster")
    );
}

#[test]
fn fleet_takes_a_cluster_access_to_the_cluster_that_it_names() {
    let place = Place::new();
    cluster(&place, "a.yaml", "alpha", "");
    cluster(&place, "b.yaml", "beta", "");
    let access = |name: &str| {
        format!(
            "apiVersion: eksact.dev/v1alpha1\nkind: ClusterAccess\n{name}identityMappings:\n  \
             - {{arn: 'arn:aws:iam::111122223333:role/dev', username: dev}}\n"
        )
    };
    place.write("clusters/b.access.yaml", &access("metadata: {name: beta}\n"));
    place.write("clusters/c.access.yaml", &access(""));
    let ended = place.run(&["plan", "-f", "clusters", "-o", "json"]);
    assert_eq!(ended.code, 65);
    let document: Value = serde_json::from_str(&ended.stdout).unwrap();
    let files: Vec<&Value> = document["clusters"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["files"])
        .collect();
    assert_eq!(
        serde_json::json!(files),
        serde_json::json!([
            ["clusters/a.yaml"],
            ["clusters/b.yaml", "clusters/b.access.yaml"],
            ["clusters/c.access.yaml"]
        ])
    );
    let problem = document["clusters"][2]["problem"]["message"].as_str().unwrap();
    assert!(problem.contains("set `metadata.name`"), "{problem}");
    let has_mapping = |number: usize| {
        let changes = document["clusters"][number]["plan"]["changes"]
            .as_array()
            .unwrap();
        changes.iter().any(|change| {
            change["address"]
                .as_str()
                .unwrap()
                .starts_with("identity-mapping/")
        })
    };
    assert!(has_mapping(1) && !has_mapping(0));
    cluster(&place, "z.yaml", "alpha", "");
    fs::remove_file(place.path("clusters/c.access.yaml")).unwrap();
    let ended = place.run(&["plan", "-f", "clusters", "-o", "json"]);
    assert_eq!(ended.code, 65);
    let document: Value = serde_json::from_str(&ended.stdout).unwrap();
    for number in [0, 2] {
        let problem = document["clusters"][number]["problem"]["message"]
            .as_str()
            .unwrap();
        assert!(
            problem.starts_with("2 ClusterConfigs are about this cluster: clusters/a.yaml, clusters/z.yaml."),
            "{problem}"
        );
    }
    assert_eq!(document["clusters"][1]["status"], "changes");
}

#[test]
fn fleet_refuses_what_makes_no_sense_over_many() {
    let mut place = fleet();
    for flags in [
        &["--region", "eu-west-1"] as &[&str],
        &["--context", "x"],
        &["--include", "app/*"],
        &["--cfn-role-arn", "arn:aws:iam::111122223333:role/x"],
        &["--out", "clusters/a.yaml"],
        &["-f", "-"],
    ] {
        let line = [&["plan", "-f", "clusters", "--quiet"], flags].concat();
        assert_eq!(place.tell(&line).code, 64, "{flags:?}");
    }
    assert_eq!(
        place
            .tell(&["apply", "-f", "clusters", "--update-kubeconfig"])
            .code,
        64
    );
    assert_eq!(
        place
            .tell(&["apply", "plan.json", "--cluster-timeout", "5m"])
            .code,
        64
    );
    fs::create_dir(place.path("empty")).unwrap();
    assert_eq!(place.tell(&["plan", "-f", "empty"]).code, 65);
    assert_eq!(place.tell(&["plan", "-f", "*.toml"]).code, 65);
    assert_eq!(
        place
            .tell(&["permissions", "--for", "plan", "-f", "clusters"])
            .code,
        64
    );
    assert!(
        !place.path(".eksact-sandbox.json").exists(),
        "nothing was looked at"
    );
    assert_story!("fleet-refused", place.story());
}

#[test]
fn fleet_saves_a_plan_for_each_cluster_that_can_be_applied() {
    let place = fleet();
    let ended = place.run(&["plan", "-f", "clusters", "--out", "plans", "-o", "json"]);
    assert_eq!(ended.code, 65, "{}", ended.stderr);
    let mut names: Vec<String> = fs::read_dir(place.path("plans"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(
        names,
        [
            "444455556666.eu-west-1.beta.json",
            "eu-west-1.alpha.json",
            "eu-west-1.delta.json"
        ]
    );
    let document: Value = serde_json::from_str(&ended.stdout).unwrap();
    let beta = &document["clusters"][1];
    assert_eq!(beta["saved"], "plans/444455556666.eu-west-1.beta.json");
    let digest = beta["digest"].as_str().unwrap();
    let ended = place.run(&[
        "apply",
        "plans/444455556666.eu-west-1.beta.json",
        "--expect",
        digest,
    ]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    // The same plan has the same digest when it is made alone.
    let alone = place.run(&[
        "plan",
        "-f",
        "clusters/a.yaml",
        "--out",
        "alone.json",
        "-o",
        "json",
    ]);
    let alone: Value = serde_json::from_str(&alone.stdout).unwrap();
    assert_eq!(document["clusters"][0]["digest"], alone["digest"]);
    let again = place.run(&[
        "plan",
        "-f",
        "clusters/d.yaml",
        "-f",
        "clusters/a.yaml",
        "--out",
        "plans",
    ]);
    assert_eq!(again.code, 0);
    assert!(again.stderr.contains("plans/444455556666"), "{}", again.stderr);
}

/// As over one cluster: the code, and the caret below what is wrong.
#[test]
fn fleet_points_at_what_is_wrong_in_a_file() {
    let place = fleet();
    place.write(
        "clusters/broken.yaml",
        "apiVersion: eksctl.io/v1alpha5\nkind: ClusterConfig\nmetadata: {name: gamma, region: [eu-west-1]}\n",
    );
    let ended = place.run(&["plan", "-f", "clusters"]);
    let wanted = [
        "    clusters/broken.yaml:3:33: error[wrong-type]: metadata.region must be text,".to_owned(),
        "      and this is a list".to_owned(),
        "        metadata: {name: gamma, region: [eu-west-1]}".to_owned(),
        format!("{}^", " ".repeat(8 + 32)),
    ]
    .join("\n");
    assert!(ended.stdout.contains(&wanted), "{}", ended.stdout);
}

#[test]
fn fleet_goes_on_where_a_guard_refuses_one() {
    let place = fleet();
    fs::remove_file(place.path("clusters/broken.yaml")).unwrap();
    place.write(
        "clusters/d.access.yaml",
        "apiVersion: eksact.dev/v1alpha1\nkind: ClusterAccess\nmetadata: {name: delta}\nallowBroadening: never\n",
    );
    let ended = place.run(&["apply", "-f", "clusters", "--yes", "-o", "json"]);
    assert_eq!(ended.code, 4, "{}", ended.stderr);
    let document: Value = serde_json::from_str(&ended.stdout).unwrap();
    let statuses: Vec<&Value> = document["clusters"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["status"])
        .collect();
    assert_eq!(statuses, ["applied", "applied", "refused"]);
    assert_eq!(document["clusters"][0]["report"]["succeeded"], true);
    assert_eq!(document["clusters"][2].get("report"), None);
    let again = place.run(&["plan", "-f", "clusters", "--detailed-exitcode", "-o", "json"]);
    assert_eq!(again.code, 4, "what a guard refuses is more than what changes");
}

#[test]
fn fleet_shows_drift_and_writes_views() {
    let mut place = fleet();
    fs::remove_file(place.path("clusters/broken.yaml")).unwrap();
    fs::remove_file(place.path("clusters/b.yaml")).unwrap();
    assert_eq!(place.run(&["apply", "-f", "clusters", "--yes"]).code, 0);
    assert_eq!(place.run(&["plan", "-f", "clusters", "--drift-only"]).code, 0);
    place.edit("alpha", |world| {
        let cluster = world
            .clusters
            .values_mut()
            .find(|one| one.cluster.name == "alpha")
            .unwrap();
        let account = cluster.service_accounts.get_mut("app/reader").unwrap();
        account.annotations.clear();
    });
    let ended = place.tell(&[
        "plan",
        "-f",
        "clusters",
        "--drift-only",
        "--quiet",
        "--json-into",
        "drift.json",
    ]);
    assert_eq!(ended.code, 7);
    let drift: Value = serde_json::from_str(&fs::read_to_string(place.path("drift.json")).unwrap()).unwrap();
    assert_eq!(
        (&drift["run"], &drift["status"]),
        (&"drift".into(), &"drift".into())
    );
    assert_eq!(crate::support::schemas::faults("fleet", &drift), [""; 0]);
    let ended = place.tell(&["plan", "-f", "clusters", "--quiet", "-o", "markdown"]);
    assert_eq!(ended.code, 0);
    assert_story!("fleet-drift", place.story());
}

/// What a ClusterAccess says of its account is checked before any call.
#[test]
fn fleet_accounts_are_checked() {
    let mut place = Place::new();
    for (number, account) in [
        "id: 1111",
        "roleARN: eksact",
        "roleARN: 'arn:aws-cn:iam::111122223333:role/x'",
        "{id: '222233334444', roleARN: 'arn:aws:iam::111122223333:role/x'}",
        "externalID: x",
        "profile: ''",
    ]
    .into_iter()
    .enumerate()
    {
        let account = if account.starts_with('{') {
            format!("account: {account}\n")
        } else {
            format!("account:\n  {account}\n")
        };
        let access = format!("---\napiVersion: eksact.dev/v1alpha1\nkind: ClusterAccess\n{account}");
        cluster(&place, "a.yaml", "alpha", &access);
        assert_eq!(
            place.tell(&["plan", "-f", "clusters/a.yaml"]).code,
            65,
            "{number}"
        );
    }
    let account = "---\napiVersion: eksact.dev/v1alpha1\nkind: ClusterAccess\naccount: {profile: x}\n";
    cluster(&place, "a.yaml", "alpha", &account.repeat(2));
    assert_eq!(place.tell(&["plan", "-f", "clusters/a.yaml"]).code, 65);
    assert_story!("cluster-account", place.story());
}

/// Which files a share has; each share is asked for as an indexed Job asks for it.
#[test]
fn fleet_shares_are_disjoint_and_whole_and_keep_a_cluster_together() {
    let mut place = fleet();
    place.write(
        "clusters/d.access.yaml",
        "apiVersion: eksact.dev/v1alpha1\nkind: ClusterAccess\nmetadata: {name: delta}\ngroups: []\n",
    );
    let mut all: Vec<String> = Vec::new();
    for index in ["0", "1", "2"] {
        let ended = place.tell(&["fleet", "shard", "--index", index, "--of", "3", "-f", "clusters"]);
        assert_eq!(ended.code, 0);
        let files: Vec<String> = ended.stdout.lines().map(str::to_owned).collect();
        let has = |name: &str| files.iter().any(|file| file.ends_with(name));
        assert_eq!(has("/d.yaml"), has("/d.access.yaml"));
        all.extend(files);
    }
    all.sort();
    assert_eq!(
        all,
        ["a.yaml", "b.yaml", "broken.yaml", "d.access.yaml", "d.yaml"].map(|name| format!("clusters/{name}"))
    );
    let nul = place.run(&[
        "fleet", "shard", "--index", "0", "--of", "4", "-f", "clusters", "-0",
    ]);
    assert_eq!(nul.stdout, "clusters/a.yaml\0");
    // Copied, the share is a folder of its own, and nothing else is in it.
    fs::create_dir(place.path("more")).unwrap();
    fs::copy(place.path("clusters/d.yaml"), place.path("more/a.yaml")).unwrap();
    let into = [
        "--of", "1", "-f", "clusters", "-f", "more", "--into", "share", "-q",
    ];
    let line = [&["fleet", "shard", "--index", "0"], into.as_slice()].concat();
    assert_eq!(place.run(&line).code, 0);
    let mut copied: Vec<String> = fs::read_dir(place.path("share"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    copied.sort();
    assert_eq!(
        copied,
        [
            "b.yaml",
            "broken.yaml",
            "clusters-a.yaml",
            "d.access.yaml",
            "d.yaml",
            "more-a.yaml"
        ]
    );
    let again = place.run(&line);
    assert!(
        again.code == 64 && again.stderr.contains("name a new folder"),
        "{}",
        again.stderr
    );
    place.tell(&["fleet", "shard", "--index", "9", "--of", "10", "-f", "clusters"]);
    for (index, of) in [("3", "3"), ("0", "0")] {
        let ended = place.tell(&["fleet", "shard", "--index", index, "--of", of, "-f", "clusters"]);
        assert_eq!(ended.code, 64);
    }
    assert_eq!(
        place
            .tell(&["fleet", "shard", "--index", "0", "--of", "1", "-f", "-"])
            .code,
        64
    );
    assert_story!("fleet-shard", place.story());
}

/// What the containers of `job.yaml` and of `cronjob.yaml` run, as they run it, in the sandbox: each index plans its share.
#[test]
fn fleet_examples_do_what_they_say() {
    let place = fleet();
    fs::remove_file(place.path("clusters/broken.yaml")).unwrap();
    let job: Value = serde_saphyr::from_str(include_str!("../../examples/fleet/job.yaml")).unwrap();
    let pod = &job["spec"]["template"]["spec"];
    let run = |container: &Value, index: &str| {
        let here = |argument: &Value| {
            let text = argument
                .as_str()
                .unwrap()
                .replace("$(JOB_COMPLETION_INDEX)", index);
            let text = text.replace("=/share", &format!("=share-{index}"));
            // By `subPathExpr` each index has a folder of its own.
            text.replace("=/plans", &format!("=plans-{index}"))
                .replace("=/", "=")
        };
        let arguments: Vec<String> = container["args"].as_array().unwrap().iter().map(here).collect();
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let ended = place.run(&arguments);
        assert_eq!(ended.code, 0, "{arguments:?}: {}", ended.stderr);
    };
    for (index, plan) in [
        ("0", "eu-west-1.alpha.json"),
        ("1", "444455556666.eu-west-1.beta.json"),
        ("2", "eu-west-1.delta.json"),
    ] {
        fs::create_dir(place.path(&format!("plans-{index}"))).unwrap();
        run(&pod["initContainers"][0], index);
        run(&pod["containers"][0], index);
        let ended = place.run(&["show", &format!("plans-{index}/plans/{plan}")]);
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        for file in ["report.json", "eksact.prom"] {
            assert!(place.path(&format!("plans-{index}/{file}")).exists());
        }
    }
    // Both say how many shares there are.
    let shares = job["spec"]["completions"].as_u64().unwrap();
    let of = format!("--of={shares}");
    let arguments = pod["initContainers"][0]["args"].as_array().unwrap();
    assert!(arguments.contains(&Value::from(of)));
    let cron: Value = serde_saphyr::from_str(include_str!("../../examples/fleet/cronjob.yaml")).unwrap();
    fs::create_dir(place.path("metrics")).unwrap();
    run(
        &cron["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"][0],
        "",
    );
    assert!(place.path("metrics/eksact.prom").exists());
    // Argo's containers run the same.
    let argo: Value =
        serde_saphyr::from_str(include_str!("../../examples/fleet/argo-workflow.yaml")).unwrap();
    let template = &argo["spec"]["templates"][1];
    assert_eq!(template["container"]["args"], pod["containers"][0]["args"]);
    let argument = |number: usize| template["initContainers"][0]["args"][number].as_str().unwrap();
    assert_eq!(
        (argument(0), argument(1), argument(5)),
        ("fleet", "shard", "--into=/share")
    );
}
