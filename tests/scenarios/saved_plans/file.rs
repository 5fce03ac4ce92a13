//! The file of a saved plan: the same wherever it is made, read only byte for byte, and with nothing secret in it.

use eksact_core::{
    config::{self, InputFile},
    kinds::{
        Request,
        access_entry::AccessEntryScope,
        identity_mapping::{AwsAuthScope, MappingSelector, Restore},
        identity_provider::IdentityProvidersToGo,
        pod_identity::PodIdentityScope,
        pod_identity_agent::InstallAgent,
        provider_intent::ProviderIntent,
        request::{Settings, ThumbprintSource},
        service_account_scope::{RoleAttribute, ServiceAccountScope},
    },
    saved::{SavedPlan, SavedPlanError, digest_of, may_be_replaced},
};
use eksact_identity::service_account::ServiceAccountKey;
use serde_json::{Value, json};

use super::{EVERYTHING, bed, more, saved};
use crate::scenarios::stage::{apply, file, fresh_world, plan, request, sandbox};

const WEB: &str =
    "metadata: {name: web, namespace: app}\nattachPolicyARNs: ['arn:aws:iam::aws:policy/ReadOnlyAccess']";

/// A file as somebody would make it who knows how the digest is made.
fn forged(saved: &SavedPlan, edit: impl FnOnce(&mut Value)) -> Vec<u8> {
    let mut value: Value = serde_json::from_str(saved.document()).unwrap();
    edit(&mut value);
    let content = value.as_object_mut().unwrap();
    content.remove("digest");
    let digest = digest_of(content).unwrap();
    content.insert("digest".to_owned(), digest.into());
    format!("{}\n", serde_json::to_string_pretty(&value).unwrap()).into_bytes()
}

#[tokio::test(start_paused = true)]
async fn saved_plan_is_the_same_bytes_wherever_it_is_made() {
    let first = bed();
    apply(&first, &request(EVERYTHING)).await;
    let plan = saved(&first, &more()).await;
    let again = saved(&first.another_process(), &more()).await;
    assert_eq!(plan.document(), again.document());
    assert_eq!(
        SavedPlan::load(plan.document().as_bytes()).unwrap().digest(),
        plan.digest()
    );
    // The digest of anything that a reviewer sees is another one.
    let mut allowing = more();
    allowing.settings.allow = [eksact_core::guard::Guard::LastAdminLost].into();
    assert_ne!(saved(&first, &allowing).await.digest(), plan.digest());
}

#[tokio::test(start_paused = true)]
async fn saved_plan_with_one_byte_changed_is_refused_whichever_it_is() {
    let plan = saved(&sandbox(fresh_world()), &request(&file(&[]))).await;
    let bytes = plan.document().as_bytes();
    for place in 0..bytes.len() {
        let mut changed = bytes.to_vec();
        changed[place] ^= 1;
        assert!(SavedPlan::load(&changed).is_err(), "byte {place}");
        changed.remove(place);
        assert!(SavedPlan::load(&changed).is_err(), "without byte {place}");
    }
    let mut longer = bytes.to_vec();
    longer.push(b'\n');
    assert!(matches!(SavedPlan::load(&longer), Err(SavedPlanError::Touched)));
    let windows = plan.document().replace('\n', "\r\n");
    assert!(matches!(
        SavedPlan::load(windows.as_bytes()),
        Err(SavedPlanError::Touched)
    ));
}

/// Whoever makes the digest anew still cannot add what this version would not do, nor take away what it needs.
#[tokio::test(start_paused = true)]
async fn saved_plan_with_what_is_not_known_is_refused() {
    type Edit = fn(&mut Value);
    let plan = saved(&sandbox(fresh_world()), &request(&file(&[WEB]))).await;
    assert!(
        SavedPlan::load(&forged(&plan, |_| {})).is_ok(),
        "the forger knows how"
    );
    let cases: [(&str, Edit); 11] = [
        ("/minimum", |plan| plan["minimum"] = json!(2)),
        ("/request/scopes", |plan| {
            plan["request"]["scopes"]["more"] = json!({});
        }),
        ("/request/config/vpc", |plan| {
            plan["request"]["config"]["vpc"] = json!({});
        }),
        ("/request/settings", |plan| {
            drop(
                plan["request"]["settings"]
                    .as_object_mut()
                    .unwrap()
                    .remove("prune"),
            );
        }),
        ("/request", |plan| {
            drop(plan.as_object_mut().unwrap().remove("request"));
        }),
        ("/config_digest", |plan| {
            plan["config_digest"] = json!("sha256:00");
        }),
        ("/steps/0/retries", |plan| plan["steps"][0]["retries"] = json!(1)),
        ("operation", |plan| {
            plan["steps"][0]["operation"]["force"] = json!(true);
        }),
        ("kind", |plan| plan["steps"][0]["address"] = json!("wizard/app")),
        ("action", |plan| plan["changes"][0]["action"] = json!("rename")),
        ("/changes/0/more", |plan| plan["changes"][0]["more"] = json!(null)),
    ];
    for (name, edit) in cases {
        let loaded = SavedPlan::load(&forged(&plan, edit));
        assert!(
            matches!(loaded, Err(SavedPlanError::NotUnderstood { .. })),
            "{name}: {loaded:?}"
        );
    }
    for (format, is_newer) in [("2.0", true), ("0.9", true), ("1.7", false)] {
        let loaded = SavedPlan::load(&forged(&plan, |plan| plan["format_version"] = json!(format)));
        assert_eq!(
            matches!(loaded, Err(SavedPlanError::Newer { .. })),
            is_newer,
            "{format}"
        );
        assert_eq!(
            loaded.is_ok(),
            !is_newer,
            "a later minor version without anything that is not known"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn other_files_are_no_saved_plans() {
    let bed = sandbox(fresh_world());
    let plan = plan(&bed, &request(&file(&[WEB]))).await;
    let shown = serde_json::to_string_pretty(&plan).unwrap();
    assert!(matches!(
        SavedPlan::load(shown.as_bytes()),
        Err(SavedPlanError::OnlyShown)
    ));
    assert!(!may_be_replaced(shown.as_bytes()));
    for other in [
        "",
        "[]",
        "{}",
        "null",
        "{\"format_version\": 1}",
        "apiVersion: v1",
        "\u{0}",
    ] {
        assert!(
            matches!(
                SavedPlan::load(other.as_bytes()),
                Err(SavedPlanError::NotAPlan(_))
            ),
            "{other}"
        );
        assert_eq!(may_be_replaced(other.as_bytes()), other.is_empty(), "{other}");
    }
    let saved = saved(&bed, &request(&file(&[WEB]))).await;
    assert!(may_be_replaced(saved.document().as_bytes()));
}

/// Sections that eksact does not manage may hold secrets of nodes; none of them comes into a plan.
#[tokio::test(start_paused = true)]
async fn saved_plan_has_nothing_of_sections_that_eksact_does_not_manage() {
    let text = format!(
        "{}managedNodeGroups:\n- name: ng\n  preBootstrapCommands: ['export TOKEN=canary-bootstrap']\n  overrideBootstrapCommand: \
         canary-override\n  ssh: {{publicKey: canary-key}}\nnodeGroups: [{{name: old, preBootstrapCommands: [canary-old]}}]\n\
         secretsEncryption: {{keyARN: 'arn:aws:kms:us-west-2:111122223333:key/canary-kms'}}\n",
        file(&[WEB])
    );
    let input = InputFile {
        name: "cluster.yaml",
        bytes: text.as_bytes(),
    };
    let loaded = config::load_all(&[input]).unwrap_or_else(|errors| panic!("{errors:#?}"));
    let wanted = Request::ensure(loaded.config, Settings::default());
    let plan = saved(&sandbox(fresh_world()), &wanted).await;
    assert!(!plan.document().contains("canary"), "{}", plan.document());
    assert!(
        plan.document().contains("managedNodeGroups"),
        "that there is one is said"
    );
}

/// The digest of a configuration is of what it says, and not of where it says it.
#[tokio::test(start_paused = true)]
async fn digest_of_the_configuration_is_of_what_it_says() {
    let bed = sandbox(fresh_world());
    let digest = |plan: &SavedPlan| {
        let value: Value = serde_json::from_str(plan.document()).unwrap();
        value["config_digest"].as_str().unwrap().to_owned()
    };
    let text = file(&[WEB]);
    let plain = saved(&bed, &request(&text)).await;
    let commented = saved(&bed, &request(&format!("# a comment\n\n{text}"))).await;
    assert_eq!(digest(&plain), digest(&commented));
    assert_ne!(
        plain.digest(),
        commented.digest(),
        "the lines that it names are others"
    );
    let other = saved(&bed, &request(&text.replace("ReadOnly", "Administrator"))).await;
    assert_ne!(digest(&plain), digest(&other));
}

/// What commands ask beyond the file comes back as it was asked, and so do the flags.
#[test]
fn request_of_a_saved_plan_comes_back_whole() {
    let key = ServiceAccountKey::new("app", "web");
    let mut wanted = request(&file(&[WEB]));
    wanted.settings.allow = eksact_core::guard::Guard::ALL.into();
    wanted.settings.thumbprint = ThumbprintSource::Given("4f8d".to_owned());
    wanted.settings.cloudformation_role_arn = Some("arn:aws:iam::111122223333:role/cfn".to_owned());
    wanted.settings.prune = true;
    wanted.ask(ProviderIntent::Require);
    wanted.ask(InstallAgent);
    wanted.ask(IdentityProvidersToGo(["okta".to_owned()].into()));
    wanted.ask(PodIdentityScope {
        delete: [key.clone()].into(),
    });
    wanted.ask(AccessEntryScope {
        delete: vec!["arn:aws:iam::111122223333:role/dev".to_owned()],
        is_update: true,
    });
    wanted.ask(ServiceAccountScope {
        delete_all_but: Some([key.clone()].into()),
        only: [(key, [RoleAttribute::Tags, RoleAttribute::TrustPolicy].into())].into(),
        update: true,
        ..ServiceAccountScope::default()
    });
    for of_aws_auth in [
        AwsAuthScope::Delete(vec![
            MappingSelector::Arn {
                arn: "arn:aws:iam::111122223333:role/dev".to_owned(),
                all: true,
            },
            MappingSelector::Account("111122223333".to_owned()),
        ]),
        AwsAuthScope::Restore(Restore {
            name: "backup".to_owned(),
            ..Restore::default()
        }),
    ] {
        wanted.ask(of_aws_auth.clone());
        let json = serde_json::to_value(&wanted).unwrap();
        assert_eq!(json["scopes"].as_object().unwrap().len(), 7);
        let read: Request = serde_json::from_value(json.clone()).unwrap();
        assert_eq!(serde_json::to_value(&read).unwrap(), json);
        assert_eq!(read.scope(), Some(&of_aws_auth));
        assert_eq!(read.scope::<ServiceAccountScope>(), wanted.scope());
        assert_eq!(read.scope::<AccessEntryScope>(), wanted.scope());
        assert_eq!(read.scope(), Some(&ProviderIntent::Require));
        assert!(read.scope::<InstallAgent>().is_some());
        assert_eq!(read.settings.allow, wanted.settings.allow);
    }
    // What a migration asks is made of what was read, and cannot be kept.
    wanted.ask(eksact_core::kinds::access_migration::Scope::default());
    assert!(
        serde_json::to_value(&wanted)
            .unwrap_err()
            .to_string()
            .contains("made of what was read")
    );
}
