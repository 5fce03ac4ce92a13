//! Which pods get a role, by which door, and which link of theirs is broken first.

use super::{
    AwsWho, ISSUER, PROVIDER, Picture, REPORTS, Read, Value, Verdict, allow, arn, becoming, broken, direct,
    irsa, json, picture, policy, reads_reports, role, trusts,
};

#[test]
fn pods_get_roles_by_annotation_association_and_trust_alone() {
    let picture = picture(
        Vec::new(),
        vec![
            reads_reports("annotated", irsa("app", "web", None)),
            reads_reports("pattern", irsa("app", "", Some("*"))),
            reads_reports("associated", trusts("Service", "pods.eks.amazonaws.com")),
            reads_reports("literal", irsa("app", "", Some("*"))),
        ],
    )
    .with_account("app", "web", Some("annotated"))
    .with_account("app", "api", Some("pattern"))
    .with_account("ops", "api", Some("pattern"))
    .with_account("ops", "job", None)
    .with_association("ops", "job", "associated", None);
    let answer = picture.list("s3:GetObject", REPORTS);
    assert!(answer.complete, "{:?}", answer.unread);
    let accounts: Vec<String> = direct(&answer)
        .into_iter()
        .filter(|row| row.starts_with("service account"))
        .collect();
    // ops/api has the annotation, and the trust policy does not let it in.
    assert_eq!(
        accounts,
        [
            "service account app/api yes",
            "service account app/web yes",
            "service account ops/job yes"
        ]
    );
    let trusted: Vec<String> = becoming(&answer);
    assert!(trusted.iter().all(|row| !row.contains("ops/api")), "{trusted:?}");
    // Nobody annotates `literal`; app/api and app/web can take it all the same, and have what they need already.
    assert!(
        !trusted.iter().any(|row| row.starts_with("service account app/")),
        "{trusted:?}"
    );
}

/// A pod can set the variables itself: trust is the gate, not the annotation.
#[test]
fn account_without_annotation_is_listed_where_the_trust_admits_it() {
    let picture = picture(
        Vec::new(),
        vec![reads_reports("pattern", irsa("app", "", Some("*")))],
    )
    .with_account("app", "web", None)
    .with_account("ops", "web", None);
    let answer = picture.list("s3:GetObject", REPORTS);
    assert_eq!(direct(&answer), [format!("IAM principal {} yes", arn("pattern"))]);
    let mut rows = becoming(&answer);
    // Whoever may do everything in the cluster becomes it as well.
    rows.retain(|row| !row.contains("system:masters"));
    assert_eq!(rows.len(), 1, "{rows:?}");
    assert!(
        rows[0].starts_with("service account app/web -> role "),
        "{rows:?}"
    );
    assert!(rows[0].contains("its pods can set AWS_ROLE_ARN"), "{rows:?}");
    // One that the trust policy names and that is not there belongs to whoever makes it.
    let absent = self::picture(
        Vec::new(),
        vec![reads_reports("exact", irsa("app", "ghost", None))],
    );
    let answer = absent.list("s3:GetObject", REPORTS);
    assert!(
        answer.can_become.iter().any(|row| row.actor.name() == "app/ghost"
            && row
                .depends_on
                .as_deref()
                .unwrap_or_default()
                .contains("does not exist")),
        "{:?}",
        answer.can_become
    );
}

#[test]
fn explain_names_the_first_broken_link_of_a_pod() {
    let base = || {
        picture(
            Vec::new(),
            vec![
                reads_reports("web", irsa("app", "web", None)),
                role("poor", irsa("app", "poor", None), allow("ec2:*", "*")),
                reads_reports("other", irsa("ops", "web", None)),
                reads_reports("literal", policy(json!([{"Effect": "Allow", "Action": "sts:AssumeRoleWithWebIdentity",
                    "Principal": {"Federated": PROVIDER},
                    "Condition": {"StringEquals": {format!("{ISSUER}:sub"): "system:serviceaccount:app:*"}}}]))),
                reads_reports("untagged", policy(json!([{"Effect": "Allow", "Action": "sts:AssumeRole",
                    "Principal": {"Service": "pods.eks.amazonaws.com"}}]))),
                reads_reports("node", trusts("Service", "ec2.amazonaws.com")),
            ],
        )
        .with_account("app", "web", Some("web"))
        .with_account("app", "poor", Some("poor"))
        .with_account("app", "other", Some("other"))
        .with_account("app", "literal", Some("literal"))
        .with_account("app", "gone", Some("gone"))
        .with_account("app", "none", None)
        .with_account("app", "untagged", None)
        .with_association("app", "untagged", "untagged", None)
    };
    let ask = |picture: &Picture, name: &str| {
        picture.why(
            AwsWho::ServiceAccount("app", name),
            "s3:GetObject",
            "arn:aws:s3:::reports/x",
        )
    };
    let yes = ask(&base(), "web");
    assert_eq!(yes.answer, Verdict::Yes, "{:?}", yes.links);
    let links: Vec<&str> = yes.links.iter().map(|link| link.link).collect();
    assert_eq!(links, ["service account", "role", "trust", "right"]);
    for (name, link, words) in [
        ("poor", "right", "no statement of the identity policy allows it"),
        (
            "other",
            "trust",
            "system:serviceaccount:ops:web (here it is system:serviceaccount:app:other)",
        ),
        ("literal", "trust", "system:serviceaccount:app:*"),
        ("gone", "trust", "does not exist"),
        (
            "none",
            "role",
            "no annotation and no pod identity association, and no role of nodes is known",
        ),
        ("untagged", "trust", "sts:AssumeRole"),
    ] {
        let explained = ask(&base(), name);
        assert_eq!(explained.answer, Verdict::No, "{name}");
        let (at, says) = broken(&explained);
        assert_eq!(at, link, "{name}: {says}");
        assert!(says.contains(words), "{name}: {says}");
    }
    let without_provider = {
        let mut picture = base();
        picture.aws.provider = Read::Known(None);
        picture
    };
    assert!(
        broken(&ask(&without_provider, "web"))
            .1
            .contains("has no OIDC provider")
    );
    // Without a role of its own a pod may have the node's.
    let with_nodes = base().with_entry(
        &arn("node"),
        "system:node:{{EC2PrivateDNSName}}",
        &["system:nodes"],
    );
    let explained = ask(&with_nodes, "none");
    assert_eq!(explained.answer, Verdict::Depends);
    assert!(
        explained.depends_on[0].contains("hop limit"),
        "{:?}",
        explained.depends_on
    );
    assert!(
        direct(&with_nodes.list("s3:GetObject", REPORTS))
            .contains(&format!("pods on nodes {} depends", arn("node")))
    );
    // An association goes before the annotation.
    let both = base().with_association("app", "web", "untagged", None);
    assert_eq!(broken(&ask(&both, "web")).0, "trust");
}

#[test]
fn target_role_needs_both_hops() {
    let assume = allow("sts:AssumeRole", &arn("target"));
    let both = policy(
        json!([{"Effect": "Allow", "Action": ["sts:AssumeRole", "sts:TagSession"], "Principal": {"AWS": arn("first")}}]),
    );
    let picture = |target: Value| {
        picture(
            Vec::new(),
            vec![
                role(
                    "first",
                    trusts("Service", "pods.eks.amazonaws.com"),
                    assume.clone(),
                ),
                reads_reports("target", target),
            ],
        )
        .with_account("app", "web", None)
        .with_association("app", "web", "first", Some("target"))
    };
    let ask = |picture: &Picture| {
        picture.why(
            AwsWho::ServiceAccount("app", "web"),
            "s3:GetObject",
            "arn:aws:s3:::reports/x",
        )
    };
    assert_eq!(ask(&picture(both)).answer, Verdict::Yes);
    assert_eq!(
        broken(&ask(&picture(trusts(
            "AWS",
            "arn:aws:iam::111122223333:role/other"
        ))))
        .0,
        "trust"
    );
}
