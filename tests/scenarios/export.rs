//! A cluster as a file: a plan over it is empty, whatever the world; what the file does not have is said; and a file that was
//! applied comes back.

mod laws;

use std::collections::BTreeMap;

use eksact_core::{
    config::{self, cluster_access::MappingSubject},
    engine::Severity,
    export::{ExportError, Exported, export},
    kinds::{Request, request::Settings},
    live::LiveReader,
    ports::{
        CallErrorKind,
        aws::{AccessEntry, AccessPolicy, OidcProvider},
    },
};
use eksact_simulator::{Fault, Matching, Rule, Sandbox};
use serde_json::json;

use crate::scenarios::{
    access::write,
    recorded_world::recorded_world,
    shared_roles,
    stage::{CLUSTER, REGION, apply, cluster, file, fresh_world, plan, pruning, request, sandbox, summary},
};

async fn exported_of(bed: &Sandbox, cluster: &str) -> Exported {
    let reader = LiveReader::begin(bed.readers(), cluster).await.unwrap();
    export(&reader, &Settings::default()).await.unwrap()
}

/// The file of a cluster is right, where everything can be read.
pub(crate) async fn exports(bed: &Sandbox, cluster: &str) {
    let reader = LiveReader::begin(bed.readers(), cluster).await.unwrap();
    match export(&reader, &Settings::default()).await {
        Err(ExportError::Unread(_)) => {}
        Err(error) => panic!("{error}"),
        Ok(exported) => assert_settles(bed, &exported).await,
    }
}

async fn assert_settles(bed: &Sandbox, exported: &Exported) {
    let request = request(&exported.text);
    let planned = plan(bed, &request).await;
    let refused = planned
        .findings
        .iter()
        .any(|finding| matches!(finding.severity, Severity::Error | Severity::Refusal));
    assert!(
        !planned.has_changes() && !refused,
        "{}\n{}",
        exported.text,
        summary(&planned)
    );
    // Nothing goes unnamed with --prune either.
    let pruned = plan(bed, &pruning(request)).await;
    for change in &pruned.changes {
        assert!(
            exported
                .left_out
                .iter()
                .any(|left_out| left_out.name.contains(change.address.name())),
            "--prune would change {}\n{}",
            change.address,
            exported.text
        );
    }
}

/// The file of a cluster, over which a plan has nothing to do and nothing to complain about.
async fn settled_of(bed: &Sandbox, cluster: &str) -> (Exported, Request) {
    let writes = bed.faults().writes().len();
    let exported = exported_of(bed, cluster).await;
    assert_eq!(bed.faults().writes().len(), writes, "exporting writes nothing");
    assert_settles(bed, &exported).await;
    let request = request(&exported.text);
    for left_out in &exported.left_out {
        let words: Vec<&str> = left_out.name.split_whitespace().collect();
        assert!(
            exported.text.contains(&words.join(" ")),
            "{left_out:?} is not in\n{}",
            exported.text
        );
    }
    (exported, request)
}

async fn settled(bed: &Sandbox) -> (Exported, Request) {
    settled_of(bed, CLUSTER).await
}

/// A sandbox in which the file was applied, and what is exported from it.
async fn round_trip(bed: Sandbox, text: &str) -> Exported {
    let wanted = request(text);
    apply(&bed, &wanted).await;
    let (exported, _) = settled(&bed).await;
    exported
}

fn with_sections(sections: &str) -> String {
    format!(
        "apiVersion: eksctl.io/v1alpha5\nkind: ClusterConfig\nmetadata: {{name: {CLUSTER}, region: {REGION}}}\n{sections}"
    )
}

#[tokio::test(start_paused = true)]
async fn export_of_what_eksctl_made_is_its_file_again() {
    let bed = sandbox(recorded_world());
    let (exported, _) = settled_of(&bed, "bench").await;
    insta::assert_snapshot!(exported.text);
}

#[tokio::test(start_paused = true)]
async fn exported_access_comes_back_as_it_was_applied() {
    let text = with_sections(
        "accessConfig:\n  accessEntries:\n\
         \x20   - {principalARN: 'arn:aws:iam::444455556666:role/dev', kubernetesGroups: [readers, devs], kubernetesUsername: 'dev:{{SessionName}}'}\n\
         \x20   - principalARN: arn:aws:iam::444455556666:role/ops\n\
         \x20     accessPolicies:\n\
         \x20       - policyARN: arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy\n\
         \x20         accessScope: {type: namespace, namespaces: [ops, 'dev-*']}\n\
         \x20       - {policyARN: 'arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy', accessScope: {type: cluster}}\n\
         iamIdentityMappings:\n\
         \x20 - {arn: 'arn:aws:iam::444455556666:role/ci', username: 'ci:{{SessionName}}', groups: [deployers]}\n\
         \x20 - {account: '555566667777'}\n\
         identityProviders:\n\
         \x20 - {type: oidc, name: dex, issuerURL: 'https://dex.example.com', clientID: kubernetes, usernameClaim: email, groupsClaim: groups, requiredClaims: {team: platform}}\n\
         ---\napiVersion: eksact.dev/v1alpha1\nkind: ClusterAccess\n\
         groups:\n\
         \x20 - name: deployers\n\
         \x20   bindings:\n\
         \x20     - {clusterRole: edit, namespaces: [kube-system, default]}\n\
         \x20     - {rules: [{apiGroups: [apps], resources: [deployments], verbs: [get, list]}]}\n\
         \x20 - {name: devs, bindings: [{clusterRole: view}]}\n",
    );
    let exported = round_trip(sandbox(fresh_world()), &text).await;
    insta::assert_snapshot!(exported.text);
}

/// By the name of the service, with the namespaces of its objects; by its ARN where they are not as they are made.
#[tokio::test(start_paused = true)]
async fn exported_service_of_emr_is_named_by_its_service() {
    let text = with_sections(
        "iamIdentityMappings:\n\
         \x20 - {serviceName: emr-containers, namespace: default}\n\
         \x20 - {serviceName: emr-containers, namespace: kube-public}\n",
    );
    let bed = sandbox(fresh_world());
    let exported = round_trip(bed.clone(), &text).await.text;
    for namespace in ["default", "kube-public"] {
        let item = format!("serviceName: emr-containers\n    namespace: {namespace}\n");
        assert!(exported.contains(&item), "{exported}");
    }
    assert!(
        !exported.contains("AWSServiceRoleForAmazonEMRContainers"),
        "{exported}"
    );

    bed.edit(|world| cluster(world).rbac_roles.retain(|key, _| !key.contains("emr")))
        .unwrap();
    let exported = exported_of(&bed, CLUSTER).await.text;
    assert!(
        exported.contains("AWSServiceRoleForAmazonEMRContainers"),
        "{exported}"
    );
}

#[tokio::test(start_paused = true)]
async fn exported_pod_identity_comes_back_as_it_was_applied() {
    let text = with_sections(
        "iam:\n  podIdentityAssociations:\n\
         \x20   - {namespace: app, serviceAccountName: own, permissionPolicyARNs: ['arn:aws:iam::aws:policy/ReadOnlyAccess'], tags: {team: a}}\n\
         \x20   - namespace: app\n\
         \x20     serviceAccountName: inline\n\
         \x20     wellKnownPolicies: {certManager: true}\n\
         \x20     roleName: inline-reader\n\
         \x20     permissionPolicy: {Version: '2012-10-17', Statement: [{Effect: Allow, Action: ['s3:GetObject'], Resource: '*'}]}\n\
         \x20     permissionsBoundaryARN: arn:aws:iam::aws:policy/PowerUserAccess\n\
         \x20     disableSessionTags: true\n",
    );
    let bed = sandbox(fresh_world());
    bed.edit(|world| cluster(world).cluster.auto_mode = true).unwrap();
    let exported = round_trip(bed, &text).await;
    insta::assert_snapshot!(exported.text);
}

#[tokio::test(start_paused = true)]
async fn exported_shared_roles_come_back_as_they_were_applied() {
    let bed = sandbox(shared_roles::world(&["blue", "green"]));
    let wanted = |name: &str| {
        request(&format!(
            "apiVersion: eksctl.io/v1alpha5\nkind: ClusterConfig\nmetadata: {{name: {name}, region: us-west-2}}\n\
             iam:\n  withOIDC: true\n  serviceAccounts:\n    - {{metadata: {{name: orders, namespace: shop}}, attachRoleARN: \
             'arn:aws:iam::{}:role/{}'}}\n---\napiVersion: eksact.dev/v1alpha1\nkind: ClusterAccess\nsharedRoles:\n  - roleName: {}\n",
            shared_roles::ACCOUNT,
            shared_roles::ROLE,
            shared_roles::ROLE
        ))
    };
    for name in ["blue", "green"] {
        apply(&bed, &wanted(name)).await;
    }
    let (exported, _) = settled_of(&bed, "blue").await;
    insta::assert_snapshot!(exported.text);
}

/// What is EKS's or a stack's own is named and not in the file; so are lines that let nobody in.
#[tokio::test(start_paused = true)]
async fn export_names_what_is_not_its_own() {
    let bed = sandbox(fresh_world());
    write(
        &bed,
        "mapRoles",
        Some(
            "- rolearn: arn:aws:iam::444455556666:role/dev\n  username: first\n- rolearn: arn:aws:iam::444455556666:role/dev\n  \
             username: second\n  groups: [devs]\n- username: nobody\n",
        ),
    );
    bed.edit(|world| {
        let entry = |name: &str, entry_type: &str, stack: Option<&str>| AccessEntry {
            principal_arn: format!("arn:aws:iam::111122223333:role/{name}"),
            username: "arn:aws:sts::111122223333:assumed-role/x/{{SessionName}}".to_owned(),
            entry_type: entry_type.to_owned(),
            policies: Vec::from_iter((entry_type == "STANDARD").then(|| AccessPolicy {
                arn: "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy".to_owned(),
                namespaces: None,
            })),
            tags: stack
                .map(|stack| ("aws:cloudformation:stack-name".to_owned(), stack.to_owned()))
                .into_iter()
                .collect(),
            ..AccessEntry::default()
        };
        let entries = [
            entry(
                "aws-service-role/eks.amazonaws.com/AWSServiceRoleForAmazonEKS",
                "STANDARD",
                None,
            ),
            entry("nodes", "EC2_LINUX", None),
            entry("of-a-stack", "STANDARD", Some("network")),
            entry("gone", "STANDARD", None),
        ];
        let entries = entries.map(|entry| (entry.principal_arn.clone(), entry));
        cluster(world).eks.access_entries.extend(entries);
    })
    .unwrap();
    let (exported, _) = settled(&bed).await;
    insta::assert_snapshot!(exported.text);
}

/// What others wrote stands in comments, and ends no line of them.
#[tokio::test(start_paused = true)]
async fn exported_comments_are_comments_whatever_stands_in_them() {
    let bed = sandbox(fresh_world());
    bed.edit(|world| {
        let entry = AccessEntry {
            principal_arn: "arn:aws:iam::111122223333:role/x\niamIdentityMappings:\r- {account: '1'}\u{2028}y".to_owned(),
            username: "x".to_owned(),
            entry_type: "EC2_LINUX".to_owned(),
            ..AccessEntry::default()
        };
        let entries = &mut cluster(world).eks.access_entries;
        entries.insert(entry.principal_arn.clone(), entry);
    })
    .unwrap();
    let exported = exported_of(&bed, CLUSTER).await;
    let loaded = config::load("exported", exported.text.as_bytes()).unwrap();
    let mappings = &loaded.config.access.identity_mappings;
    assert!(
        !mappings
            .iter()
            .any(|mapping| matches!(mapping.subject, MappingSubject::Account(_))),
        "{}",
        exported.text
    );
}

/// Each mode, and what aws-auth says then.
#[tokio::test(start_paused = true)]
async fn export_of_every_mode_is_settled() {
    for mode in ["CONFIG_MAP", "API_AND_CONFIG_MAP", "API"] {
        let bed = sandbox(fresh_world());
        bed.edit(|world| {
            cluster(world).cluster.authentication_mode = Some(mode.to_owned());
            if mode == "CONFIG_MAP" {
                cluster(world).eks.access_entries.clear();
            }
        })
        .unwrap();
        let (exported, request) = settled(&bed).await;
        assert!(
            exported.text.contains(&format!("authenticationMode: {mode}")),
            "{}",
            exported.text
        );
        let is_read = mode != "API";
        assert_eq!(
            request.config.access.identity_mappings.is_empty(),
            !is_read,
            "{}",
            exported.text
        );
        assert_eq!(exported.left_out.is_empty(), is_read, "{:?}", exported.left_out);
    }
}

/// A section of which the cluster reads nothing is said, and the other stays.
#[tokio::test(start_paused = true)]
async fn export_says_which_section_of_aws_auth_is_not_read() {
    let bed = sandbox(fresh_world());
    write(&bed, "mapUsers", Some("- userarn: [\n"));
    let (exported, _) = settled(&bed).await;
    assert!(
        exported
            .left_out
            .iter()
            .any(|left_out| left_out.name == "mapUsers"),
        "{exported:?}"
    );
}

/// Each listing once, each object once, however often the file is planned over before it is right.
#[tokio::test(start_paused = true)]
async fn export_reads_each_object_once() {
    let accounts: Vec<String> = (0..12)
        .map(|number| {
            format!("metadata: {{name: a{number}, namespace: app}}\nattachPolicyARNs: ['arn:aws:iam::aws:policy/ReadOnlyAccess']")
        })
        .collect();
    let accounts: Vec<&str> = accounts.iter().map(String::as_str).collect();
    let bed = sandbox(fresh_world());
    apply(&bed, &request(&file(&accounts))).await;
    bed.edit(|world| {
        // Two rounds: this one is left out, then the file is planned over again.
        let role = world
            .roles
            .values_mut()
            .find(|role| role.name.contains("a7"))
            .unwrap();
        role.managed_policy_arns.clear();
        role.trust_policy["Statement"][0]["Effect"] = json!("Deny");
    })
    .unwrap();
    let bed = bed.another_process();
    let exported = exported_of(&bed, CLUSTER).await;
    assert_eq!(exported.left_out.len(), 1, "{:?}", exported.left_out);
    let faults = bed.faults();
    for action in [
        "ListAccessEntries",
        "DescribeStacks",
        "ListPodIdentityAssociations",
        "ListIdentityProviderConfigs",
        "list serviceaccounts",
        "list rolebindings",
    ] {
        assert!(faults.count(action) <= 1, "{action}: {}", faults.count(action));
    }
    let calls = faults.calls().len();
    assert!(calls < 40, "{calls} calls: {:#?}", faults.calls());
}

/// A part of a cluster is never passed off as the whole.
#[tokio::test(start_paused = true)]
async fn export_of_what_cannot_be_read_whole_fails() {
    for action in [
        "ListAccessEntries",
        "DescribeStacks",
        "ListPodIdentityAssociations",
        "ListIdentityProviderConfigs",
    ] {
        let bed = sandbox(fresh_world());
        let refused = Fault::ErrorBefore(CallErrorKind::AccessDenied);
        bed.faults()
            .add(Rule::once(Matching::Action(action.to_owned()), 1, refused));
        let reader = LiveReader::begin(bed.readers(), CLUSTER).await.unwrap();
        assert!(export(&reader, &Settings::default()).await.is_err(), "{action}");
    }
}

/// Roles that people assume and policies come back as they were applied; what a hand changed is named and left out.
#[tokio::test(start_paused = true)]
async fn exported_roles_and_policies_come_back_as_they_were_applied() {
    const GITHUB: &str = "token.actions.githubusercontent.com";
    let text = with_sections(
        "---\napiVersion: eksact.dev/v1alpha1\nkind: ClusterAccess\n\
         policies:\n\
         \x20 - name: reports-read\n\
         \x20   path: /team/\n\
         \x20   description: What reports are read with\n\
         \x20   document: {Version: '2012-10-17', Statement: [{Effect: Allow, Action: 's3:GetObject', Resource: '*'}]}\n\
         roles:\n\
         \x20 - name: deployer\n\
         \x20   path: /people/\n\
         \x20   assumedBy:\n\
         \x20     users: [nina, 'arn:aws:iam::999900001111:user/team/eve']\n\
         \x20     accounts: ['222233334444']\n\
         \x20     mfa: true\n\
         \x20     sessionName: ${aws:username}\n\
         \x20     externalID: shop\n\
         \x20   policies: ['policy:reports-read']\n\
         \x20   inlinePolicy: {Version: '2012-10-17', Statement: [{Effect: Allow, Action: 'eks:DescribeCluster', Resource: '*'}]}\n\
         \x20   permissionsBoundary: arn:aws:iam::aws:policy/PowerUserAccess\n\
         \x20   maxSessionDuration: 7200\n\
         \x20   tags: {team: shop}\n\
         \x20 - name: release\n\
         \x20   assumedBy:\n\
         \x20     roles: ['role:deployer']\n\
         \x20     oidc:\n\
         \x20       - {provider: token.actions.githubusercontent.com, subjects: ['repo:acme/shop:*', 'repo:acme/web:ref:refs/heads/main']}\n\
         \x20       - {provider: token.actions.githubusercontent.com, audience: other, subjects: ['repo:acme/shop:*']}\n",
    );
    let mut world = fresh_world();
    let arn = format!("arn:aws:iam::{}:oidc-provider/{GITHUB}", world.account);
    let provider = OidcProvider {
        arn: arn.clone(),
        url: GITHUB.to_owned(),
        audiences: vec!["sts.amazonaws.com".to_owned(), "other".to_owned()],
        thumbprints: Vec::new(),
        tags: BTreeMap::new(),
    };
    world.oidc_providers.insert(arn, provider);
    let bed = sandbox(world);
    let exported = round_trip(bed.clone(), &text).await;
    assert_eq!(exported.left_out, []);
    insta::assert_snapshot!(exported.text);
    bed.edit(|world| {
        let statement = &mut world.roles.get_mut("release").unwrap().trust_policy["Statement"][0];
        statement["Principal"] = json!({"Service": "ec2.amazonaws.com"});
        let role = world.roles.get_mut("deployer").unwrap();
        role.trust_policy["Statement"][0]["Condition"]["IpAddress"] = json!({"aws:SourceIp": "192.0.2.0/24"});
    })
    .unwrap();
    let (exported, _) = settled(&bed).await;
    let left_out: Vec<&str> = exported
        .left_out
        .iter()
        .map(|left_out| left_out.name.as_str())
        .collect();
    assert_eq!(left_out, ["deployer", "release"]);
    assert!(exported.text.contains("name: reports-read"), "{}", exported.text);
}

/// A role that people assume and that is kept from the caller is named; of another cluster's nothing is asked.
#[tokio::test(start_paused = true)]
async fn export_names_the_assumed_roles_that_it_could_not_read() {
    let text = with_sections(
        "---\napiVersion: eksact.dev/v1alpha1\nkind: ClusterAccess\n\
         policies:\n\
         \x20 - name: reports-read\n\
         \x20   document: {Version: '2012-10-17', Statement: [{Effect: Allow, Action: 's3:GetObject', Resource: '*'}]}\n\
         roles:\n\
         \x20 - {name: deployer, assumedBy: {users: [nina]}}\n\
         \x20 - {name: release, assumedBy: {users: [nina]}}\n",
    );
    let bed = sandbox(fresh_world());
    apply(&bed, &request(&text)).await;
    bed.edit(|world| {
        let stacks = world.stacks.values_mut();
        for record in stacks.filter(|record| record.stack.name.contains("release")) {
            let tag = "alpha.eksctl.io/cluster-name".to_owned();
            record.stack.tags.insert(tag, "other".to_owned());
        }
    })
    .unwrap();
    let bed = bed.another_process();
    let refused = Fault::ErrorBefore(CallErrorKind::AccessDenied);
    bed.faults()
        .add(Rule::once(Matching::Action("GetRole".to_owned()), 1, refused));
    let exported = exported_of(&bed, CLUSTER).await;
    let [left_out] = exported.left_out.as_slice() else {
        panic!("{:?}", exported.left_out);
    };
    assert_eq!(left_out.name, "deployer");
    assert!(
        left_out.why.starts_with("its role could not be read: "),
        "{}",
        left_out.why
    );
    assert!(exported.text.contains("name: reports-read"), "{}", exported.text);
    let asked = bed.faults().calls();
    assert!(
        !asked
            .iter()
            .any(|call| call.action == "GetRole" && call.object == "release"),
        "{asked:#?}"
    );
}
