//! What the migration refuses of a service account, and what it says of it.

use eksact_core::{
    engine::Severity,
    ports::{
        aws::PodIdentityAssociation,
        kubernetes::{FieldManager, PodPlace},
    },
};
use eksact_simulator::World;
use serde_json::{Value, json};

use super::{
    ANNOTATION, REMOVE, add_account, add_pod, add_role, arn, bed, change, issuer, migration, subject, token,
};
use crate::scenarios::stage::{cluster, human, plan};

/// What an account is, the change that makes it so, and why it stays.
#[tokio::test(start_paused = true)]
async fn migration_to_pod_identity_refuses_what_an_association_would_not_give_or_give_more() {
    type Row = (&'static str, fn(&mut World), &'static str);
    fn statements(world: &mut World, statements: &[Value]) {
        add_role(world, "role-00", statements);
    }
    fn associate(world: &mut World, change: impl FnOnce(&mut PodIdentityAssociation)) {
        let mut association = PodIdentityAssociation {
            id: "a-1".to_owned(),
            namespace: "jobs".to_owned(),
            service_account: "sa-00".to_owned(),
            role_arn: arn("role-00"),
            ..PodIdentityAssociation::default()
        };
        change(&mut association);
        let all = &mut cluster(world).eks.pod_identity_associations;
        all.insert("a-1".to_owned(), association);
    }
    fn on(world: &mut World, place: PodPlace) {
        cluster(world).pods.get_mut("jobs/sa-00-pod").unwrap().place = Some(place);
    }
    let rows: &[Row] = &[
        (
            "role of another account",
            |world| add_account(world, "jobs/sa-00", "arn:aws:iam::444455556666:role/far"),
            "is in account 444455556666",
        ),
        (
            "no role",
            |world| add_account(world, "jobs/sa-00", "reader"),
            "is no ARN of a role",
        ),
        (
            "role that is gone",
            |world| {
                world.roles.remove("role-00");
            },
            "does not exist",
        ),
        ("fargate", |world| on(world, PodPlace::Fargate), "run on Fargate"),
        ("windows", |world| on(world, PodPlace::Windows), "run on Windows"),
        (
            "hybrid",
            |world| on(world, PodPlace::HybridNode),
            "run on hybrid nodes",
        ),
        (
            "role in the template",
            |world| add_pod(world, "jobs/sa-00", &["AWS_ROLE_ARN"]),
            "the template of its pods sets AWS_ROLE_ARN",
        ),
        (
            "pattern",
            |world| {
                let issuer = issuer(world);
                statements(
                    world,
                    &[token(
                        &issuer,
                        "StringLike",
                        &json!("system:serviceaccount:jobs:*"),
                    )],
                );
            },
            "lets it in by a pattern",
        ),
        (
            "annotation that gives nothing",
            |world| {
                let issuer = issuer(world);
                statements(
                    world,
                    &[token(&issuer, "StringEquals", &json!(subject("jobs/admin")))],
                );
            },
            "does not let it in: its annotation gives its pods no role",
        ),
        (
            "further conditions",
            |world| {
                let issuer = issuer(world);
                let mut statement = token(&issuer, "StringEquals", &json!(subject("jobs/sa-00")));
                statement["Condition"]["IpAddress"] = json!({"aws:SourceIp": "10.0.0.0/8"});
                statements(world, &[statement]);
            },
            "on further conditions",
        ),
        (
            "denied",
            |world| {
                let issuer = issuer(world);
                let denied = json!({"Effect": "Deny", "Action": "sts:TagSession", "Principal": "*"});
                statements(
                    world,
                    &[
                        token(&issuer, "StringEquals", &json!(subject("jobs/sa-00"))),
                        denied,
                    ],
                );
            },
            "another statement denies it",
        ),
        (
            "association of another role",
            |world| associate(world, |one| one.role_arn = arn("other")),
            "names the role arn:aws:iam::111122223333:role/other",
        ),
        (
            "association with a target",
            |world| associate(world, |one| one.target_role_arn = Some(arn("other"))),
            "has the target role",
        ),
        (
            "association of an add-on",
            |world| {
                associate(world, |one| {
                    one.owner_arn =
                        Some("arn:aws:eks:us-west-2:111122223333:addon/prod/vpc-cni/1".to_owned());
                });
            },
            "belongs to the add-on vpc-cni",
        ),
        (
            "annotation of an add-on",
            |world| {
                let manager = FieldManager {
                    manager: "eks".to_owned(),
                    operation: "Apply".to_owned(),
                    annotations: [ANNOTATION.to_owned()].into(),
                    ..FieldManager::default()
                };
                let account = cluster(world).service_accounts.get_mut("jobs/sa-00").unwrap();
                account.field_managers.push(manager);
            },
            "an add-on of EKS sets its annotation",
        ),
        (
            "trust policy without room",
            |world| {
                let issuer = issuer(world);
                let others: Vec<String> = (0..40)
                    .map(|number| subject(&format!("jobs/other-{number}")))
                    .collect();
                let mut subjects = vec![subject("jobs/sa-00")];
                subjects.extend(others);
                statements(world, &[token(&issuer, "StringEquals", &json!(subjects))]);
            },
            "and IAM accepts 2048 in this account",
        ),
    ];
    for (name, edit, why) in rows {
        let bed = bed(1);
        change(&bed, edit);
        let before = bed.world().unwrap();
        let request = migration(&bed, REMOVE).await.unwrap();
        let plan = plan(&bed, &request).await;
        assert!(!plan.has_changes(), "{name}\n{}", human(&plan));
        let said: Vec<&str> = plan
            .findings_of(Severity::Warning)
            .map(|finding| finding.message.as_str())
            .collect();
        assert!(said.len() == 1 && said[0].contains(why), "{name}: {said:#?}");
        assert!(
            said[0].starts_with("jobs/sa-00 keeps its annotation alone"),
            "{said:#?}"
        );
        assert_eq!(before.roles, bed.world().unwrap().roles, "{name}");
    }
}
