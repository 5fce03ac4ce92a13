//! What a plan says of access to the cluster, and of the roles that others made.

use eksact_core::ports::{
    aws::AccessEntry,
    issuer::{Certificate, CertificateChain},
    kubernetes::Subject,
};
use serde_json::json;

use super::{
    ACCESS, DEV, OF, row,
    world::{add_role, aws_auth, cluster, leaving, map_role, trust_of_tasks, trust_of_web},
};

const PLAN: &str = "plan -f c.yaml";

#[test]
fn codes_of_mappings_are_shown() {
    let mapping = format!("iamIdentityMappings:\n  - arn: {DEV}\n    username: dev\n");
    row("aws-auth-immutable")
        .config(&mapping)
        .world(|world| aws_auth(world).immutable = true)
        .shows(PLAN);
    row("aws-auth-too-large")
        .config(&mapping)
        .world(|world| {
            let name = "x".repeat(1_048_400);
            map_role(
                world,
                &format!("- rolearn: arn:aws:iam::111122223333:role/ops\n  username: {name}\n"),
            );
        })
        .shows(PLAN);
    row("several-mappings")
        .world(|world| {
            map_role(
                world,
                &format!("- {{rolearn: '{DEV}', username: dev}}\n- {{rolearn: '{DEV}', username: ops}}\n"),
            );
        })
        .shows(&format!("delete iamidentitymapping {OF} --arn {DEV}"));
    let of_set = |account: &str| {
        format!(
            "{ACCESS}identityMappings:\n  - permissionSet: {{name: AdministratorAccess{account}}}\n    username: admin\n"
        )
    };
    row("permission-set-account")
        .config(&of_set(", account: '999988887777'"))
        .shows(PLAN);
    row("permission-set-unreadable")
        .config(&of_set(""))
        .world(|world| {
            world.denied.insert("iam:ListRoles".to_owned());
        })
        .shows(PLAN);
}

#[test]
fn codes_of_groups_are_shown() {
    let group =
        |binding: &str| format!("{ACCESS}groups:\n  - name: viewers\n    bindings:\n      - {binding}\n");
    row("cluster-role-missing")
        .config(&group("clusterRole: veiw"))
        .shows(PLAN);
    row("namespace-missing")
        .config(&group("{clusterRole: view, namespaces: [app]}"))
        .shows(PLAN);
    row("namespace-terminating")
        .config(&group("{clusterRole: view, namespaces: [app]}"))
        .world(leaving)
        .shows(PLAN);
    row("bindings-unreadable")
        .config(&group("clusterRole: view"))
        .world(|world| {
            cluster(world)
                .denied
                .insert("list clusterrolebindings".to_owned());
        })
        .shows(PLAN);
    row("rbac-not-managed")
        .config(&group("clusterRole: view"))
        .first("apply -f c.yaml --yes")
        .world(|world| {
            let mut bindings = cluster(world).rbac_bindings.values_mut();
            let own = bindings.find(|binding| binding.role_name == "view").unwrap();
            own.labels.clear();
            own.subjects = vec![Subject {
                kind: "Group".to_owned(),
                name: "others".to_owned(),
                namespace: None,
            }];
        })
        .shows(PLAN);
}

#[test]
fn codes_of_shared_roles_are_shown() {
    let sharing = |role: &str| {
        format!(
            "iam:\n  withOIDC: true\n{ACCESS}sharedRoles:\n  - {role}\n    serviceAccounts: [{{namespace: app, name: web}}]\n"
        )
    };
    let of_arn = |arn: &str| sharing(&format!("roleARN: {arn}"));
    let of_path = "arn:aws:iam::111122223333:role/team/dev";
    let reserved =
        "arn:aws:iam::111122223333:role/aws-service-role/eks.amazonaws.com/AWSServiceRoleForAmazonEKS";
    row("shared-role-missing")
        .config(&sharing("roleName: dev"))
        .shows(PLAN);
    row("shared-role-arn")
        .config(&of_arn(DEV))
        .world(|world| add_role(world, of_path, &trust_of_tasks()))
        .shows(PLAN);
    row("shared-role-reserved")
        .config(&of_arn(reserved))
        .world(|world| add_role(world, reserved, &trust_of_tasks()))
        .shows(PLAN);
    row("shared-role-other-account")
        .config(&of_arn("arn:aws:iam::999988887777:role/dev"))
        .shows(PLAN);
    row("shared-role-unreadable")
        .config(&of_arn(DEV))
        .world(|world| {
            add_role(world, DEV, &trust_of_tasks());
            let policy = &mut world.roles.get_mut("dev").unwrap().trust_policy;
            policy["Statement"] = json!("none");
        })
        .shows(PLAN);
}

#[test]
fn codes_of_the_provider_are_shown() {
    let associate = format!("utils associate-iam-oidc-provider {OF}");
    row("bad-oidc-issuer")
        .world(|world| cluster(world).cluster.oidc_issuer = Some("http://oidc.example.com/id/1".to_owned()))
        .shows(&associate);
    row("no-oidc-issuer")
        .world(|world| cluster(world).cluster.oidc_issuer = None)
        .shows(&associate);
    row("oidc-provider-not-marked")
        .first(&format!("{associate} --approve"))
        .world(|world| {
            let mut providers = world.oidc_providers.values_mut();
            providers.next().unwrap().tags.clear();
        })
        .shows(&format!("delete iam-oidc-provider {OF}"));
    row("issuer-not-public")
        .world(|world| {
            let certificate = Certificate {
                thumbprint: "0123456789abcdef0123456789abcdef01234567".to_owned(),
                subject: "CN=proxy.example.com".to_owned(),
                issuer: "CN=proxy.example.com".to_owned(),
                not_after: jiff::Timestamp::from_second(2_000_000_000).unwrap(),
            };
            let chain = CertificateChain {
                certificates: vec![certificate],
                publicly_trusted: false,
            };
            let host = "oidc.eks.eu-west-1.amazonaws.com".to_owned();
            world.certificate_chains.insert(host, chain);
        })
        .shows(&associate);
}

#[test]
fn codes_of_access_entries_are_shown() {
    row("access-entry-replaced")
        .config(&format!(
            "accessConfig:\n  accessEntries:\n    - {{principalARN: '{DEV}', type: EC2_LINUX}}\n"
        ))
        .world(|world| {
            world.any_principal = true;
            let entry = AccessEntry {
                principal_arn: DEV.to_owned(),
                username: "dev".to_owned(),
                groups: vec!["viewers".to_owned()],
                entry_type: "STANDARD".to_owned(),
                ..AccessEntry::default()
            };
            cluster(world).eks.access_entries.insert(DEV.to_owned(), entry);
        })
        .shows(PLAN);
}

#[test]
fn codes_of_migrations_are_shown() {
    let migrate = format!("migrate to-access-entries {OF}");
    row("migration-line-without-effect")
        .world(|world| {
            world.any_principal = false;
            map_role(
                world,
                "- {rolearn: 'arn:aws:iam::111122223333:role/gone', username: gone, groups: [viewers]}\n",
            );
        })
        .shows(&migrate);
    row("migration-single-administrator")
        .world(|world| {
            world.any_principal = true;
            aws_auth(world).data.clear();
        })
        .shows(&format!("{migrate} --to-api --allow one-way-mode"));
    row("pod-identity-migration-refused")
        .config("iam:\n  withOIDC: true\n  serviceAccounts:\n    - metadata: {name: web, namespace: app}\n      attachRoleARN: arn:aws:iam::111122223333:role/dev\n")
        .world(|world| {
            let statement = trust_of_web(world);
            add_role(world, DEV, &statement);
            cluster(world).cluster.auto_mode = true;
        })
        .first("apply -f c.yaml --yes")
        .world(|world| add_role(world, DEV, &trust_of_tasks()))
        .shows(&format!("migrate to-pod-identity {OF}"));
}
