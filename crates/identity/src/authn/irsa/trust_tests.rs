//! What a trust policy says in words, and what is advised.

use serde_json::json;

use super::{
    tests::{KEYS, code, equals, trust, trusting},
    *,
};

/// The trust policy's links, each as verdict, code, what it says, and what to do.
fn trust_said(chain: &Chain) -> String {
    let links = check(chain);
    let said = links
        .iter()
        .filter(|link| link.name == "trust policy")
        .map(|link| {
            let help = link.help.as_deref().unwrap_or("-");
            format!(
                "{:?} [{}] {}\n  {}",
                link.verdict,
                code(link),
                link.says,
                help.replace('\n', "\n  ")
            )
        });
    said.collect::<Vec<_>>().join("\n")
}

#[test]
fn trust_on_something_unknown_is_said_as_depends_on() {
    let usual = &trust(KEYS, &equals("system:serviceaccount:app:s3-reader", AUDIENCE))["Statement"][0];
    let network = json!({"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}});
    let denial = json!({"Effect": "Deny", "Action": "sts:*", "Principal": "*", "Condition": {
        "NotIpAddress": {"aws:SourceIp": "10.0.0.0/8"}}});
    let session = json!({"Effect": "Deny", "Action": "*", "Principal": "*", "Condition": {
        "StringLike": {"sts:RoleSessionName": "root-*"}}});
    let mut narrow = equals("system:serviceaccount:app:s3-reader", AUDIENCE);
    narrow["IpAddress"] = network["IpAddress"].clone();
    let denied = json!({"Version": "2012-10-17", "Statement": [usual, denial, session]});
    insta::assert_snapshot!(trust_said(&trusting(trust(KEYS, &narrow))), @r###"
    Unknown [trust-unknown] depends on IpAddress aws:SourceIp = 10.0.0.0/8 (only the call itself shows aws:SourceIp)
      Only the call itself can show it: `eksact check irsa --cluster prod --region eu-west-1 app/s3-reader --try`.
    "###);
    insta::assert_snapshot!(trust_said(&trusting(denied.clone())), @r###"
    Unknown [trust-unknown] depends on whether a Deny statement applies, which it does with NotIpAddress aws:SourceIp = 10.0.0.0/8 (only the call itself shows aws:SourceIp), or with StringLike sts:RoleSessionName = root-* (only the call itself shows sts:RoleSessionName)
      Only the call itself can show it: `eksact check irsa --cluster prod --region eu-west-1 app/s3-reader --try`.
    "###);
    insta::assert_snapshot!(trust_said(&trusting(trust(KEYS, &network))), @r###"
    Unknown [trust-unknown] depends on IpAddress aws:SourceIp = 10.0.0.0/8 (only the call itself shows aws:SourceIp)
      Only the call itself can show it: `eksact check irsa --cluster prod --region eu-west-1 app/s3-reader --try`.
    Whole [trust-any-service-account] it lets every service account of the cluster in: whoever may create a pod gets the role
      Where no other service account needs the role, name this one only, where it is kept (with Terraform, `assume_role_policy`):
          aws iam update-assume-role-policy --role-name reader --policy-document '{"Statement":[{"Action":"sts:AssumeRoleWithWebIdentity","Condition":{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"},"StringEquals":{"oidc.eks.eu-west-1.amazonaws.com/id/AAAA:aud":"sts.amazonaws.com","oidc.eks.eu-west-1.amazonaws.com/id/AAAA:sub":"system:serviceaccount:app:s3-reader"}},"Effect":"Allow","Principal":{"Federated":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/AAAA"}}],"Version":"2012-10-17"}'
    Whole [trust-any-audience] it asks for no audience: tokens that were made for others than sts.amazonaws.com are let in, if the provider accepts their audience
      The change that names this service account only ends this as well.
    "###);
    let unknown =
        json!({"StringEquals": narrow["StringEquals"], "StringResembles": {format!("{KEYS}:sub"): "x"}});
    insta::assert_snapshot!(trust_said(&trusting(trust(KEYS, &unknown))), @r###"
    Unknown [trust-unknown] depends on StringResembles oidc.eks.eu-west-1.amazonaws.com/id/AAAA:sub = x (StringResembles is an operator that eksact does not know)
      Only the call itself can show it: `eksact check irsa --cluster prod --region eu-west-1 app/s3-reader --try`.
    "###);

    // The call tells, and nothing is left to do.
    let called = |trial| Chain {
        trial: Some(trial),
        ..trusting(denied.clone())
    };
    let links = check(&called(Trial::Assumed("session".to_owned())));
    assert!(links.iter().all(|link| link.help.is_none()), "{links:#?}");
    let links = check(&called(Trial::Refused("AccessDenied".to_owned())));
    let last = links.last().unwrap();
    assert_eq!((code(last), last.verdict), ("sts-refused", Verdict::Broken));
}

#[test]
fn trust_policy_that_lets_too_many_in_is_said() {
    let any = trust(KEYS, &json!({}));
    let namespace = trust(
        KEYS,
        &json!({"StringLike": {format!("{KEYS}:sub"): "system:serviceaccount:*:s3-reader"},
            "StringEquals": {format!("{KEYS}:aud"): AUDIENCE}}),
    );
    let everyone = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "sts:*", "Principal": "*"}]});
    insta::assert_snapshot!(trust_said(&trusting(any)), @r###"
    Whole [] it lets system:serviceaccount:app:s3-reader in
      -
    Whole [trust-any-service-account] it lets every service account of the cluster in: whoever may create a pod gets the role
      Where no other service account needs the role, name this one only, where it is kept (with Terraform, `assume_role_policy`):
          aws iam update-assume-role-policy --role-name reader --policy-document '{"Statement":[{"Action":"sts:AssumeRoleWithWebIdentity","Condition":{"StringEquals":{"oidc.eks.eu-west-1.amazonaws.com/id/AAAA:aud":"sts.amazonaws.com","oidc.eks.eu-west-1.amazonaws.com/id/AAAA:sub":"system:serviceaccount:app:s3-reader"}},"Effect":"Allow","Principal":{"Federated":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/AAAA"}}],"Version":"2012-10-17"}'
    Whole [trust-any-audience] it asks for no audience: tokens that were made for others than sts.amazonaws.com are let in, if the provider accepts their audience
      The change that names this service account only ends this as well.
    "###);
    insta::assert_snapshot!(trust_said(&trusting(namespace)), @r###"
    Whole [] it lets system:serviceaccount:app:s3-reader in
      -
    Whole [trust-any-namespace] it lets service accounts called s3-reader in from every namespace
      Where no other service account needs the role, name this one only, where it is kept (with Terraform, `assume_role_policy`):
          aws iam update-assume-role-policy --role-name reader --policy-document '{"Statement":[{"Action":"sts:AssumeRoleWithWebIdentity","Condition":{"StringEquals":{"oidc.eks.eu-west-1.amazonaws.com/id/AAAA:aud":"sts.amazonaws.com","oidc.eks.eu-west-1.amazonaws.com/id/AAAA:sub":"system:serviceaccount:app:s3-reader"}},"Effect":"Allow","Principal":{"Federated":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/AAAA"}}],"Version":"2012-10-17"}'
    "###);
    insta::assert_snapshot!(trust_said(&trusting(everyone)), @r###"
    Whole [] it lets system:serviceaccount:app:s3-reader in
      -
    Whole [trust-any-provider] it lets identities of every other provider of the account in as well
      Where no other service account needs the role, name this one only, where it is kept (with Terraform, `assume_role_policy`):
          aws iam update-assume-role-policy --role-name reader --policy-document '{"Statement":[{"Action":["sts:AssumeRoleWithWebIdentity"],"Condition":{"StringEquals":{"oidc.eks.eu-west-1.amazonaws.com/id/AAAA:aud":"sts.amazonaws.com","oidc.eks.eu-west-1.amazonaws.com/id/AAAA:sub":"system:serviceaccount:app:s3-reader"}},"Effect":"Allow","Principal":{"Federated":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/AAAA"}}],"Version":"2012-10-17"}'
    Whole [trust-any-service-account] it lets every service account of the cluster in: whoever may create a pod gets the role
      The change that names this service account only ends this as well.
    Whole [trust-any-audience] it asks for no audience: tokens that were made for others than sts.amazonaws.com are let in, if the provider accepts their audience
      The change that names this service account only ends this as well.
    "###);
}

/// Who owns the role decides what is advised.
#[test]
fn repair_fits_the_owner_of_the_role() {
    let tags = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
        pairs
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect()
    };
    let stack = (
        "aws:cloudformation:stack-name",
        "eksctl-prod-addon-iamserviceaccount-app-s3-reader",
    );
    let ours = [
        stack,
        ("alpha.eksctl.io/cluster-name", "prod"),
        ("alpha.eksctl.io/iamserviceaccount-name", "app/s3-reader"),
    ];
    let of_other_cluster = [ours[0], ("alpha.eksctl.io/cluster-name", "green"), ours[2]];
    let of_other_account = [
        ours[0],
        ours[1],
        ("alpha.eksctl.io/iamserviceaccount-name", "app/other"),
    ];
    let (apply, command) = (
        "eksact apply -f",
        "aws iam update-assume-role-policy --role-name reader --policy-document '{",
    );
    let owned = || InFile::Owned("my cluster.yaml".to_owned());
    let only_stack = [stack];
    let table: Vec<(&[(&str, &str)], InFile, &str, &str)> = vec![
        (&ours, InFile::NoFile, apply, "-f FILE"),
        (&ours, owned(), apply, "-f 'my cluster.yaml'"),
        (
            &ours,
            InFile::NotOwned,
            command,
            "in the template of the stack eksctl-prod-",
        ),
        (&ours[1..], InFile::NoFile, apply, ""),
        (
            &of_other_cluster,
            InFile::NoFile,
            command,
            "in the template of the stack",
        ),
        (
            &of_other_account,
            owned(),
            command,
            "in the template of the stack",
        ),
        (&only_stack, owned(), command, "in the template of the stack"),
        (&[("Terraform", "true")], owned(), command, "`assume_role_policy`"),
        (&[], InFile::NoFile, command, "`assume_role_policy`"),
    ];
    let sub = "system:serviceaccount:app:other";
    let denial =
        json!({"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "*", "Principal": "*"}]});
    for (pairs, in_file, expected, also) in table {
        for policy in [
            trust(KEYS, &equals(sub, AUDIENCE)),
            trust(KEYS, &json!({})),
            denial.clone(),
        ] {
            let mut chain = trusting(policy);
            chain.in_file = in_file.clone();
            if let Ok(Some(role)) = &mut chain.role {
                role.tags = tags(pairs);
            }
            let said = trust_said(&chain);
            assert!(
                said.contains(expected) && said.contains(also),
                "{pairs:?} {in_file:?}: {said}"
            );
            assert_eq!(said.contains(apply), expected == apply, "{said}");
        }
    }
    insta::assert_snapshot!(trust_said(&trusting(trust(KEYS, &equals(sub, AUDIENCE)))), @r###"
    Broken [trust-subject] it lets system:serviceaccount:app:other in, and not system:serviceaccount:app:s3-reader
      Add this statement to the trust policy of the role reader, where it is kept (with Terraform, `assume_role_policy`):
          {"Action":["sts:AssumeRoleWithWebIdentity"],"Condition":{"StringEquals":{"oidc.eks.eu-west-1.amazonaws.com/id/AAAA:aud":"sts.amazonaws.com","oidc.eks.eu-west-1.amazonaws.com/id/AAAA:sub":"system:serviceaccount:app:s3-reader"}},"Effect":"Allow","Principal":{"Federated":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/AAAA"}}
      The policy with it, everything else unchanged:
          aws iam update-assume-role-policy --role-name reader --policy-document '{"Statement":[{"Action":"sts:AssumeRoleWithWebIdentity","Condition":{"StringEquals":{"oidc.eks.eu-west-1.amazonaws.com/id/AAAA:aud":"sts.amazonaws.com","oidc.eks.eu-west-1.amazonaws.com/id/AAAA:sub":"system:serviceaccount:app:other"}},"Effect":"Allow","Principal":{"Federated":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/AAAA"}},{"Action":["sts:AssumeRoleWithWebIdentity"],"Condition":{"StringEquals":{"oidc.eks.eu-west-1.amazonaws.com/id/AAAA:aud":"sts.amazonaws.com","oidc.eks.eu-west-1.amazonaws.com/id/AAAA:sub":"system:serviceaccount:app:s3-reader"}},"Effect":"Allow","Principal":{"Federated":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/AAAA"}}],"Version":"2012-10-17"}'
    "###);
    insta::assert_snapshot!(trust_said(&trusting(denial)), @r###"
    Broken [trust-denied] a Deny statement keeps system:serviceaccount:app:s3-reader out
      If the denial is not meant for this service account, write the policy without it, where it is kept (with Terraform, `assume_role_policy`):
          aws iam update-assume-role-policy --role-name reader --policy-document '{"Statement":[{"Action":["sts:AssumeRoleWithWebIdentity"],"Condition":{"StringEquals":{"oidc.eks.eu-west-1.amazonaws.com/id/AAAA:aud":"sts.amazonaws.com","oidc.eks.eu-west-1.amazonaws.com/id/AAAA:sub":"system:serviceaccount:app:s3-reader"}},"Effect":"Allow","Principal":{"Federated":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/AAAA"}}],"Version":"2012-10-17"}'
    "###);
    let statements = vec![trust(KEYS, &equals(sub, AUDIENCE))["Statement"][0].clone(); 12];
    let long = json!({"Version": "2012-10-17", "Statement": statements});
    let said = trust_said(&trusting(long));
    assert!(
        said.contains("The policy becomes 4568 characters long, and an account allows 2048")
            && said.contains("--desired-value 8192`"),
        "{said}"
    );
}
