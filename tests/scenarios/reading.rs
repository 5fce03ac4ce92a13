//! What planning reads: few calls for many accounts, others where the bulk ones are denied, and a finding that names the
//! missing permission where nothing else helps.

use eksact_core::{engine::Severity, kinds::Request, ports::CallErrorKind};
use eksact_simulator::{Fault, Matching, Rule, Sandbox};

use crate::scenarios::stage::{
    applied, apply, assert_settled, cluster, file, fresh_world, plan, request, sandbox, summary, try_plan,
};

fn accounts(count: usize) -> String {
    let accounts: Vec<String> = (0..count)
        .map(|number| {
            format!(
                "metadata: {{name: account-{number}, namespace: team-{}}}\n\
                 attachPolicyARNs: ['arn:aws:iam::aws:policy/ReadOnlyAccess']",
                number % 10
            )
        })
        .collect();
    file(&accounts.iter().map(String::as_str).collect::<Vec<_>>())
}

#[tokio::test(start_paused = true)]
async fn thousand_service_accounts_cost_few_calls() {
    let mut world = fresh_world();
    world.quotas.roles = 2000;
    let bed = sandbox(world);
    let wanted = request(&accounts(1000));
    apply(&bed, &wanted).await;
    bed.faults().forget_calls();
    assert_settled(&bed, &wanted, "a thousand accounts").await;
    let calls = bed.faults().calls();
    let (kubernetes, aws): (Vec<_>, Vec<_>) = calls.iter().partition(|call| call.service == "kubernetes");
    assert!(aws.len() <= 60, "{} AWS calls", aws.len());
    assert!(kubernetes.len() <= 2, "{} Kubernetes calls", kubernetes.len());
}

/// Roles that the file attaches are read with all others: in bulk where there are many, each once.
#[tokio::test(start_paused = true)]
async fn attached_roles_cost_no_call_of_their_own() {
    let attached = |count: usize| {
        let accounts: Vec<String> = (0..count)
            .map(|number| {
                let role = format!("arn:aws:iam::111122223333:role/given-{}", number % 40);
                format!("metadata: {{name: account-{number}, namespace: app}}\nattachRoleARN: '{role}'")
            })
            .collect();
        request(&file(&accounts.iter().map(String::as_str).collect::<Vec<_>>()))
    };
    let (bed, _) = applied(&file(&[
        "metadata: {name: web, namespace: app}\nattachPolicyARNs: ['arn:aws:iam::aws:policy/ReadOnlyAccess']",
    ]))
    .await;
    bed.edit(|world| {
        let role = world.roles.values().next().unwrap().clone();
        for number in 0..40 {
            let mut given = role.clone();
            given.name = format!("given-{number}");
            given.arn = format!("arn:aws:iam::111122223333:role/given-{number}");
            world.roles.insert(given.name.clone(), given);
        }
    })
    .unwrap();
    bed.faults().forget_calls();
    let planned = plan(&bed, &attached(400)).await;
    let warnings = planned.findings_of(Severity::Warning);
    assert_eq!(
        warnings
            .filter(|finding| finding.code == "attached-role-refuses")
            .count(),
        400
    );
    let calls = bed.faults().calls();
    let iam = calls.iter().filter(|call| call.service == "iam").count();
    assert!(iam <= 5, "{iam} IAM calls");

    // What may not be read is neither yes nor no.
    bed.edit(|world| {
        for call in ["iam:GetRole", "iam:GetAccountAuthorizationDetails"] {
            world.denied.insert(call.to_owned());
        }
    })
    .unwrap();
    let planned = plan(&bed, &attached(2)).await;
    let notes: Vec<_> = planned.findings_of(Severity::Note).collect();
    assert_eq!(notes.len(), 2, "{}", summary(&planned));
    for note in notes {
        assert_eq!(note.code, "attached-role-unknown");
        assert!(
            note.message
                .contains("depends on its trust policy, which could not be read"),
            "{note:?}"
        );
        assert!(note.help.as_deref().unwrap().contains("iam:GetRole"), "{note:?}");
    }
    // A role of another account, and one that only the file's author sees.
    let foreign = request(&file(&[
        "metadata: {name: web, namespace: app}\nattachRoleARN: 'arn:aws:iam::444455556666:role/given'",
    ]));
    let planned = plan(&bed, &foreign).await;
    let codes: Vec<&str> = planned
        .findings
        .iter()
        .map(|finding| finding.code.as_str())
        .collect();
    assert_eq!(codes, ["attached-role-unknown"], "{}", summary(&planned));
}

#[tokio::test(start_paused = true)]
async fn few_service_accounts_of_a_large_account_are_read_one_by_one() {
    let mut world = fresh_world();
    world.quotas.roles = 20_000;
    let bed = sandbox(world);
    let wanted = request(&accounts(7));
    apply(&bed, &wanted).await;
    bed.edit(|world| {
        let role = world.roles.values().next().unwrap().clone();
        for number in 0..10_000 {
            let mut other = role.clone();
            other.name = format!("other-{number}");
            world.roles.insert(other.name.clone(), other);
        }
    })
    .unwrap();
    bed.faults().forget_calls();
    assert_settled(&bed, &wanted, "seven accounts").await;
    assert_eq!(bed.faults().count("GetAccountAuthorizationDetails"), 0);
    assert_eq!(bed.faults().count("GetRole"), 7);
}

/// Denies the caller an action, AWS's by its permission, Kubernetes' by verb and resource.
fn deny(bed: &Sandbox, what: &str) {
    bed.edit(|world| {
        if what.contains(':') {
            world.denied.insert(what.to_owned());
        } else {
            cluster(world).denied.insert(what.to_owned());
        }
    })
    .unwrap();
}

#[tokio::test(start_paused = true)]
async fn denied_bulk_call_is_replaced_by_others() {
    for denied in [
        vec!["iam:GetAccountAuthorizationDetails"],
        vec!["iam:GetAccountSummary"],
        vec!["iam:GetAccountSummary", "iam:GetAccountAuthorizationDetails"],
        vec!["list namespaces"],
        vec!["list serviceaccounts"],
        vec!["sts:GetCallerIdentity"],
    ] {
        let (bed, wanted) = applied(&accounts(30)).await;
        for what in &denied {
            deny(&bed, what);
        }
        bed.edit(|world| {
            for role in world.roles.values_mut() {
                role.permissions_boundary = Some("arn:aws:iam::aws:policy/PowerUserAccess".to_owned());
            }
        })
        .unwrap();
        let found = plan(&bed, &wanted).await;
        assert_eq!(
            found.changes.len(),
            30,
            "{denied:?}: every role is read all the same\n{}",
            summary(&found)
        );
        assert_eq!(
            found.findings_of(Severity::Error).count(),
            0,
            "{denied:?}: {}",
            summary(&found)
        );
        apply(&bed, &wanted).await;
        assert_settled(&bed, &wanted, &format!("{denied:?}")).await;
    }
}

/// What cannot be read in any other way is told, with the permission that is missing, and nothing is made up for it.
#[tokio::test(start_paused = true)]
async fn denied_call_names_its_permission() {
    let table = [
        ("cloudformation:DescribeStacks", "stacks-unreadable"),
        ("cloudformation:GetTemplate", "template-unreadable"),
        ("iam:GetRole", "role-unreadable"),
        ("iam:ListAttachedRolePolicies", "role-unreadable"),
        ("iam:GetOpenIDConnectProvider", "unreadable"),
        ("get serviceaccounts", "service-account-unreadable"),
    ];
    for (denied, code) in table {
        let (bed, wanted) = drifted().await;
        deny(&bed, denied);
        let found = plan(&bed, &wanted).await;
        let errors: Vec<_> = found.findings_of(Severity::Error).collect();
        assert!(!errors.is_empty(), "{denied}: {}", summary(&found));
        for finding in errors {
            assert_eq!(finding.code, code, "{denied}: {finding:?}");
            let told = format!(
                "{} {}",
                finding.message,
                finding.help.as_deref().unwrap_or_default()
            );
            let permission = denied.rsplit(' ').next().unwrap();
            assert!(told.contains(permission), "{denied}: {told}");
        }
        let about_roles = denied.contains(':');
        assert!(
            !about_roles
                || found
                    .changes
                    .iter()
                    .all(|change| change.address.kind() != "iam-role"),
            "{denied}: {}",
            summary(&found)
        );
    }
    let bed = sandbox(fresh_world());
    deny(&bed, "eks:DescribeCluster");
    let error = try_plan(&bed, &request(&accounts(1))).await.unwrap_err();
    assert_eq!(error.missing_permission().as_deref(), Some("eks:DescribeCluster"));
}

/// Two accounts whose roles were changed by hand.
async fn drifted() -> (Sandbox, Request) {
    let (bed, wanted) = applied(&accounts(2)).await;
    bed.edit(|world| {
        for role in world.roles.values_mut() {
            role.managed_policy_arns.clear();
        }
    })
    .unwrap();
    (bed, wanted)
}

#[tokio::test(start_paused = true)]
async fn issuer_that_cannot_be_reached_stops_only_the_provider() {
    let bed = sandbox(fresh_world());
    let unreachable = Fault::ErrorBefore(CallErrorKind::Unreachable);
    bed.faults()
        .add(Rule::once(Matching::Action("Connect".to_owned()), 1, unreachable));
    let wanted = request(&accounts(1));
    let found = plan(&bed, &wanted).await;
    let codes: Vec<_> = found
        .findings_of(Severity::Error)
        .map(|finding| finding.code.as_str())
        .collect();
    assert_eq!(codes, ["issuer-unreachable"], "{}", summary(&found));
    let mut by_iam = wanted.clone();
    by_iam.settings.thumbprint = eksact_core::kinds::request::ThumbprintSource::Iam;
    assert!(
        plan(&bed, &by_iam)
            .await
            .findings_of(Severity::Error)
            .next()
            .is_none()
    );
}
