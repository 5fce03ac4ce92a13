//! What people see of plans.

use serde_json::json;

use super::*;
use crate::{
    engine::{AttributeChange, DifferenceSign, Finding},
    view::{samples, text::cells},
};
use eksact_identity::iam::trust::irsa_trust_policy;
use eksact_message::code::Code;

const FILE: Option<&str> = Some("cluster.yaml");

#[test]
fn plan_with_every_action_and_every_severity() {
    let text = plan_human(&samples::plan(), FILE, Style::plain(80));
    assert!(text.lines().all(|line| cells(line) <= 80), "{text}");
    insta::assert_snapshot!(text, @r"
    Plan for prod (111122223333, eu-west-1): 2 to create, 1 to update, 1 to replace,
    1 to delete, 1 to adopt, 1 to forget · 2 give or may give more access · REFUSED
    for 1 reason · 1 object could not be planned · 1 warning · 14 unchanged.

    Who gains (+) and who loses (-) access:
      arn:aws:iam::111122223333:role/team/dev
        + AmazonEKSEditPolicy in namespaces default, dev-*
        - everything (system:masters)
      service account app/s3-reader
        + managed policy
          arn:aws:iam::111122223333:policy/reports/monthly-figures-reader
      Not compared: bindings: the server refuses to list them

      + create  ~ update  ± replace  - delete  ^ adopt  . forget  ! more access

      ^ oidc-provider/prod will be adopted  (cluster.yaml:9)
          because it is missing the cluster's tag
          ~ thumbprints  aa, bb → cc  (CN=Amazon Root CA 1, until 2037)

      - iam-role/ops/gone will be deleted
          because the file no longer has it
          - stack           eksctl-prod-addon-iamserviceaccount-ops-gone
          - managed policy  arn:aws:iam::111122223333:policy/old

    ! ± iam-role/ops/named will be replaced  (cluster.yaml:58)
          because its stack is in ROLLBACK_COMPLETE (the role deployer exists
          already), and CloudFormation accepts no update of it
            stack  eksctl-prod-addon-iamserviceaccount-ops-named
          + trust policy
              + Allow sts:AssumeRoleWithWebIdentity to Federated
                arn:aws:iam::111122223333:oidc-provider/
                oidc.eks.eu-west-1.amazonaws.com/id/ABCDEF0123456789 if StringLike
                oidc.eks.eu-west-1.amazonaws.com/id/ABCDEF0123456789:sub =
                system:serviceaccount:ops:*  BROADER
          note: The stack's termination protection is lifted first.
          via: lift the termination protection of stack
               eksctl-prod-addon-iamserviceaccount-ops-named; delete stack
               eksctl-prod-addon-iamserviceaccount-ops-named; create stack
               eksctl-prod-addon-iamserviceaccount-ops-named

    ! ~ iam-role/app/s3-reader will be updated  (cluster.yaml:41)
          because it is not as the file says
          because it was changed outside its stack; direct IAM calls repair it,
          because CloudFormation does not
          + managed policy
              arn:aws:iam::111122223333:policy/reports/monthly-figures-reader
              BROADER
          - managed policy          arn:aws:iam::111122223333:policy/old  narrower
                                    (drift)
          ~ permissions boundary
                arn:aws:iam::111122223333:policy/boundaries/applications-2024
              → arn:aws:iam::111122223333:policy/boundaries/applications-2025
                BROADER?
          ~ inline policy s3
                Allow s3:GetObject, s3:ListBucket  BROADER
                + resource
                  arn:aws:s3:::a-bucket-with-quite-a-long-name-for-reports/*
                - resource arn:aws:s3:::reports/*
              - Allow s3:* on arn:aws:s3:::tmp/*  narrower
              + Allow 4 actions on *  BROADER
                  + sqs:SendMessage
          ~ termination protection  false → true
          via: update stack eksctl-prod-addon-iamserviceaccount-app-s3-reader
               through a change set; detach arn:aws:iam::111122223333:policy/old
               from role eksctl-prod-Role1-X

      . service-account/helm/release will be forgotten
          because it was requested
          - annotation eks.amazonaws.com/role-arn  arn:aws:iam::111122223333:role/x
          note: The service account belongs to Helm and is kept; only the annotation
                is removed.

      + namespace/app will be created  (cluster.yaml:44)

      + service-account/app/s3-writer will be created  (cluster.yaml:44)
          + annotation eks.amazonaws.com/role-arn
              (ARN of iam-role/app/s3-writer, known after it is created)
          + label team  reports
          + label app.kubernetes.io/managed-by  eksctl

    refused[oidc-provider-in-use]: oidc-provider/prod: 3 roles still trust it.
      help: Delete those roles first.
      help: To do it anyway: --allow oidc-provider-in-use
    error[stack-stuck]: iam-role/app/stuck: the stack
      eksctl-prod-addon-iamserviceaccount-app-stuck is in UPDATE_ROLLBACK_FAILED.
      help: Continue its rollback in the CloudFormation console, then plan again.
    warning[no-policy]: iam-role/ops/named: it has no policy at all, so that whoever
      assumes it may do nothing.  (cluster.yaml:60)
    note[role-attached]: managedNodeGroups, addons and vpc are not managed by
      eksact.
    ");
}

#[test]
fn wide_terminal_is_used() {
    let text = plan_human(&samples::plan(), FILE, Style::plain(120));
    assert!(text.lines().any(|line| cells(line) > 90));
    insta::assert_snapshot!(text, @r"
    Plan for prod (111122223333, eu-west-1): 2 to create, 1 to update, 1 to replace, 1 to delete, 1 to adopt, 1 to forget ·
    2 give or may give more access · REFUSED for 1 reason · 1 object could not be planned · 1 warning · 14 unchanged.

    Who gains (+) and who loses (-) access:
      arn:aws:iam::111122223333:role/team/dev
        + AmazonEKSEditPolicy in namespaces default, dev-*
        - everything (system:masters)
      service account app/s3-reader
        + managed policy arn:aws:iam::111122223333:policy/reports/monthly-figures-reader
      Not compared: bindings: the server refuses to list them

      + create  ~ update  ± replace  - delete  ^ adopt  . forget  ! more access

      ^ oidc-provider/prod will be adopted  (cluster.yaml:9)
          because it is missing the cluster's tag
          ~ thumbprints  aa, bb → cc  (CN=Amazon Root CA 1, until 2037)

      - iam-role/ops/gone will be deleted
          because the file no longer has it
          - stack           eksctl-prod-addon-iamserviceaccount-ops-gone
          - managed policy  arn:aws:iam::111122223333:policy/old

    ! ± iam-role/ops/named will be replaced  (cluster.yaml:58)
          because its stack is in ROLLBACK_COMPLETE (the role deployer exists already), and CloudFormation accepts no update
          of it
            stack  eksctl-prod-addon-iamserviceaccount-ops-named
          + trust policy
              + Allow sts:AssumeRoleWithWebIdentity to Federated
                arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/ABCDEF0123456789 if StringLike
                oidc.eks.eu-west-1.amazonaws.com/id/ABCDEF0123456789:sub = system:serviceaccount:ops:*  BROADER
          note: The stack's termination protection is lifted first.
          via: lift the termination protection of stack eksctl-prod-addon-iamserviceaccount-ops-named; delete stack
               eksctl-prod-addon-iamserviceaccount-ops-named; create stack eksctl-prod-addon-iamserviceaccount-ops-named

    ! ~ iam-role/app/s3-reader will be updated  (cluster.yaml:41)
          because it is not as the file says
          because it was changed outside its stack; direct IAM calls repair it, because CloudFormation does not
          + managed policy          arn:aws:iam::111122223333:policy/reports/monthly-figures-reader  BROADER
          - managed policy          arn:aws:iam::111122223333:policy/old  narrower  (drift)
          ~ permissions boundary    arn:aws:iam::111122223333:policy/boundaries/applications-2024
                                  → arn:aws:iam::111122223333:policy/boundaries/applications-2025  BROADER?
          ~ inline policy s3
                Allow s3:GetObject, s3:ListBucket  BROADER
                + resource arn:aws:s3:::a-bucket-with-quite-a-long-name-for-reports/*
                - resource arn:aws:s3:::reports/*
              - Allow s3:* on arn:aws:s3:::tmp/*  narrower
              + Allow 4 actions on *  BROADER
                  + sqs:SendMessage
          ~ termination protection  false → true
          via: update stack eksctl-prod-addon-iamserviceaccount-app-s3-reader through a change set; detach
               arn:aws:iam::111122223333:policy/old from role eksctl-prod-Role1-X

      . service-account/helm/release will be forgotten
          because it was requested
          - annotation eks.amazonaws.com/role-arn  arn:aws:iam::111122223333:role/x
          note: The service account belongs to Helm and is kept; only the annotation is removed.

      + namespace/app will be created  (cluster.yaml:44)

      + service-account/app/s3-writer will be created  (cluster.yaml:44)
          + annotation eks.amazonaws.com/role-arn  (ARN of iam-role/app/s3-writer, known after it is created)
          + label team  reports
          + label app.kubernetes.io/managed-by  eksctl

    refused[oidc-provider-in-use]: oidc-provider/prod: 3 roles still trust it.
      help: Delete those roles first.
      help: To do it anyway: --allow oidc-provider-in-use
    error[stack-stuck]: iam-role/app/stuck: the stack eksctl-prod-addon-iamserviceaccount-app-stuck is in
      UPDATE_ROLLBACK_FAILED.
      help: Continue its rollback in the CloudFormation console, then plan again.
    warning[no-policy]: iam-role/ops/named: it has no policy at all, so that whoever assumes it may do nothing.
      (cluster.yaml:60)
    note[role-attached]: managedNodeGroups, addons and vpc are not managed by eksact.
    ");
}

#[test]
fn in_colour() {
    let mut plan = samples::plan();
    plan.changes
        .retain(|change| change.address.name() == "app/s3-reader");
    plan.findings.truncate(1);
    let text = plan_human(
        &plan,
        FILE,
        Style {
            colour: true,
            width: 80,
        },
    );
    insta::assert_snapshot!(text.replace('\u{1b}', "␛"), @r"
    ␛[1mPlan for prod (111122223333, eu-west-1): ␛[0m0 to create, ␛[33m1 to update␛[0m, 0 to delete ·
    ␛[31m1 may give more access␛[0m · ␛[1m␛[31m1 object could not be planned␛[0m · 14 unchanged.

    ␛[1mWho gains (+) and who loses (-) access:␛[0m
      arn:aws:iam::111122223333:role/team/dev
    ␛[31m    + ␛[0mAmazonEKSEditPolicy in namespaces default, dev-*
    ␛[32m    - ␛[0meverything (system:masters)
      service account app/s3-reader
    ␛[31m    + ␛[0mmanaged policy
          arn:aws:iam::111122223333:policy/reports/monthly-figures-reader
      ␛[2mNot compared: bindings: the server refuses to list them␛[0m

      ␛[33m~␛[0m update  ␛[31m!␛[0m more access

    ␛[31m! ␛[0m␛[33m~␛[0m ␛[1miam-role/app/s3-reader␛[0m will be ␛[33mupdated␛[0m␛[2m  (cluster.yaml:41)␛[0m
          ␛[2mbecause it is not as the file says␛[0m
          ␛[2mbecause it was changed outside its stack; direct IAM calls repair it,␛[0m
          ␛[2mbecause CloudFormation does not␛[0m
          ␛[32m+␛[0m managed policy
              arn:aws:iam::111122223333:policy/reports/monthly-figures-reader
              ␛[31mBROADER␛[0m
          ␛[1m␛[31m-␛[0m managed policy          arn:aws:iam::111122223333:policy/old␛[32m  narrower␛[0m
                                    ␛[2m(drift)␛[0m
          ␛[33m~␛[0m permissions boundary
                arn:aws:iam::111122223333:policy/boundaries/applications-2024
              → arn:aws:iam::111122223333:policy/boundaries/applications-2025
                ␛[31mBROADER?␛[0m
          ␛[33m~␛[0m inline policy s3
                Allow s3:GetObject, s3:ListBucket␛[31m  BROADER␛[0m
                ␛[32m+ ␛[0mresource
                  arn:aws:s3:::a-bucket-with-quite-a-long-name-for-reports/*
                ␛[1m␛[31m- ␛[0mresource arn:aws:s3:::reports/*
              ␛[1m␛[31m- ␛[0mAllow s3:* on arn:aws:s3:::tmp/*␛[32m  narrower␛[0m
              ␛[32m+ ␛[0mAllow 4 actions on *␛[31m  BROADER␛[0m
                  ␛[32m+ ␛[0msqs:SendMessage
          ␛[33m~␛[0m termination protection  false → true
          ␛[2mvia: ␛[0m␛[2mupdate stack eksctl-prod-addon-iamserviceaccount-app-s3-reader␛[0m
               ␛[2mthrough a change set; detach arn:aws:iam::111122223333:policy/old␛[0m
               ␛[2mfrom role eksctl-prod-Role1-X␛[0m

    ␛[1m␛[31merror[stack-stuck]␛[0m: ␛[1miam-role/app/stuck␛[0m: the stack
      eksctl-prod-addon-iamserviceaccount-app-stuck is in UPDATE_ROLLBACK_FAILED.
      ␛[36mhelp: ␛[0mContinue its rollback in the CloudFormation console, then plan again.
    ");
    // Colour is the only difference.
    let stripped = anstream::adapter::strip_str(&text).to_string();
    assert_eq!(stripped, plan_human(&plan, FILE, Style::plain(80)));
}

#[test]
fn role_that_is_made() {
    let mut draft = samples::draft();
    let stack = "eksctl-prod-addon-iamserviceaccount-kube-system-external-dns";
    let issuer = "oidc.eks.eu-west-1.amazonaws.com/id/0E894D7E2254D8FEA57454EA014B36C0";
    let provider = format!("arn:aws:iam::111122223333:oidc-provider/{issuer}");
    let trust = irsa_trust_policy(&provider, issuer, "kube-system", "external-dns", None);
    let statement = |text: &str| {
        vec![samples::difference(
            DifferenceSign::Added,
            0,
            text,
            Some(Effect::Broader),
        )]
    };
    let attributes = vec![
        AttributeChange::plain("stack", None, Some(json!(stack))),
        AttributeChange::plain("trust policy", None, Some(trust)).with_differences(statement("Allow …")),
        AttributeChange::plain(
            format!("inline policy {stack}-PolicyExternalDNSHostedZones"),
            None,
            Some(json!({})),
        )
        .with_differences(statement(
            "Allow route53:ListHostedZones, route53:ListTagsForResource on *",
        ))
        .with_remark("well-known policy externalDNS as of 0.231"),
        AttributeChange::plain("permissions boundary", None, Some(samples::arn("boundary"))),
    ];
    let address = Address::new("iam-role", "kube-system/external-dns");
    samples::add(
        &mut draft,
        (Action::Create, &address),
        &[("missing", "it does not exist")],
        attributes,
        &["create stack"],
        Some(35),
        &[],
    );
    let text = plan_human(&draft.finish("0").unwrap(), FILE, Style::plain(80));
    insta::assert_snapshot!(text, @r"
    Plan for prod (111122223333, eu-west-1): 1 to create, 0 to update, 0 to delete.

      + create

      + iam-role/kube-system/external-dns will be created  (cluster.yaml:35)
          + stack
              eksctl-prod-addon-iamserviceaccount-kube-system-external-dns
          + trust policy
              service account kube-system/external-dns of
              oidc.eks.eu-west-1.amazonaws.com/id/0E894D7E2254D8FEA57454EA014B36C0
          + inline policy …-PolicyExternalDNSHostedZones  (well-known policy
            externalDNS as of 0.231)
              + Allow route53:ListHostedZones, route53:ListTagsForResource on *
          + permissions boundary  arn:aws:iam::111122223333:policy/boundary
    ");
}

#[test]
fn plan_with_nothing_to_change() {
    let say = |plan: &Plan, file| plan_human(plan, file, Style::plain(100));
    assert_eq!(
        say(&samples::empty(14), FILE),
        "No changes. prod (111122223333, eu-west-1): all 14 objects are as cluster.yaml says.\n"
    );
    assert_eq!(
        say(&samples::empty(1), None),
        "No changes. prod (111122223333, eu-west-1): the one object is as wanted.\n"
    );
    assert_eq!(
        say(&samples::empty(0), Some("-")),
        "No changes. prod (111122223333, eu-west-1): there is nothing to manage.\n"
    );
}

#[test]
fn errors_are_never_no_changes() {
    let mut plan = samples::empty(13);
    plan.findings = samples::plan().findings;
    plan.findings
        .retain(|finding| finding.severity == Severity::Error);
    insta::assert_snapshot!(plan_human(&plan, FILE, Style::plain(80)), @r"
    Plan for prod (111122223333, eu-west-1): nothing to change · 1 object could not
    be planned · 13 unchanged.

    error[stack-stuck]: iam-role/app/stuck: the stack
      eksctl-prod-addon-iamserviceaccount-app-stuck is in UPDATE_ROLLBACK_FAILED.
      help: Continue its rollback in the CloudFormation console, then plan again.
    ");
    for finding in &mut plan.findings {
        finding.severity = Severity::Refusal;
    }
    assert!(!plan_human(&plan, FILE, Style::plain(80)).contains("No changes"));
}

#[test]
fn riskiest_first() {
    let plan = samples::plan();
    let order: Vec<String> = by_risk(&plan)
        .iter()
        .map(|change| format!("{} {}", sign(change.action).1, change.address))
        .collect();
    insta::assert_snapshot!(order.join("\n"), @r"
    adopt oidc-provider/prod
    delete iam-role/ops/gone
    replace iam-role/ops/named
    update iam-role/app/s3-reader
    forget service-account/helm/release
    create namespace/app
    create service-account/app/s3-writer
    ");
}

#[test]
fn hostile_text_stays_text() {
    let mut draft = samples::draft();
    let address = Address::new(
        "iam-role",
        format!(
            "app/\u{1b}]0;gotcha\u{7}ad\u{200b}min\r\u{202e}{}",
            "x".repeat(3_000)
        ),
    );
    let attribute = AttributeChange::plain(
        "label \u{1b}[2K\nplan",
        Some(json!("a\nb\u{9b}31m")),
        Some(json!({"deep": ["\u{1b}[31m", "y".repeat(500)]})),
    )
    .with_remark("\u{7}");
    samples::add(
        &mut draft,
        (Action::Update, &address),
        &[("x", "\u{1b}[1A")],
        vec![attribute],
        &["\u{1b}c", "two"],
        Some(1),
        &["\u{8}"],
    );
    draft.add_finding(
        Finding::new(Severity::Error, Code::Unreadable, "\u{1b}[3J")
            .about(&address)
            .with_help("\u{1b}"),
    );
    draft.set_target("cluster", "\u{1b}[31mprod");
    let plan = draft.finish("0").unwrap();
    for width in [0, 1, 40, 80] {
        let text = plan_human(&plan, Some("\u{1b}.yaml"), Style::plain(width));
        assert!(
            !text
                .chars()
                .any(|c| c != '\n' && crate::view::text::is_harmful(c)),
            "{text:?}"
        );
        assert_eq!(text.matches('x').count() / 3_000, 2, "nothing is cut");
    }
}
