//! Which credentials pods get, over facts that are made up.

use std::{collections::BTreeMap, sync::Arc};

use serde_json::json;

use super::*;
use crate::{
    diagnosis::authorization::{LinkState, Verdict},
    live::Agent,
    ports::{
        aws::{PodIdentityAssociation, Role},
        kubernetes::{Pod as RunningPod, PodPlace},
    },
};
use eksact_identity::{
    authn::irsa::{self, Account, Chain, InFile, Provider},
    iam::{Partition, pod_identity::PodIdentity},
};
use said::Source;

const ANNOTATED: &str = "arn:aws:iam::111122223333:role/annotated";
const ASSOCIATED: &str = "arn:aws:iam::111122223333:role/associated";
const CLUSTER: &str = "arn:aws:eks:eu-west-1:111122223333:cluster/prod";
const ISSUER: &str = "oidc.eks.eu-west-1.amazonaws.com/id/ABC";

fn key() -> ServiceAccountKey {
    ServiceAccountKey::new("app", "web")
}

fn associated_role(trust_policy: serde_json::Value) -> Role {
    Role {
        name: "associated".to_owned(),
        arn: ASSOCIATED.to_owned(),
        id: String::new(),
        path: "/".to_owned(),
        trust_policy,
        managed_policy_arns: Vec::new(),
        inline_policies: BTreeMap::new(),
        max_session_seconds: None,
        permissions_boundary: None,
        tags: BTreeMap::new(),
    }
}

/// A cluster in which both ways work as far as they are used: an annotation, and an association where there shall be one.
fn question(is_annotated: bool, is_associated: bool) -> PodQuestion {
    let annotations: BTreeMap<String, String> =
        Vec::from_iter(is_annotated.then(|| (irsa::ROLE_ANNOTATION.to_owned(), ANNOTATED.to_owned())))
            .into_iter()
            .collect();
    let provider = format!("arn:aws:iam::111122223333:oidc-provider/{ISSUER}");
    let equal = json!({
        format!("{ISSUER}:sub"): "system:serviceaccount:app:web", format!("{ISSUER}:aud"): "sts.amazonaws.com"
    });
    let trust = json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Action": "sts:AssumeRoleWithWebIdentity", "Principal": {"Federated": provider},
        "Condition": {"StringEquals": equal}
    }]});
    let key = key();
    let identity = PodIdentity {
        cluster_arn: CLUSTER,
        account: &key,
        has_session_tags: true,
    };
    let association = PodIdentityAssociation {
        id: "a-1".to_owned(),
        role_arn: ASSOCIATED.to_owned(),
        ..PodIdentityAssociation::default()
    };
    let role = associated_role(identity.trust_policy());
    PodQuestion {
        account: key.clone(),
        pod: None,
        region: Some("eu-west-1".to_owned()),
        annotations: Ok(Some(annotations.clone())),
        cluster: Some(InCluster {
            name: "prod".to_owned(),
            arn: CLUSTER.to_owned(),
            region: "eu-west-1".to_owned(),
            association: Ok(is_associated.then_some(association)),
            associated_role: Ok(Some(Arc::new(role))),
            agent: Ok(Agent::AutoMode),
            chain: Chain {
                cluster: "prod".to_owned(),
                region: "eu-west-1".to_owned(),
                account: "111122223333".to_owned(),
                partition: Partition::Aws,
                issuer: Some(format!("https://{ISSUER}")),
                api_issuer: None,
                namespace: key.namespace.clone(),
                name: key.name.clone(),
                service_account: Ok(Some(Account { annotations })),
                provider: Ok(Some(Provider {
                    audiences: vec!["sts.amazonaws.com".to_owned()],
                    thumbprints: Vec::new(),
                })),
                certificates: None,
                role: Ok(Some(irsa::Role {
                    arn: ANNOTATED.to_owned(),
                    trust_policy: trust,
                    tags: BTreeMap::new(),
                })),
                pods: Ok(Vec::new()),
                token: None,
                trial: None,
                in_file: InFile::NoFile,
                now: None,
            },
            running: Ok(Vec::new()),
        }),
    }
}

fn in_cluster(question: &mut PodQuestion) -> &mut InCluster {
    question.cluster.as_mut().unwrap()
}

/// Source and role of the first container, the answer, and the links that do not hold.
fn short(question: &PodQuestion) -> (Source, Option<String>, Verdict, Vec<&'static str>) {
    let explained = explain(question);
    let open = explained.links.iter().filter(|link| link.state != LinkState::Ok);
    let credentials = &explained.containers[0].credentials;
    (
        credentials.source,
        credentials.role_arn.clone(),
        explained.answer,
        open.map(|link| link.link).collect(),
    )
}

#[test]
fn association_wins_the_annotation_counts_without_one_and_else_the_node() {
    let role = |arn: &str| Some(arn.to_owned());
    assert_eq!(
        short(&question(true, true)),
        (Source::Association, role(ASSOCIATED), Verdict::Yes, vec![])
    );
    assert_eq!(
        short(&question(true, false)),
        (Source::WebIdentity, role(ANNOTATED), Verdict::Yes, vec![])
    );
    assert_eq!(
        short(&question(false, false)),
        (Source::Node, None, Verdict::No, vec!["annotation"])
    );
    // What could not be read is never a no.
    let mut unread = question(true, false);
    in_cluster(&mut unread).association = Err("denied".to_owned());
    assert_eq!(
        short(&unread),
        (
            Source::WebIdentity,
            role(ANNOTATED),
            Verdict::Depends,
            vec!["association"]
        )
    );
}

#[test]
fn association_needs_agent_and_trust() {
    let broken = |change: &dyn Fn(&mut InCluster)| {
        let mut question = question(false, true);
        change(in_cluster(&mut question));
        let explained = explain(&question);
        let mut links = explained
            .links
            .into_iter()
            .filter(|link| link.state == LinkState::Broken);
        let codes: Vec<String> = explained
            .findings
            .iter()
            .map(|finding| finding.code.to_string())
            .collect();
        (links.next().map(|link| link.link), codes)
    };
    let trust = |document: serde_json::Value| {
        move |cluster: &mut InCluster| {
            cluster.associated_role = Ok(Some(Arc::new(associated_role(document.clone()))));
        }
    };
    let refuses = (Some("trust policy"), vec!["trust-refuses".to_owned()]);
    let without_tags = json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "pods.eks.amazonaws.com"}
    }]});
    assert_eq!(broken(&trust(without_tags)), refuses);
    assert_eq!(
        broken(&trust(json!({"Version": "2012-10-17", "Statement": []}))),
        refuses
    );
    assert_eq!(
        broken(&|cluster| cluster.agent = Ok(Agent::Missing)),
        (Some("agent"), vec!["pod-identity-agent-missing".to_owned()])
    );
    assert_eq!(
        broken(&|cluster| cluster.associated_role = Ok(None)),
        (Some("role"), vec!["role-missing".to_owned()])
    );
}

/// A pod of one container with these variables, which runs somewhere.
fn runs(name: &str, role: Option<&str>, variables: &[&str], place: Option<PodPlace>) -> RunningPod {
    let web = "web".to_owned();
    RunningPod {
        namespace: "app".to_owned(),
        name: name.to_owned(),
        service_account: "web".to_owned(),
        phase: "Running".to_owned(),
        controller: Some("deployment/web".to_owned()),
        role_arns: role
            .map(|role| (web.clone(), role.to_owned()))
            .into_iter()
            .collect(),
        credential_variables: [(web, variables.iter().map(ToString::to_string).collect())].into(),
        place,
    }
}

#[test]
fn pods_that_run_keep_what_they_have() {
    const TOKEN: [&str; 2] = ["AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE"];
    const AGENT: [&str; 1] = ["AWS_CONTAINER_CREDENTIALS_FULL_URI"];
    let said = |question: &mut PodQuestion, pod: RunningPod| {
        in_cluster(question).running = Ok(vec![pod]);
        let explained = explain(question);
        let warned = explained
            .findings
            .iter()
            .any(|finding| finding.code == "pods-differ");
        let mut running = explained.running.unwrap();
        let pod = running.remove(0);
        assert_eq!(warned, !pod.is_as_next);
        (pod.containers[0].credentials.source, pod.is_as_next)
    };
    let mut by_token = question(true, false);
    let old = "arn:aws:iam::111122223333:role/old";
    for (pod, expected) in [
        (
            runs("web-1", Some(ANNOTATED), &TOKEN, None),
            (Source::WebIdentity, true),
        ),
        (
            runs("web-1", Some(old), &TOKEN, None),
            (Source::WebIdentity, false),
        ),
        (runs("web-1", None, &[], None), (Source::Node, false)),
        (
            runs("web-1", Some(ANNOTATED), &["AWS_ROLE_ARN"], None),
            (Source::Node, false),
        ),
        (
            runs(
                "web-1",
                Some(ANNOTATED),
                &[TOKEN[0], TOKEN[1], "AWS_ACCESS_KEY_ID"],
                None,
            ),
            (Source::Keys, false),
        ),
        // Of an association that is gone.
        (runs("web-1", None, &AGENT, None), (Source::None, false)),
        (
            runs("web-1", None, &[], Some(PodPlace::Fargate)),
            (Source::None, false),
        ),
    ] {
        assert_eq!(said(&mut by_token, pod.clone()), expected, "{pod:?}");
    }
    let mut by_association = question(true, true);
    for (pod, expected) in [
        (runs("web-1", None, &AGENT, None), (Source::Association, true)),
        (
            runs("web-1", Some(ANNOTATED), &TOKEN, None),
            (Source::WebIdentity, false),
        ),
        (
            runs("web-1", None, &AGENT, Some(PodPlace::Fargate)),
            (Source::None, false),
        ),
    ] {
        assert_eq!(said(&mut by_association, pod.clone()), expected, "{pod:?}");
    }
}

fn with_pod(text: &str, is_associated: bool) -> PodExplanation {
    let read = manifests(text).unwrap();
    let mut question = question(true, is_associated);
    question.pod = read.pod.map(|(_, pod)| pod);
    explain(&question)
}

#[test]
fn pod_of_a_file_is_judged_container_by_container() {
    let explained = with_pod(
        "kind: Deployment
spec:
  template:
    metadata:
      annotations: {eks.amazonaws.com/skip-containers: proxy}
    spec:
      serviceAccountName: web
      containers:
      - name: web
      - name: proxy
      - {name: own, env: [{name: AWS_ROLE_ARN, value: x}]}
      - {name: keys, env: [{name: AWS_ACCESS_KEY_ID, valueFrom: {}}, {name: AWS_SECRET_ACCESS_KEY, valueFrom: {}}]}
      - {name: more, envFrom: [{secretRef: {name: aws}}]}
",
        false,
    );
    let sources: Vec<Source> = explained
        .containers
        .iter()
        .map(|container| container.credentials.source)
        .collect();
    let (role, node) = (Source::WebIdentity, Source::Node);
    assert_eq!(sources, [role, node, node, Source::Keys, role]);
    let codes: Vec<&str> = explained
        .findings
        .iter()
        .map(|finding| finding.code.as_str())
        .collect();
    assert_eq!(
        codes,
        ["container-credentials", "token-file-missing", "static-keys-win"]
    );
    assert_eq!(explained.answer, Verdict::No);
    assert!(explained.containers[4].credentials.says.contains("unless"));
    assert_eq!(explained.patch.unwrap().len(), 2);
}

#[test]
fn label_keeps_the_webhook_away_and_windows_the_agent() {
    let pod = |metadata: &str, spec: &str, is_associated| {
        let text = format!("kind: Pod\nmetadata: {metadata}\nspec: {{containers: [{{name: web}}]{spec}}}\n");
        let explained = with_pod(&text, is_associated);
        let speaks_of_patch = explained.notes.iter().any(|note| note.contains("the patch"));
        assert_eq!(
            speaks_of_patch,
            explained.patch.is_some(),
            "{:?}",
            explained.notes
        );
        let code = explained.findings[0].code;
        (code.to_string(), explained.patch.is_some())
    };
    let labels = "{labels: {eks.amazonaws.com/skip-pod-identity-webhook: ''}}";
    assert_eq!(pod(labels, "", false), ("webhook-skipped".to_owned(), false));
    let windows = ", nodeSelector: {kubernetes.io/os: windows}";
    assert_eq!(pod("{}", windows, true), ("pod-identity-place".to_owned(), true));
}

#[test]
fn manifests_are_found_in_files() {
    let text = "kind: ServiceAccount\nmetadata: {name: web, annotations: {a: b}}\n---\nkind: List\nitems:\n- kind: Secret\n- \
                kind: CronJob\n  metadata: {namespace: app}\n  spec: {jobTemplate: {spec: {template: {spec: {serviceAccount: web}}}}}\n";
    let read = manifests(text).unwrap();
    let (namespace, pod) = read.pod.clone().unwrap();
    assert_eq!(
        (namespace.as_deref(), pod.service_account.as_deref()),
        (Some("app"), Some("web"))
    );
    assert_eq!(read.account(&key()).unwrap()["a"], "b");
    let wrong = |text: &str| manifests(text).unwrap_err().to_string();
    let twice = "kind: Pod\nspec: {}\n---\nkind: Pod\nspec: {}\n";
    assert_eq!(
        wrong(twice),
        "it has more than one pod or workload; a second one begins on line 4"
    );
    assert_eq!(
        wrong("kind: Pod\nspec: {containers: [{env: [{name: A, value: 1}]}]}\n"),
        "the manifest of the Pod on line 1: invalid type: integer `1`, expected a string"
    );
    assert!(wrong("kind: [").contains(", column "));
}
