//! From annotated service accounts to pod identity associations: STS is asked, with tokens of the real kube-apiserver, who still gets
//! its role by the annotation, and EKS is asked for the associations.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::{
    bed::Bed,
    live::{ROLE_ANNOTATION, annotations, labels, service_account_path},
};

const ACCOUNTS: usize = 20;
const AUDIENCE: &str = "sts.amazonaws.com";
const BY_TOKEN: [&str; 2] = ["AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE"];
const BY_ASSOCIATION: [&str; 1] = ["AWS_CONTAINER_CREDENTIALS_FULL_URI"];
const MIGRATE: [&str; 5] = ["migrate", "to-pod-identity", "--cluster", "bench", "--yes"];
/// The role that a second cluster and GitHub use, too.
const SHARED: &str = "role-02";
const OTHER_ID: &str = "BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB";

/// A service account and its role.
struct Account {
    namespace: &'static str,
    name: String,
    role: String,
}

impl Account {
    fn subject(&self) -> String {
        format!("system:serviceaccount:{}:{}", self.namespace, self.name)
    }
}

/// Two of one role, one whose role others use, too, the rest with one each.
fn accounts() -> Vec<Account> {
    let one = |number: usize| Account {
        namespace: if number.is_multiple_of(3) { "jobs" } else { "app" },
        name: format!("sa-{number:02}"),
        role: format!("role-{:02}", if number == 1 { 0 } else { number }),
    };
    (0..ACCOUNTS).map(one).collect()
}

fn role_arn(bed: &Bed, role: &str) -> String {
    format!("arn:aws:iam::{}:role/{role}", bed.fact("account"))
}

/// A statement that lets these subjects in by the tokens of an issuer.
fn statement(bed: &Bed, issuer: &str, subjects: &Value) -> Value {
    let host = issuer.trim_start_matches("https://");
    json!({"Effect": "Allow", "Action": "sts:AssumeRoleWithWebIdentity",
        "Principal": {"Federated": format!("arn:aws:iam::{}:oidc-provider/{host}", bed.fact("account"))},
        "Condition": {"StringEquals": {format!("{host}:sub"): subjects, format!("{host}:aud"): AUDIENCE}}})
}

/// A second cluster with a provider in IAM; gives its issuer.
fn second_cluster(bed: &Bed) -> String {
    bed.control("POST", "eks/other", &json!({"issuerId": OTHER_ID}));
    let issuer = format!(
        "https://oidc.eks.{}.amazonaws.com/id/{OTHER_ID}",
        bed.fact("region")
    );
    let provider =
        json!({"Url": issuer, "ClientIDList": [AUDIENCE], "ThumbprintList": [bed.fact("thumbprint")]});
    bed.aws("iam", "create_open_id_connect_provider", &provider)
        .unwrap();
    issuer
}

/// Puts a pod of an account in the place of the one that is there, with these variables in its container.
fn restart(bed: &Bed, account: &Account, variables: &[&str]) {
    let (namespace, name) = (account.namespace, &account.name);
    let pods = format!("/api/v1/namespaces/{namespace}/pods");
    bed.kubernetes(
        "DELETE",
        &format!("{pods}/{name}?gracePeriodSeconds=0"),
        &Value::Null,
    );
    let environment: Vec<Value> = variables
        .iter()
        .map(|variable| json!({"name": variable, "value": "set by the webhook"}))
        .collect();
    let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": {
        "serviceAccountName": name, "automountServiceAccountToken": false,
        "containers": [{"name": "main", "image": "web", "env": environment}]}});
    let (status, answer) = bed.kubernetes("POST", &pods, &pod);
    assert_eq!(status, 201, "{answer}");
}

/// The accounts with their roles and a pod each that runs with the annotation, and the other cluster's issuer.
fn with_accounts(accounts: &[Account]) -> (Bed, String) {
    let bed = Bed::start();
    let file = "apiVersion: eksctl.io/v1alpha5\nkind: ClusterConfig\nmetadata: {name: bench, region: us-west-2}\niam: {withOIDC: true}\n";
    bed.apply(&bed.file("cluster.yaml", file)).ended(0);
    let other = second_cluster(&bed);
    for namespace in ["app", "jobs"] {
        bed.make_namespace(namespace);
    }
    for account in accounts {
        let of_role: Vec<String> = accounts
            .iter()
            .filter(|one| one.role == account.role)
            .map(Account::subject)
            .collect();
        if of_role[0] == account.subject() {
            let mut statements = vec![statement(&bed, bed.fact("issuer"), &json!(of_role))];
            if account.role == SHARED {
                statements.push(statement(&bed, &other, &json!(of_role)));
                let github = "https://token.actions.githubusercontent.com";
                statements.push(statement(
                    &bed,
                    github,
                    &json!("repo:org/app:ref:refs/heads/main"),
                ));
            }
            let trust = json!({"Version": "2012-10-17", "Statement": statements});
            let role = json!({"RoleName": account.role, "AssumeRolePolicyDocument": trust.to_string()});
            bed.aws("iam", "create_role", &role).unwrap();
        }
        let annotations = json!({ROLE_ANNOTATION: role_arn(&bed, &account.role), "owner": "payments"});
        bed.make_service_account(account.namespace, &account.name, &annotations);
        restart(&bed, account, &BY_TOKEN);
    }
    (bed, other)
}

/// A token of the real kube-apiserver for an account.
fn token(bed: &Bed, account: &Account) -> String {
    let path = service_account_path(account.namespace, &account.name) + "/token";
    let wanted = json!({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest",
        "spec": {"audiences": [AUDIENCE], "expirationSeconds": 600}});
    let (status, answer) = bed.kubernetes("POST", &path, &wanted);
    assert_eq!(status, 201, "{answer}");
    answer["status"]["token"].as_str().unwrap().to_owned()
}

/// The same claims as another cluster's kube-apiserver would sign them: the clusters of the bed have one key.
fn token_of(bed: &Bed, issuer: &str, account: &Account) -> String {
    let own = token(bed, account);
    let parts: Vec<&str> = own.split('.').collect();
    let mut claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(parts[1]).unwrap()).unwrap();
    claims["iss"] = json!(issuer);
    let signed = format!("{}.{}", parts[0], URL_SAFE_NO_PAD.encode(claims.to_string()));
    format!("{signed}.{}", bed.signature(&signed))
}

/// Whether STS gives the role for a token.
fn sts_gives(bed: &Bed, token: &str, role: &str) -> bool {
    let wanted =
        json!({"RoleArn": role_arn(bed, role), "RoleSessionName": "judge", "WebIdentityToken": token});
    match bed.aws_unsigned("sts", "assume_role_with_web_identity", &wanted) {
        Ok(_) => true,
        Err(refusal) => {
            assert_eq!(refusal.code, "AccessDenied", "{refusal:?}");
            false
        }
    }
}

/// The accounts to which STS gives their roles by their tokens.
fn by_token<'accounts>(bed: &Bed, accounts: &'accounts [Account]) -> Vec<&'accounts str> {
    let given = accounts
        .iter()
        .filter(|account| sts_gives(bed, &token(bed, account), &account.role));
    given.map(|account| account.name.as_str()).collect()
}

fn names(accounts: &[Account]) -> Vec<&str> {
    accounts.iter().map(|account| account.name.as_str()).collect()
}

fn statements(bed: &Bed, role: &str) -> Vec<Value> {
    let trust = bed.role(role).unwrap().trust;
    trust["Statement"].as_array().unwrap().clone()
}

fn writes(bed: &Bed, call: &str) -> usize {
    bed.writes().iter().filter(|write| write.call == call).count()
}

#[test]
fn migration_to_pod_identity_of_twenty_accounts_takes_only_their_own_subjects() {
    let accounts = accounts();
    let (bed, other) = with_accounts(&accounts);
    let shared = &accounts[2];
    let before = statements(&bed, SHARED);
    assert_eq!(by_token(&bed, &accounts), names(&accounts));
    assert!(sts_gives(&bed, &token_of(&bed, &other, shared), SHARED));

    // Every account gets its association, and its pods keep what they have.
    bed.forget_calls();
    bed.run(&[&MIGRATE[..], &["--install-agent"]].concat()).ended(0);
    assert_eq!(writes(&bed, "eks:CreateAddon"), 1);
    assert_eq!(writes(&bed, "eks:CreatePodIdentityAssociation"), ACCOUNTS);
    assert_eq!(writes(&bed, "iam:UpdateAssumeRolePolicy"), ACCOUNTS - 1);
    let cluster = json!({"clusterName": "bench"});
    let listed = bed
        .aws("eks", "list_pod_identity_associations", &cluster)
        .unwrap();
    let listed = listed["associations"].as_array().unwrap();
    assert_eq!(listed.len(), ACCOUNTS);
    for association in listed {
        let id = json!({"clusterName": "bench", "associationId": association["associationId"]});
        let described = bed.aws("eks", "describe_pod_identity_association", &id).unwrap();
        let account = accounts
            .iter()
            .find(|account| association["serviceAccount"] == json!(account.name))
            .unwrap();
        assert_eq!(
            described["association"]["roleArn"],
            json!(role_arn(&bed, &account.role))
        );
        assert_eq!(association["namespace"], json!(account.namespace));
    }
    assert_eq!(by_token(&bed, &accounts), names(&accounts));
    bed.forget_calls();
    bed.run(&MIGRATE).ended(0).says("No changes.");
    assert_eq!(bed.writes(), []);

    // Pods run with the annotation: nothing of it goes.
    let remove = [&MIGRATE[..], &["--remove-irsa"]].concat();
    bed.run(&remove).ended(0).says("stays until then");
    assert_eq!(bed.writes(), []);
    assert_eq!(by_token(&bed, &accounts), names(&accounts));

    // All but one are restarted; the one shares its role with `sa-01`, which goes alone.
    for account in &accounts[1..] {
        restart(&bed, account, &BY_ASSOCIATION);
    }
    bed.run(&remove).ended(0);
    assert_eq!(by_token(&bed, &accounts), ["sa-00"]);
    assert!(sts_gives(&bed, &token_of(&bed, &other, shared), SHARED));

    restart(&bed, &accounts[0], &BY_ASSOCIATION);
    bed.run(&remove).ended(0);
    assert!(by_token(&bed, &accounts).is_empty());
    for account in &accounts {
        let found = bed.service_account(account.namespace, &account.name).unwrap();
        assert!(!annotations(&found).contains_key(ROLE_ANNOTATION), "{found}");
        assert_eq!(annotations(&found)["owner"], "payments");
        assert!(labels(&found).is_empty(), "{found}");
    }

    // What lets the second cluster and GitHub in is there to the letter, and STS still goes by it.
    assert!(sts_gives(&bed, &token_of(&bed, &other, shared), SHARED));
    let after = statements(&bed, SHARED);
    assert_eq!(after[..2], before[1..]);
    assert_eq!(after.len(), 3);
    bed.run(&remove).ended(0).says("nothing to migrate");
}
