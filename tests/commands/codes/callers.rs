//! Who gets in, who may what, and how kubectl and pods sign in.

use std::{fs, os::unix::fs::PermissionsExt as _};

use base64::Engine as _;
use eksact_core::ports::{
    aws::AccessEntry,
    kubernetes::{RbacBinding, Subject},
};
use serde_json::{Value, json};

use super::{
    DEV, OF, Row, row,
    world::{account, add_role, aws_auth, cluster, map_role, trust_of_web},
};

#[test]
fn codes_of_callers_are_shown() {
    row("similar-name")
        .world(|world| {
            map_role(
                world,
                "- {rolearn: 'arn:aws:iam::111122223333:role/develper', username: developer, groups: [viewers]}\n",
            );
        })
        .shows(&format!("whoami {OF} --sandbox-caller arn:aws:iam::111122223333:role/developer"));
    let near = |code: &'static str, caller: &str, section: &str, entry: &str| {
        row(code)
            .world(|world| {
                let data = &mut aws_auth(world).data;
                data.clear();
                data.insert(section.to_owned(), entry.to_owned());
            })
            .shows(&format!(
                "whoami {OF} --sandbox-caller arn:aws:iam::111122223333:{caller}"
            ));
    };
    let role = |arn: &str| format!("- {{rolearn: '{arn}', username: dev, groups: [viewers]}}\n");
    let user = |arn: &str| format!("- {{userarn: '{arn}', username: ann, groups: [viewers]}}\n");
    let of = |name: &str| format!("arn:aws:iam::111122223333:{name}");
    let sso = "role/AWSReservedSSO_Developers_";
    near("user-path", "user/team/ann", "mapUsers", &user(&of("user/ann")));
    near(
        "other-account",
        "role/dev",
        "mapRoles",
        &role("arn:aws:iam::999988887777:role/dev"),
    );
    near("other-kind", "role/dev", "mapUsers", &user(&of("user/dev")));
    near(
        "other-sso-role",
        &format!("{sso}0123456789abcdef"),
        "mapRoles",
        &role(&of(&format!("{sso}fedcba9876543210"))),
    );
    near(
        "permission-set-name",
        &format!("{sso}0123456789abcdef"),
        "mapRoles",
        &role(&of("role/Developers")),
    );
    near("root-arn", "role/dev", "mapUsers", &user(&of("root")));
    near(
        "mapped-by-account",
        "role/dev",
        "mapAccounts",
        "- '111122223333'\n",
    );
    row("root").shows(&format!(
        "whoami {OF} --sandbox-caller arn:aws:iam::111122223333:root"
    ));
    row("bound-role-missing")
        .world(|world| {
            let entry = AccessEntry {
                principal_arn: DEV.to_owned(),
                username: "dev".to_owned(),
                groups: vec!["devs".to_owned()],
                entry_type: "STANDARD".to_owned(),
                ..AccessEntry::default()
            };
            let binding = RbacBinding {
                namespace: Some("prod".to_owned()),
                name: "devs".to_owned(),
                role_kind: "Role".to_owned(),
                role_name: "gone".to_owned(),
                subjects: vec![Subject {
                    kind: "Group".to_owned(),
                    name: "devs".to_owned(),
                    namespace: None,
                }],
                ..RbacBinding::default()
            };
            let cluster = cluster(world);
            cluster.eks.access_entries.insert(DEV.to_owned(), entry);
            cluster.rbac_bindings.insert("prod/devs".to_owned(), binding);
        })
        .shows(&format!("explain access delete pods -n prod {OF} --as {DEV}"));
}

#[test]
fn codes_of_kubeconfigs_are_shown() {
    const ARN: &str = "arn:aws:eks:eu-west-1:111122223333:cluster/quickstart";
    let update = "update-kubeconfig --name quickstart --region eu-west-1 --portable --kubeconfig kc.yaml";
    private(
        "kubeconfig-insecure-cluster",
        &format!(
                "apiVersion: v1\nkind: Config\nclusters:\n- name: {ARN}\n  cluster:\n    insecure-skip-tls-verify: true\n    server: https://example.com\n"
        ),
    )
    .shows(update);
    private(
        "kubeconfig-user-taken-over",
        &format!(
                "apiVersion: v1\nkind: Config\ncontexts:\n- name: old\n  context: {{cluster: '{ARN}', user: '{ARN}'}}\nusers:\n- name: {ARN}\n  user:\n    \
                 exec:\n      apiVersion: client.authentication.k8s.io/v1beta1\n      command: aws\n      args: [--region, eu-west-1, eks, get-token, \
                 --cluster-name, quickstart, --output, json]\n"
        ),
    )
    .shows(update);
}

/// With a kubeconfig that no one else may read.
fn private(code: &'static str, kubeconfig: &str) -> Row {
    let row = row(code).file("kc.yaml", kubeconfig);
    fs::set_permissions(row.place.path("kc.yaml"), fs::Permissions::from_mode(0o600)).unwrap();
    row
}

/// `app/web` with the role `dev`, which lets it in.
fn attached(code: &'static str) -> Row {
    row(code)
        .config("iam:\n  withOIDC: true\n  serviceAccounts:\n    - metadata: {name: web, namespace: app}\n      attachRoleARN: arn:aws:iam::111122223333:role/dev\n")
        .world(|world| {
            let statement = trust_of_web(world);
            add_role(world, DEV, &statement);
        })
        .first("apply -f c.yaml --yes")
}

/// A token with these claims, which nobody signed.
fn token(claims: &Value) -> String {
    let part = |value: &Value| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.c2lnbmF0dXJl", part(&json!({"alg": "RS256"})), part(claims))
}

#[test]
fn codes_of_pods_are_shown() {
    let check = format!("check irsa app/web {OF}");
    attached("trust-principal")
        .world(|world| {
            let mut statement = trust_of_web(world);
            statement["Principal"] = json!({"AWS": "arn:aws:iam::111122223333:root"});
            statement["Condition"] = json!({});
            add_role(world, DEV, &statement);
        })
        .shows(&check);
    let annotated = |code: &'static str, key: &str, value: &str| {
        attached(code)
            .world(|world| {
                let annotations = &mut account(world).annotations;
                annotations.clear();
                annotations.insert(format!("eks.amazonaws.com/{key}"), value.to_owned());
            })
            .shows(&check);
    };
    annotated("annotation-empty", "role-arn", "");
    annotated("annotation-malformed", "role-arn", "role/dev");
    annotated("annotation-misspelt", "role_arn", DEV);
    attached("attached-role-too-open")
        .world(|world| {
            let mut statement = trust_of_web(world);
            statement["Condition"] = json!({});
            add_role(world, DEV, &statement);
        })
        .shows("plan -f c.yaml");
    let issuer = "https://oidc.eks.eu-west-1.amazonaws.com/id/0E894D7E2254D8FEA57454EA014B36C0";
    let claims = |issuer: &str, account: &str| json!({"iss": issuer, "sub": format!("system:serviceaccount:app:{account}"), "aud": ["sts.amazonaws.com"], "iat": 1, "exp": 9_999_999_999_u64});
    attached("token-subject").shows(&format!("{check} --token {}", token(&claims(issuer, "api"))));
    let mut changed = claims(issuer, "web");
    changed["exp"] = json!("tomorrow");
    attached("token-time").shows(&format!("{check} --token {}", token(&changed)));
    changed["exp"] = json!(9_999_999_999_u64);
    changed["aud"] = json!(["vault"]);
    attached("token-audience").shows(&format!("{check} --token {}", token(&changed)));
    let other = "https://oidc.eks.eu-west-1.amazonaws.com/id/OTHER";
    attached("token-issuer").shows(&format!("{check} --token {}", token(&claims(other, "web"))));
    attached("sts-refused")
        .world(|world| {
            world.denied.insert("sts:AssumeRoleWithWebIdentity".to_owned());
        })
        .shows(&format!("{check} --try"));
}
