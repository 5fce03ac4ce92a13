//! What others do to roles and their trust policies while a run goes on, or before it: met in this process, where time passes
//! at once, and ended as the help says.

use std::{sync::Arc, time::Duration};

use eksact_core::kinds::Request;
use eksact_simulator::{Sandbox, Seed, StackResource, SystemClock, World};
use serde_json::{Value, json};

use super::{
    case::Check,
    faults::{Complaints, carried_out, complaints_of, ensured, planned},
    world::{ACCESS, HEAD, add_role, stack, web},
};

const ROLE: &str = "arn:aws:iam::111122223333:role/deployer";
const AGAIN: &str = "Run the same command again: it plans from what is there now.";

/// What is said before and after the help is followed.
fn met(
    says: &'static str,
    story: impl AsyncFnOnce(Sandbox) -> (Complaints, Complaints) + Send + 'static,
) -> Check {
    Check {
        about: format!("a run meets others → {says}"),
        run: Box::new(move || {
            let seed = Seed {
                cluster: "quickstart".to_owned(),
                region: "eu-west-1".to_owned(),
                account: None,
            };
            let sandbox = Sandbox::in_memory(World::seeded(&seed), Arc::new(SystemClock));
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .start_paused(true)
                .build()
                .map_err(|error| error.to_string())?;
            let (before, after) = runtime.block_on(story(sandbox));
            let helps: Vec<String> = before
                .iter()
                .flat_map(|(_, help)| help)
                .filter(|help| help.contains(says))
                .cloned()
                .collect();
            if helps.is_empty() {
                return Err(format!("it does not say so, but: {before:#?}"));
            }
            if !after.is_empty() {
                return Err(format!("{helps:?} was followed, and there is {after:#?}"));
            }
            Ok(helps)
        }),
    }
}

/// Runs the file, as a process of its own.
async fn run(sandbox: &Sandbox, file: &str, nonce: &str) -> Complaints {
    carried_out(&sandbox.another_process(), &ensured(file, nonce), None).await
}

fn sharing(cluster: &str, roles: &str) -> String {
    let head = HEAD.replace("quickstart", cluster);
    format!("{head}iam: {{withOIDC: true}}\n{ACCESS}sharedRoles: [{roles}]\n")
}

fn shared_by(cluster: &str) -> String {
    sharing(
        cluster,
        "{roleName: deployer, serviceAccounts: [{namespace: app, name: web}]}",
    )
}

/// A statement for a service of AWS's.
fn tasks() -> Value {
    json!({"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "ecs-tasks.amazonaws.com"}})
}

fn pruning(mut request: Request) -> Request {
    request.settings.prune = true;
    request
}

pub(super) fn cases() -> Vec<Check> {
    vec![
        met(AGAIN, stack_edited_by_hand),
        met(AGAIN, role_made_anew),
        met("must be removed first.", deleted_principal),
        met("Find the writer of the whole trust policy", restless_policy),
        met(
            "Remove the role from `sharedRoles` of those clusters' files",
            role_in_use,
        ),
    ]
}

/// Somebody adds a resource to the stack between the plan and the change set.
async fn stack_edited_by_hand(sandbox: Sandbox) -> (Complaints, Complaints) {
    assert_eq!(run(&sandbox, &web(""), "first").await, []);
    let process = sandbox.another_process();
    let other = sandbox.clone();
    process.faults().before_each_write(move |call| {
        if call.action != "CreateChangeSet" {
            return;
        }
        let added = json!({"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument":
            {"Version": "2012-10-17", "Statement": [tasks()]}}});
        other
            .edit(|world| {
                let record = stack(world);
                let mut template: Value = serde_json::from_str(&record.template).unwrap();
                template["Resources"]["Role2"] = added.clone();
                record.template = template.to_string();
                let resource = StackResource {
                    resource_type: "AWS::IAM::Role".to_owned(),
                    physical_id: "by-hand".to_owned(),
                    properties: added["Properties"].clone(),
                };
                record.resources.insert("Role2".to_owned(), resource);
            })
            .unwrap();
    });
    let file = web("").replace("AmazonS3ReadOnlyAccess", "AmazonSQSFullAccess");
    let before = carried_out(&process, &ensured(&file, "second"), None).await;
    let after = run(&sandbox, &file, "third").await;
    let mut world = sandbox.world().unwrap();
    assert!(
        stack(&mut world).template.contains("Role2"),
        "what was added is lost"
    );
    (before, after)
}

/// Somebody deletes the shared role and makes it anew while its trust policy is written.
async fn role_made_anew(sandbox: Sandbox) -> (Complaints, Complaints) {
    sandbox
        .edit(|world| add_role(world, ROLE, &json!([tasks()])))
        .unwrap();
    let process = sandbox.another_process();
    let other = sandbox.clone();
    process.faults().before_each_write(move |call| {
        if call.action == "UpdateAssumeRolePolicy" {
            let anew = |world: &mut World| world.roles.get_mut("deployer").unwrap().id.push('X');
            other.edit(anew).unwrap();
        }
    });
    let file = shared_by("quickstart");
    let before = carried_out(&process, &ensured(&file, "first"), None).await;
    (before, run(&sandbox, &file, "second").await)
}

/// The trust policy names a user that was deleted.
async fn deleted_principal(sandbox: Sandbox) -> (Complaints, Complaints) {
    let gone =
        json!({"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": "AIDAJQABLZS4A3QDU576Q"}});
    sandbox
        .edit(|world| add_role(world, ROLE, &json!([tasks(), gone])))
        .unwrap();
    let file = shared_by("quickstart");
    let before = run(&sandbox, &file, "first").await;
    sandbox
        .edit(|world| add_role(world, ROLE, &json!([tasks()])))
        .unwrap();
    (before, run(&sandbox, &file, "second").await)
}

/// Another tool writes the whole document every ten seconds, until it is found.
async fn restless_policy(sandbox: Sandbox) -> (Complaints, Complaints) {
    sandbox
        .edit(|world| add_role(world, ROLE, &json!([tasks()])))
        .unwrap();
    let file = shared_by("quickstart");
    let other = async {
        loop {
            tokio::time::sleep(Duration::from_secs(10)).await;
            sandbox
                .edit(|world| add_role(world, ROLE, &json!([tasks()])))
                .unwrap();
        }
    };
    let before = tokio::select! {
        before = run(&sandbox, &file, "first") => before,
        () = other => Vec::new(),
    };
    (before, run(&sandbox, &file, "second").await)
}

/// Another cluster shares the role that goes.
async fn role_in_use(sandbox: Sandbox) -> (Complaints, Complaints) {
    sandbox
        .edit(|world| world.add_cluster("green", "eu-west-1"))
        .unwrap();
    let green = sandbox.for_cluster("green", "eu-west-1");
    assert_eq!(run(&sandbox, &web(", roleName: deployer"), "first").await, []);
    assert_eq!(run(&green, &shared_by("green"), "second").await, []);
    let empty = format!("{HEAD}iam: {{withOIDC: true, serviceAccounts: []}}\n");
    let removal = pruning(ensured(&empty, "third"));
    let before = complaints_of(&planned(&sandbox, &removal).await.unwrap());
    let released = pruning(ensured(&sharing("green", ""), "fourth"));
    assert_eq!(carried_out(&green.another_process(), &released, None).await, []);
    (before, complaints_of(&planned(&sandbox, &removal).await.unwrap()))
}
