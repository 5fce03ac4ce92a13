//! Roles, their stacks and service accounts: what plans and runs say of them, done.

use super::{
    case::{Case, Check, case},
    world::{HEAD, S3, account, cluster, role, stack, web},
};

const APPLY: &str = "apply -f c.yaml --yes";

fn planned() -> Case {
    case("plan -f c.yaml").file("c.yaml", web(""))
}

/// `app/web` is there already.
fn applied() -> Case {
    planned().first("eksact apply -f c.yaml --yes")
}

pub(super) fn cases() -> Vec<Check> {
    [stacks(), accounts(), provider(), calls()]
        .into_iter()
        .flatten()
        .collect()
}

fn stacks() -> Vec<Check> {
    let in_status = |status: &'static str, policy: bool| {
        applied().after_first(move |world| {
            status.clone_into(&mut stack(world).stack.status);
            if policy {
                role(world).managed_policy_arns.clear();
            }
        })
    };
    let to_be_deleted = |status: &'static str| {
        case("delete iamserviceaccount --cluster quickstart --region eu-west-1 --namespace app --name web --timeout 1s")
            .file("c.yaml", web(""))
            .first("eksact apply -f c.yaml --yes")
            .after_first(move |world| status.clone_into(&mut stack(world).stack.status))
    };
    vec![
        applied().after_first(|world| stack(world).stack.tags.clear()).says("if nothing needs that stack").printed(&[]).check(),
        applied().after_first(|world| stack(world).stack.tags.clear()).says("Use another name for the service account").replace("c.yaml", "name: web,", "name: other,").check(),
        in_status("UPDATE_ROLLBACK_FAILED", true).says("continue-update-rollback").printed(&[]).check(),
        in_status("UPDATE_FAILED", true).says("Roll it back with").printed(&[]).check(),
        in_status("IMPORT_ROLLBACK_FAILED", true).says("finish or undo it in CloudFormation").change(|world| "IMPORT_ROLLBACK_COMPLETE".clone_into(&mut stack(world).stack.status)).check(),
        to_be_deleted("IMPORT_ROLLBACK_FAILED").says("finish or undo it in CloudFormation").change(|world| "IMPORT_ROLLBACK_COMPLETE".clone_into(&mut stack(world).stack.status)).check(),
        in_status("SOMETHING_NEW", true).says("in CloudFormation, and run the same command again.").change(|world| "UPDATE_COMPLETE".clone_into(&mut stack(world).stack.status)).check(),
        case("plan -f c.yaml --timeout 1s").file("c.yaml", web("")).first("eksact apply -f c.yaml --yes").after_first(|world| "UPDATE_IN_PROGRESS".clone_into(&mut stack(world).stack.status)).says("Run the same command again later, or wait longer with --timeout").change(|world| "UPDATE_COMPLETE".clone_into(&mut stack(world).stack.status)).check(),
        applied().after_first(|world| stack(world).stack.outputs.clear()).says("give it the output Role1 with the role's ARN again").change(|world| {
            let arn = role(world).arn.clone();
            stack(world).stack.outputs.insert("Role1".to_owned(), arn);
        }).check(),
        applied().after_first(|world| stack(world).stack.outputs.clear()).says("delete the stack and run the same command").printed(&[]).check(),
        applied().after_first(|world| {
            role(world).managed_policy_arns.clear();
            stack(world).template = "{\"Resources\": {\"Bucket\": {\"Type\": \"AWS::S3::Bucket\"}}}".to_owned();
        }).says("Change the role with the tool that made the stack").printed(&[]).check(),
        applied().after_first(|world| {
            role(world).managed_policy_arns.clear();
            world.denied.insert("cloudformation:GetTemplate".to_owned());
        }).says("Give the caller the permission cloudformation:GetTemplate.").change(|world| world.denied.clear()).check(),
        applied().after_first(|world| {
            let mut twin = stack(world).clone();
            twin.stack.name.push_str("-2");
            twin.stack.id = twin.stack.id.replace("web/", "web-2/");
            world.stacks.insert(twin.stack.id.clone(), twin);
        }).command("apply -f empty.yaml --prune --yes").file("empty.yaml", format!("{HEAD}iam: {{withOIDC: true, serviceAccounts: []}}\n")).says("Only the other one is removed").printed(&[]).check(),
        planned().file("taken.yaml", web(", roleName: taken").replace("name: web", "name: first")).first("eksact apply -f taken.yaml --yes").file("c.yaml", web(", roleName: taken")).says("use it as it is with `attachRoleARN: ").replace("c.yaml", format!("attachPolicyARNs: ['{S3}'], roleName: taken"), "attachRoleARN: 'arn:aws:iam::111122223333:role/taken'").leaves("attached-role-refuses").check(),
        // Its policy does not exist, so the stack is rolled back: once the cause is gone the next run replaces it.
        case(APPLY).file("c.yaml", web(", permissionsBoundary: 'arn:aws:iam::111122223333:policy/boundary'")).world(|world| world.any_policy = false).says("Fix the cause, then run the same command again: it replaces a stack that failed.").change(|world| {
            world.policies.insert("arn:aws:iam::111122223333:policy/boundary".to_owned());
        }).check(),
        case("update iamserviceaccount --cluster quickstart --region eu-west-1 --namespace app --name web --attach-policy-arn arn:aws:iam::aws:policy/AmazonSQSFullAccess").file("c.yaml", web("")).first("eksact apply -f c.yaml --yes").after_first(|world| {
            let name = role(world).name.clone();
            world.roles.remove(&name);
        }).says("with the file that has it, or delete and create the service account").run("eksact apply -f c.yaml --yes").check(),
        case("create iamserviceaccount --cluster quickstart --region eu-west-1 --namespace app --name web --attach-policy p.json")
            .file("p.json", r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*", "Condition": {"StringEquals": {"Fn::ImportValue": "team"}}}]}"#)
            .first("eksact utils associate-iam-oidc-provider --cluster quickstart --region eu-west-1 --approve")
            .says("Write the value itself in the policy document")
            .replace("p.json", "Fn::ImportValue", "aws:PrincipalTag/team")
            .check(),
        case("update iamserviceaccount -f c.yaml")
            .file("c.yaml", web(""))
            .first("eksact utils associate-iam-oidc-provider --cluster quickstart --region eu-west-1 --approve")
            .says("makes it.")
            .printed(&[("ARN", S3)])
            .check(),
    ]
}

fn accounts() -> Vec<Check> {
    let delete =
        "delete iamserviceaccount --cluster quickstart --region eu-west-1 --namespace app --name web --yes";
    vec![
        // Another's service account.
        planned()
            .world(|world| {
                let mut foreign = cluster(world).service_accounts["kube-system/aws-node"].clone();
                "web".clone_into(&mut foreign.name);
                "app".clone_into(&mut foreign.namespace);
                foreign.labels.clear();
                cluster(world)
                    .service_accounts
                    .insert("app/web".to_owned(), foreign);
                let namespace = eksact_core::ports::kubernetes::Namespace {
                    name: "app".to_owned(),
                    terminating: false,
                };
                cluster(world).namespaces.insert("app".to_owned(), namespace);
            })
            .says("Pass --override-existing-serviceaccounts to annotate it")
            .instead("plan -f c.yaml --override-existing-serviceaccounts")
            .check(),
        applied()
            .after_first(|world| {
                account(world).terminating = true;
                account(world).annotations.clear();
            })
            .says("Wait until it is gone and run the same command again.")
            .change(|world| {
                cluster(world).service_accounts.remove("app/web");
            })
            .check(),
        planned()
            .world(|world| {
                let namespace = eksact_core::ports::kubernetes::Namespace {
                    name: "app".to_owned(),
                    terminating: true,
                };
                cluster(world).namespaces.insert("app".to_owned(), namespace);
            })
            .says("Wait until it is gone and run the same command again.")
            .change(|world| {
                cluster(world).namespaces.remove("app");
            })
            .check(),
        case(delete.replace("web", "wbe"))
            .file("c.yaml", web(""))
            .first("eksact apply -f c.yaml --yes")
            .says("lists what is there")
            .printed(&[])
            .instead(delete)
            .check(),
        case("plan -f less.yaml --prune")
            .file(
                "c.yaml",
                web("").replace(
                    "name: web, namespace: app",
                    "name: aws-node, namespace: kube-system",
                ),
            )
            .file(
                "less.yaml",
                format!("{HEAD}iam: {{withOIDC: true, serviceAccounts: []}}\n"),
            )
            .first("eksact apply -f c.yaml --override-existing-serviceaccounts --yes")
            .says("--prune-named kube-system/aws-node")
            .instead("plan -f less.yaml --prune --prune-named kube-system/aws-node")
            .check(),
        planned()
            .world(|world| cluster(world).unreachable = true)
            .says("makes the roles now and the service accounts on a later run")
            .instead("plan -f c.yaml --allow kubernetes-unreachable")
            .leaves("kubernetes-unreachable")
            .check(),
        planned()
            .world(|world| cluster(world).unreachable = true)
            .says("`roleOnly: true` leaves Kubernetes out")
            .replace("c.yaml", "attachPolicyARNs", "roleOnly: true, attachPolicyARNs")
            .check(),
        case(APPLY)
            .file("c.yaml", web(""))
            .world(|world| {
                cluster(world)
                    .denied
                    .insert("create serviceaccounts in app".to_owned());
            })
            .says("Bind a role that allows it to the caller, or use an identity that has one.")
            .change(|world| cluster(world).denied.clear())
            .check(),
        case(APPLY)
            .file("c.yaml", web(""))
            .world(|world| {
                cluster(world).service_account_issuer = Some("https://example.com/other".to_owned());
            })
            .says("Check --kubeconfig and --context.")
            .change(|world| cluster(world).service_account_issuer = None)
            .check(),
    ]
}

fn provider() -> Vec<Check> {
    let associate = "utils associate-iam-oidc-provider --cluster quickstart --region eu-west-1";
    let delete = "delete iam-oidc-provider --cluster quickstart --region eu-west-1";
    vec![
        planned().world(|world| cluster(world).cluster.oidc_issuer = None).says("A cluster has one once it is ACTIVE").change(|world| {
            cluster(world).cluster.oidc_issuer = Some("https://oidc.eks.eu-west-1.amazonaws.com/id/1234".to_owned());
        }).check(),
        case("create iamserviceaccount --cluster quickstart --region eu-west-1 --namespace app --name web --attach-policy-arn arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess").says("--approve` first, or set `iam.withOIDC: true` in the file").printed(&[("iam.withOIDC: true", "")]).check(),
        case("create iamserviceaccount --cluster quickstart --region eu-west-1 --namespace app --name web --attach-policy-arn arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess").first(format!("eksact {associate} --approve")).after_first(|world| {
            world.oidc_providers.values_mut().for_each(|provider| provider.audiences.clear());
        }).says("--approve`.").printed(&[]).check(),
        case(delete).first(format!("eksact {associate} --approve")).after_first(|world| {
            world.oidc_providers.values_mut().for_each(|provider| provider.tags.clear());
        }).says("Pass --allow oidc-provider-not-marked to delete it anyway.").instead(format!("{delete} --allow oidc-provider-not-marked")).leaves("allowed by --allow oidc-provider-not-marked").check(),
        case(delete).first(format!("eksact {associate} --approve")).after_first(|world| {
            world.denied.insert("iam:ListRoles".to_owned());
            world.denied.insert("iam:GetAccountAuthorizationDetails".to_owned());
        }).says("Pass --allow oidc-provider-in-use to delete it anyway.").instead(format!("{delete} --allow oidc-provider-in-use")).leaves("allowed by --allow oidc-provider-in-use").check(),
        case(delete).file("c.yaml", web("")).first("eksact apply -f c.yaml --yes").says("Delete these roles first").run("eksact delete iamserviceaccount --cluster quickstart --region eu-west-1 --namespace app --name web --approve").check(),
        case(associate).world(|world| {
            world.denied.insert("issuer:Connect".to_owned());
        }).says("give the thumbprint (--thumbprint HEX) or let IAM compute it (--thumbprint iam)").instead(format!("{associate} --thumbprint iam")).check(),
    ]
}

fn calls() -> Vec<Check> {
    vec![
        planned()
            .world(|world| {
                world.denied.insert("cloudformation:ListStacks".to_owned());
                world.denied.insert("cloudformation:DescribeStacks".to_owned());
            })
            .says("Give the caller the permission cloudformation:")
            .change(|world| world.denied.clear())
            .check(),
        case(APPLY)
            .file("c.yaml", web(""))
            .world(|world| world.quotas.oidc_providers = 0)
            .says("Ask AWS to raise the quota, or remove what is not needed.")
            .change(|world| world.quotas.oidc_providers = 100)
            .check(),
        // What cannot be planned has a finding of its own that says what to do.
        case(APPLY)
            .file("c.yaml", web(""))
            .world(|world| {
                let namespace = eksact_core::ports::kubernetes::Namespace {
                    name: "app".to_owned(),
                    terminating: true,
                };
                cluster(world).namespaces.insert("app".to_owned(), namespace);
            })
            .says("The plan says why, and what to do about each.")
            .change(|world| {
                cluster(world).namespaces.remove("app");
            })
            .check(),
        case("apply -f c.yaml")
            .file("c.yaml", web(""))
            .says("To apply it, run: eksact")
            .printed(&[])
            .check(),
    ]
}
