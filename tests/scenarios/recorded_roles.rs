//! The sandbox against what the real tools made: the same templates must lead to the same roles.

use std::sync::Arc;

use eksact_core::ports::aws::{
    ChangeSetReader, ChangeSetRequest, ChangeSetWriter, ClusterReader, OidcProviderReader, Role, RoleReader,
    StackReader, StackRequest, StackWriter,
};
use eksact_core::ports::kubernetes::{ObjectKey, ServiceAccount};
use eksact_simulator::{ManualClock, Sandbox, Seed, World};

use crate::scenarios::recorded_world::recorded_world;

fn sandbox(world: World) -> Sandbox {
    Sandbox::in_memory(world, Arc::new(ManualClock::default()))
}

/// What is the same about two roles of which each has its own generated name and ids.
fn comparable(mut role: Role) -> Role {
    if role.name.starts_with("eksctl-") {
        role.name.clear();
        role.arn.clear();
    }
    role.id.clear();
    role.tags.remove("aws:cloudformation:stack-id");
    role
}

#[tokio::test]
async fn recorded_templates_lead_to_the_recorded_roles() {
    let recorded = sandbox(recorded_world());
    let seed = Seed {
        cluster: "bench".to_owned(),
        region: "us-west-2".to_owned(),
        account: None,
    };
    let fresh = sandbox(World::seeded(&seed));
    let stacks = recorded.stacks().await.unwrap();
    assert_eq!(stacks.len(), 12);
    for stack in stacks {
        let request = StackRequest {
            name: stack.name.clone(),
            template_body: recorded.stack_template(&stack.id).await.unwrap(),
            tags: stack.tags.clone().into_iter().collect(),
            capabilities: stack.capabilities.clone(),
            termination_protection: stack.termination_protection,
            disable_rollback: false,
            service_role_arn: None,
            client_request_token: stack.name.clone(),
        };
        fresh.create_stack(&request).await.unwrap();
        let made = fresh.stack(&stack.name).await.unwrap().unwrap();
        assert_eq!(made.status, "CREATE_COMPLETE", "{}", stack.name);
        assert_eq!((made.tags, made.description), (stack.tags, stack.description));
        let name = |arn: &str| arn.rsplit('/').next().unwrap().to_owned();
        let made = fresh.role(&name(&made.outputs["Role1"])).await.unwrap().unwrap();
        let wanted = recorded
            .role(&name(&stack.outputs["Role1"]))
            .await
            .unwrap()
            .unwrap();
        assert_eq!(comparable(made), comparable(wanted), "{}", stack.name);
    }
}

#[tokio::test]
async fn imported_stack_is_under_cloudformation_s_hand() {
    let sandbox = sandbox(recorded_world());
    for stack in sandbox.stacks().await.unwrap() {
        let mut request = ChangeSetRequest {
            stack: stack.id.clone(),
            name: "same".to_owned(),
            template_body: sandbox.stack_template(&stack.id).await.unwrap(),
            tags: stack.tags.clone().into_iter().collect(),
            capabilities: stack.capabilities.clone(),
            service_role_arn: None,
            client_request_token: "same".to_owned(),
        };
        let id = sandbox.create_change_set(&request).await.unwrap();
        assert!(
            sandbox.change_set(&id).await.unwrap().is_empty_change(),
            "{}",
            stack.name
        );
        "tagged".clone_into(&mut request.name);
        request.tags.push(("more".to_owned(), "tags".to_owned()));
        let id = sandbox.create_change_set(&request).await.unwrap();
        sandbox.execute_change_set(&id, "execute").await.unwrap();
        sandbox
            .set_termination_protection(&stack.id, false)
            .await
            .unwrap();
        let roles = sandbox.roles().await.unwrap();
        let role = roles
            .iter()
            .find(|role| role.arn == stack.outputs["Role1"])
            .unwrap();
        assert_eq!(role.tags["more"], "tags");
        sandbox.delete_stack(&stack.id, None, "delete").await.unwrap();
    }
    assert!(sandbox.stacks().await.unwrap().is_empty());
    assert_eq!(sandbox.role_count().await.unwrap(), 0);
}

#[tokio::test]
async fn recorded_service_accounts_keep_their_managers() {
    let sandbox = sandbox(recorded_world());
    let account = sandbox
        .readers()
        .kubernetes
        .get::<ServiceAccount>(ObjectKey::namespaced("app", "managed"))
        .await
        .unwrap()
        .unwrap();
    let manager = &account.field_managers[0];
    assert_eq!(
        (manager.manager.as_str(), manager.operation.as_str()),
        ("eksctl", "Update")
    );
    assert!(manager.annotations.contains("eks.amazonaws.com/role-arn") && manager.labels.contains("tier"));
    let cluster = ClusterReader::cluster(&sandbox, "bench").await.unwrap();
    let issuer = cluster.oidc_issuer.unwrap();
    let arn = format!(
        "arn:aws:iam::111122223333:oidc-provider/{}",
        issuer.trim_start_matches("https://")
    );
    assert_eq!(
        sandbox.oidc_provider(&arn).await.unwrap().unwrap().audiences,
        ["sts.amazonaws.com"]
    );
}
