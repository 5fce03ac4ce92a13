//! What is read for a plan over entries: all pages, in bounded calls, and never half of it.

use eksact_core::{engine::Severity, ports::CallErrorKind, ports::aws::AccessEntry};
use eksact_simulator::{Fault, Matching, Rule};

use super::{NODE, codes, dev, entry, wanting, with_entries, world_with_roles};
use crate::scenarios::stage::{cluster, plan, sandbox, told_plan};

#[tokio::test(start_paused = true)]
async fn entries_of_three_pages_take_two_calls_each_and_those_of_nodes_one() {
    let entries: Vec<AccessEntry> = (0..250)
        .map(|number| {
            let mut entry = entry(
                &format!("arn:aws:iam::111122223333:role/of-{number:03}"),
                "x",
                &[],
            );
            if number % 2 == 0 {
                entry.entry_type = "EC2_LINUX".to_owned();
            }
            entry
        })
        .collect();
    let bed = with_entries(&entries);
    plan(&bed, &wanting(&[])).await;
    let count = |action| bed.faults().count(action);
    // The cluster's creator has one, too.
    assert_eq!(
        (
            count("ListAccessEntries"),
            count("DescribeAccessEntry"),
            count("ListAssociatedAccessPolicies")
        ),
        (3, 251, 126)
    );
}

#[tokio::test(start_paused = true)]
async fn reading_that_fails_in_the_middle_is_no_plan_over_a_part() {
    let entries: Vec<AccessEntry> = (0..20)
        .map(|number| {
            entry(
                &format!("arn:aws:iam::111122223333:role/of-{number:03}"),
                "x",
                &[],
            )
        })
        .collect();
    let bed = with_entries(&entries);
    bed.faults().add(Rule::once(
        Matching::Action("DescribeAccessEntry".to_owned()),
        10,
        Fault::ErrorBefore(CallErrorKind::Throttled),
    ));
    let planned = plan(&bed, &wanting(&[&dev("")])).await;
    assert_eq!(codes(&planned, Severity::Error), ["access-entries-unreadable"]);
    assert!(!planned.has_changes());
}

#[tokio::test(start_paused = true)]
async fn cluster_without_entries_is_one_finding_about_its_mode() {
    let mut world = world_with_roles();
    cluster(&mut world).cluster.authentication_mode = Some("CONFIG_MAP".to_owned());
    let bed = sandbox(world);
    let node = format!("principalARN: {NODE}\ntype: EC2_LINUX");
    let planned = plan(&bed, &wanting(&[&dev(""), &node])).await;
    assert_eq!(codes(&planned, Severity::Error), ["access-entry-mode"]);
    assert_eq!(planned.findings.len(), 1, "{:#?}", planned.findings);
    assert!(!planned.has_changes());
    assert_eq!(bed.faults().count("ListAccessEntries"), 0);
}

#[tokio::test(start_paused = true)]
async fn policy_that_eks_does_not_offer_is_told_with_the_nearest() {
    let bed = sandbox(world_with_roles());
    let wanted = |name: &str| {
        dev(&format!(
            "accessPolicies:\n- policyARN: arn:aws:eks::aws:cluster-access-policy/{name}\n  accessScope: {{type: cluster}}"
        ))
    };
    let planned = plan(&bed, &wanting(&[&wanted("AmazonEKSClusterAdmin")])).await;
    assert_eq!(codes(&planned, Severity::Error), ["access-policy-unknown"]);
    let help = planned.findings[0].help.as_deref().unwrap();
    assert!(help.contains("AmazonEKSClusterAdminPolicy"), "{help}");
    assert!(!planned.has_changes());
    let planned = plan(&bed, &wanting(&[&wanted("Zzz")])).await;
    assert_eq!(planned.findings[0].help, None);
}

#[tokio::test(start_paused = true)]
async fn scope_is_held_against_the_namespaces_that_there_are() {
    let mut world = world_with_roles();
    for name in ["dev-a", "dev-b"] {
        let namespace = eksact_core::ports::kubernetes::Namespace {
            name: name.to_owned(),
            terminating: false,
        };
        cluster(&mut world).namespaces.insert(name.to_owned(), namespace);
    }
    let bed = sandbox(world);
    let wanted = dev(
        "accessPolicies:\n- policyARN: arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy\n  accessScope: {type: namespace, namespaces: [default, 'dev-*', 'prod-*', nowhere]}",
    );
    let planned = plan(&bed, &wanting(&[&wanted])).await;
    let said: Vec<String> = planned
        .findings
        .iter()
        .map(|finding| format!("{:?} {}: {}", finding.severity, finding.code, finding.message))
        .collect();
    assert_eq!(
        said,
        [
            "Warning scope-matches-nothing: no namespace matches prod-*: EKS checks neither, and the access policy gives nothing there",
            "Warning scope-matches-nothing: there is no namespace nowhere: EKS checks neither, and the access policy gives nothing there",
            "Note scope-matches: dev-* matches today: dev-a, dev-b; a namespace that is made later and fits counts as well",
        ]
    );
    // Where the cluster does not answer, entries are planned all the same, and no scope is called wrong.
    bed.edit(|world| cluster(world).unreachable = true).unwrap();
    let planned = plan(&bed, &wanting(&[&wanted])).await;
    assert!(planned.has_changes());
    assert_eq!(codes(&planned, Severity::Warning), ["aws-auth-unreadable"]);
    assert_eq!(planned.findings.len(), 1, "{:#?}", planned.findings);
}

/// The entries come after the mode that has them, in one plan.
#[tokio::test(start_paused = true)]
async fn entries_come_after_the_mode_that_the_same_file_sets() {
    let mut world = world_with_roles();
    cluster(&mut world).cluster.authentication_mode = Some("CONFIG_MAP".to_owned());
    let bed = sandbox(world);
    let text = super::file(&[&dev("")]).replace(
        "accessConfig:\n",
        "accessConfig:\n  authenticationMode: API_AND_CONFIG_MAP\n",
    );
    let mut request = crate::scenarios::stage::request(&text);
    request
        .settings
        .allow
        .insert(eksact_core::guard::Guard::OneWayMode);
    let planned = crate::scenarios::stage::apply(&bed, &request).await;
    let kinds: Vec<&str> = planned.steps.iter().map(|step| step.address.kind()).collect();
    assert_eq!(kinds, ["authentication-mode", "access-entry"]);
    assert!(super::live(&bed, super::DEV).is_some());
    crate::scenarios::stage::assert_settled(&bed, &request, "after both").await;
}

/// What nothing reads in mode API is not missing where it cannot be read.
#[tokio::test(start_paused = true)]
async fn access_is_told_whole_where_nothing_reads_the_aws_auth_that_cannot_be_read() {
    let bed = sandbox(world_with_roles());
    let unread = async || {
        let told = told_plan(&bed, &wanting(&[&dev("")])).await.unwrap();
        told.access.unwrap().unread
    };
    let of_mode = |mode: &str| {
        bed.edit(|world| {
            cluster(world).unreachable = true;
            cluster(world).cluster.authentication_mode = Some(mode.to_owned());
        })
        .unwrap();
    };
    of_mode("API_AND_CONFIG_MAP");
    assert_eq!(unread().await, ["aws-auth, which could not be read"]);
    of_mode("API");
    assert_eq!(unread().await, [""; 0]);
}
