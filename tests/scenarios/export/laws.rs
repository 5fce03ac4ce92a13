//! What holds of an export of whatever world, and of whatever texts stand in it.

use std::collections::BTreeMap;

use eksact_core::ports::aws::{AccessEntry, AccessPolicy, IdentityProviderConfig};
use eksact_simulation::service_accounts::{Edit, File, edits, files, inhabited, key, lines, stacks_for};
use eksact_simulator::Sandbox;
use proptest::{
    prelude::*,
    test_runner::{Config, RngSeed},
};
use serde_json::{Value, json};

use super::{exported_of, settled};
use crate::scenarios::{
    access::write,
    stage::{CLUSTER, apply, attempt, cluster, file, request},
};

/// Runs a scenario with the time stopped.
fn run<T>(scenario: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap()
        .block_on(scenario)
}

proptest! {
    #![proptest_config(Config {
        cases: 80,
        rng_seed: RngSeed::Fixed(20_261_129),
        failure_persistence: None,
        max_shrink_iters: 300,
        ..Config::default()
    })]

    #[test]
    fn export_of_any_world_is_settled_and_drops_nothing_unsaid(before in files(), hands in edits()) {
        run(async {
            let bed = world_of(&before, &hands).await;
            let (exported, request) = settled(&bed).await;
            for key in stacks_for(&bed.world().unwrap()) {
                let in_file = request.service_accounts().iter().any(|account| account.key() == key);
                let said = exported.left_out.iter().any(|left_out| left_out.name.contains(&key.to_string()));
                assert!(in_file || said, "{key} is dropped\n{}", exported.text);
            }
            assert_eq!(exported_of(&bed, CLUSTER).await, exported, "the same world, the same file");
        });
    }

    #[test]
    fn export_after_an_apply_has_every_service_account_of_the_file(before in files()) {
        run(async {
            let bed = world_of(&before, &[]).await;
            let (exported, request) = settled(&bed).await;
            for place in before.keys() {
                let key = key(*place);
                let found = request.service_accounts().iter().find(|account| account.key() == key);
                // One of somebody else's that was taken over only in its annotation has no role of ours in it.
                let theirs = exported.left_out.iter().any(|left_out| left_out.name.ends_with(&key.to_string()));
                assert!(found.is_some() || theirs, "{key}\n{}", exported.text);
            }
        });
    }
}

/// Texts that YAML takes for something else, that end a line, or that no file may hold.
const NASTY: [&str; 36] = [
    "plain",
    "yes",
    "No",
    "null",
    "~",
    "1.30",
    "0x1f",
    "012",
    "1e3",
    ".5",
    "2001-01-01",
    "12:30:45",
    "a: b",
    "a #b",
    "#a",
    " a",
    "a ",
    "a\nb",
    "a\tb",
    "\u{e9}\u{4e16}",
    "a\u{2028}b",
    "\u{feff}a",
    "'a",
    "\"a\"",
    "a\\b",
    "- a",
    "{a}",
    "[a",
    "*a",
    "&a",
    "!a",
    "%a",
    "@a",
    "`a",
    "<<",
    "x:{{SessionName}}",
];

fn nasty() -> impl Strategy<Value = &'static str> {
    prop::sample::select(&NASTY[..])
}

proptest! {
    #![proptest_config(Config {
        cases: 120,
        rng_seed: RngSeed::Fixed(20_261_130),
        failure_persistence: None,
        max_shrink_iters: 300,
        ..Config::default()
    })]

    /// Whatever texts others have put into the account and the cluster.
    #[test]
    fn export_of_any_texts_is_settled_and_reads_back(
        entries in prop::collection::vec((nasty(), nasty(), nasty()), 0..4),
        mapped in prop::collection::vec((0usize..4, nasty(), nasty()), 0..5),
        claims in prop::option::of((nasty(), nasty(), nasty())),
        policy in nasty(), label in nasty(), tag in nasty(),
    ) {
        run(async {
            let bed = world_of(&BTreeMap::new(), &[]).await;
            let account = "metadata: {name: web, namespace: app}\nattachPolicy: {Version: '2012-10-17', Statement: [{Effect: Allow, \
                           Action: ['s3:GetObject'], Resource: '*'}]}";
            apply(&bed, &request(&file(&[account]))).await;
            let mut lines: Vec<Value> = Vec::new();
            for (which, username, group) in &mapped {
                let arn = format!("arn:aws:iam::444455556666:role/r{which}");
                lines.push(json!({"rolearn": arn, "username": username, "groups": [group]}));
            }
            write(&bed, "mapRoles", Some(&Value::from(lines).to_string()));
            bed.edit(|world| {
                let role = world.roles.values_mut().find(|role| !role.inline_policies.is_empty()).unwrap();
                for document in role.inline_policies.values_mut() {
                    document["Statement"][0]["Resource"] = json!(policy);
                    document["Statement"][0]["Sid"] = json!(tag);
                }
                let stacks = world.stacks.values_mut().filter(|record| record.stack.name.ends_with("-web"));
                for record in stacks {
                    record.stack.tags.insert("note".to_owned(), tag.to_owned());
                }
                let role = world.roles.values_mut().find(|role| !role.inline_policies.is_empty()).unwrap();
                role.tags.insert("note".to_owned(), tag.to_owned());
                let cluster = cluster(world);
                let account = cluster.service_accounts.get_mut("app/web").unwrap();
                account.labels.insert("note".to_owned(), label.to_owned());
                account.annotations.insert("note".to_owned(), policy.to_owned());
                account.field_managers.clear();
                for (index, (username, group, namespace)) in entries.iter().enumerate() {
                    let entry = AccessEntry {
                        principal_arn: format!("arn:aws:iam::444455556666:role/e{index}"),
                        username: (*username).to_owned(),
                        groups: vec![(*group).to_owned()],
                        entry_type: "STANDARD".to_owned(),
                        policies: vec![AccessPolicy {
                            arn: "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy".to_owned(),
                            namespaces: Some(vec![(*namespace).to_owned()]),
                        }],
                        ..AccessEntry::default()
                    };
                    cluster.eks.access_entries.insert(entry.principal_arn.clone(), entry);
                }
                if let Some((claim, prefix, value)) = claims {
                    let provider = IdentityProviderConfig {
                        name: "login".to_owned(),
                        issuer_url: "https://login.example.com".to_owned(),
                        client_id: "kubernetes".to_owned(),
                        username_claim: Some(claim.to_owned()),
                        groups_prefix: Some(prefix.to_owned()),
                        required_claims: BTreeMap::from([(value.to_owned(), value.to_owned())]),
                        status: "ACTIVE".to_owned(),
                        ..IdentityProviderConfig::default()
                    };
                    cluster.eks.identity_providers.insert(provider.name.clone(), provider);
                }
            })
            .unwrap();
            let (exported, request) = settled(&bed).await;
            // Each is in the file as it is, or named beside it.
            for (index, (username, group, _)) in entries.iter().enumerate() {
                let arn = format!("arn:aws:iam::444455556666:role/e{index}");
                let found = request.config.access_entries.entries.iter().find(|entry| entry.principal_arn.value == arn);
                match found {
                    Some(entry) => {
                        assert_eq!(entry.username.as_ref().map(|name| name.value.as_str()), Some(*username));
                        assert_eq!(entry.groups[0].value, *group);
                    }
                    None => assert!(exported.left_out.iter().any(|left_out| left_out.name == arn), "{arn}\n{}", exported.text),
                }
            }
        });
    }
}

async fn world_of(before: &File, hands: &[Edit]) -> Sandbox {
    let bed = inhabited().await;
    let lines = lines(before);
    let accounts: Vec<&str> = lines.iter().map(String::as_str).collect();
    let mut request = request(&file(&accounts));
    request.settings.override_existing_service_accounts = true;
    let report = attempt(&bed, &request).await.unwrap();
    assert!(report.succeeded(), "{report:#?}");
    bed.edit(|world| {
        for edit in hands {
            edit.apply(world);
        }
    })
    .unwrap();
    bed.another_process()
}
