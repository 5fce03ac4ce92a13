//! Command lines of eksctl as they stand in public guides, scripts and repositories (names of accounts and clusters apart), in
//! the order of one afternoon on one cluster.

use crate::commands::place::Place;

/// What becomes of a line.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Becomes {
    /// It does what it does in eksctl.
    Done,
    /// It shows a plan and waits for an approval that eksctl does not ask for.
    Asked,
    /// It is a command that stays with eksctl, and is answered so.
    Elsewhere,
    /// It is a mistake, and is told as one; with words of the answer.
    Mistake(&'static str),
    /// It fails as it would in eksctl; with words of the answer.
    Fails(&'static str),
}

use Becomes::{Asked, Done, Elsewhere, Fails, Mistake};

const LINES: [(&str, Becomes); 78] = [
    (
        "utils associate-iam-oidc-provider --region us-east-1 --cluster demo",
        Asked,
    ),
    (
        "utils associate-iam-oidc-provider --region us-east-1 --cluster demo --approve",
        Done,
    ),
    (
        "utils associate-iam-oidc-provider --region=us-east-1 --cluster= demo --approve",
        Mistake("--cluster is empty"),
    ),
    (
        "utils associate-iam-oidc-provider --cluster=demo --approve=true",
        Done,
    ),
    ("utils associate-iam-oidc-provider --name demo --approve", Done),
    (
        "utils associate-iam-oidc-provider demo --approve --profile eks-admin",
        Done,
    ),
    (
        "create iamserviceaccount --name s3-access --namespace default --cluster demo --attach-policy-arn arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess --approve",
        Done,
    ),
    (
        "create iamserviceaccount --cluster demo --namespace kube-system --name aws-load-balancer-controller --attach-policy-arn arn:aws:iam::111122223333:policy/AWSLoadBalancerControllerIAMPolicy --override-existing-serviceaccounts --approve",
        Done,
    ),
    (
        "create iamserviceaccount --cluster=demo --region=us-east-1 --namespace=kube-system --name=aws-load-balancer-controller --role-name AmazonEKSLoadBalancerControllerRole --attach-policy-arn=arn:aws:iam::111122223333:policy/AWSLoadBalancerControllerIAMPolicy --approve",
        Done,
    ),
    (
        "create iamserviceaccount --cluster=demo --namespace=roboshop --name=mysql-secret-reader --attach-policy-arn=arn:aws:iam::111122223333:policy/rabac-sa --override-existing-serviceaccounts --region us-east-1 --approve",
        Done,
    ),
    (
        "create iamserviceaccount --name ebs-csi-controller-sa --namespace kube-system --cluster demo --role-name AmazonEKS_EBS_CSI_DriverRole --role-only --attach-policy-arn arn:aws:iam::aws:policy/service-role/AmazonEBSCSIDriverPolicy --approve",
        Done,
    ),
    (
        "create iamserviceaccount --name=custom --cluster=demo --attach-role-arn=arn:aws:iam::111122223333:role/custom --approve",
        Done,
    ),
    (
        "create iamserviceaccount --cluster=demo --namespace=app --name=api-sa --attach-policy-arn= --approve",
        Mistake("--no-policies"),
    ),
    (
        "create iamserviceaccount --cluster=demo --namespace= --name=api-sa --approve",
        Mistake("--namespace is empty"),
    ),
    (
        "create iamserviceaccount --cluster demo --name provider-aws --namespace crossplane-system --role-name=demo-provider-aws --role-only --attach-policy-arn=arn:aws:iam::111122223333:policy/EKSFullAccess --override-existing-serviceaccounts --approve --verbose=4",
        Done,
    ),
    (
        "create iamserviceaccount --name my-sa --cluster demo --attach-policy-arn arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess --tags environment=dev,team=a --timeout 40m --cfn-disable-rollback --approve",
        Done,
    ),
    (
        "create iamserviceaccount--name NAME --namespace default --cluster demo",
        Mistake("unrecognized subcommand"),
    ),
    (
        "create iamserviceaccount \u{2014}-name x --cluster demo",
        Mistake("--name"),
    ),
    (
        "create iamserviceaccount --name s3 --cluster demo --region us-east-1a --attach-policy-arn arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess",
        Mistake("us-east-1"),
    ),
    (
        "create iamserviceaccount --name s3 --cluster demo --attach-policy-arn AmazonS3ReadOnlyAccess --approve",
        Mistake("arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"),
    ),
    ("create iamserviceaccount -f cluster.yaml --approve", Done),
    (
        "create iamserviceaccount --config-file=cluster.yaml --approve --override-existing-serviceaccounts",
        Done,
    ),
    (
        "update iamserviceaccount --config-file=cluster.yaml --include app/web --approve",
        Done,
    ),
    (
        "delete iamserviceaccount --config-file=cluster.yaml --approve --only-missing --include app/*",
        Done,
    ),
    (
        "create iamidentitymapping --username system:node:{{EC2PrivateDNSName}} --cluster demo --arn arn:aws:iam::111122223333:role/KarpenterNodeRole-demo --group system:bootstrappers --group system:nodes",
        Asked,
    ),
    (
        "create iamidentitymapping --cluster demo --arn arn:aws:iam::111122223333:role/codebuild --username codebuild --group system:masters --yes",
        Done,
    ),
    (
        "create iamidentitymapping --cluster demo --region us-east-1 --namespace kube-system --service-name emr-containers --yes",
        Done,
    ),
    (
        "create iamidentitymapping --cluster demo --region=us-east-1 --arn arn:aws:iam::111122223333:role/console-viewer --group eks-console-dashboard-full-access-group --no-duplicate-arns --yes",
        Done,
    ),
    (
        "create iamidentitymapping --cluster demo --region us-east-1 --arn arn:aws:iam::111122223333:role/discovery --group system:masters% --no-duplicate-arns",
        Mistake("ends with a blank"),
    ),
    (
        "create iamidentitymapping --cluster demo --region=us-east-1 --arn arn:aws:iam::111122223333:user/deployer --group system:masters --username admin --yes",
        Done,
    ),
    (
        "create iamidentitymapping --cluster demo --arn --group system:masters --username admin",
        Mistake("--arn"),
    ),
    (
        "--region us-east-1 create iamidentitymapping --cluster demo --group system:masters --username iam:{{SessionName}} --arn arn:aws:iam::111122223333:role/admin --yes",
        Done,
    ),
    (
        "create iamidentitymapping --name demo --role arn:aws:iam::111122223333:role/old --username old --group viewers --yes",
        Done,
    ),
    (
        "create iamidentitymapping --cluster demo --account 444455556666 --yes",
        Done,
    ),
    ("get iamidentitymapping --region us-east-1 --cluster demo", Done),
    (
        "get iamidentitymapping --region=us-east-1 --cluster=demo -o json",
        Done,
    ),
    ("get iamidentitymapping -c demo -o yaml", Done),
    (
        "get iamidentitymapping --cluster demo --arn arn:aws:iam::111122223333:role/codebuild",
        Done,
    ),
    (
        "get iamidentitymapping --cluster demo --arn arn:aws:iam::111122223333:role/gone",
        Fails("no iamidentitymapping"),
    ),
    (
        "get iamidentitymapping --cluster arn:aws:eks:us-east-1:111122223333:cluster/demo",
        Mistake("`demo`"),
    ),
    ("get iamserviceaccount --cluster demo -o json", Done),
    (
        "get iamserviceaccount --cluster demo --namespace kube-system -r us-east-1 -o yaml",
        Done,
    ),
    (
        "get iamserviceaccount --cluster=demo --name=aws-load-balancer-controller --namespace=kube-system -v 0",
        Done,
    ),
    ("get iamserviceaccount --cluster demo %", Mistake("backslash")),
    (
        "update iamserviceaccount --name s3-access --namespace default --cluster demo --attach-policy-arn arn:aws:iam::111122223333:policy/c7n-iam-policy --approve",
        Done,
    ),
    (
        "update iamserviceaccount --cluster demo --region us-east-1 --name=s3-access --namespace=default --attach-policy-arn=arn:aws:iam::111122223333:policy/A --attach-policy-arn=arn:aws:iam::111122223333:policy/B --approve",
        Done,
    ),
    (
        "update iamserviceaccount --cluster demo --name=s3-access --attach-policy-arn=arn:aws:iam::111122223333:policy/A, --approve",
        Mistake("empty item"),
    ),
    (
        "delete iamserviceaccount --name fluent-bit --namespace logging --cluster demo --wait",
        Done,
    ),
    (
        "delete iamserviceaccount --cluster demo --name s3-access --namespace default",
        Asked,
    ),
    (
        "delete iamserviceaccount --cluster demo --name s3-access --namespace default --wait=true --approve",
        Done,
    ),
    (
        "delete iamidentitymapping --cluster demo --arn arn:aws:iam::111122223333:role/codebuild",
        Asked,
    ),
    (
        "delete iamidentitymapping --cluster demo --region=us-east-1 --arn arn:aws:iam::111122223333:user/deployer --yes",
        Done,
    ),
    (
        "delete iamidentitymapping --cluster demo --account 444455556666 --yes",
        Done,
    ),
    (
        "utils write-kubeconfig --region=us-east-1 --cluster=demo --set-kubeconfig-context=true",
        Done,
    ),
    ("utils write-kubeconfig --name demo --region us-east-1", Done),
    ("utils write-kubeconfig demo", Done),
    (
        "utils write-kubeconfig --cluster=demo --kubeconfig=eks-kube-config --set-kubeconfig-context=false",
        Done,
    ),
    (
        "utils write-kubeconfig --cluster demo --authenticator-role-arn arn:aws:iam::111122223333:role/x --region us-east-1",
        Done,
    ),
    (
        "utils describe-stacks --region=us-east-1 --cluster=demo",
        Elsewhere,
    ),
    (
        "utils update-cluster-logging --enable-types all --cluster=demo --approve",
        Elsewhere,
    ),
    (
        "create addon --name aws-ebs-csi-driver --cluster demo --service-account-role-arn arn:aws:iam::111122223333:role/AmazonEKS_EBS_CSI_DriverRole --force",
        Elsewhere,
    ),
    ("get nodegroup --cluster demo", Elsewhere),
    (
        "create cluster --name dev --region us-east-1 --nodegroup-name standard-workers --node-type t3.medium --nodes 3 --managed",
        Elsewhere,
    ),
    ("create cluster -f cluster.yaml", Elsewhere),
    (
        "delete cluster --name my-cluster --region ap-northeast-2",
        Elsewhere,
    ),
    (
        "create fargateprofile --cluster demo --region us-east-1 --name alb-sample-app --namespace game-2048",
        Elsewhere,
    ),
    ("upgrade cluster --name=demo --version 1.30", Elsewhere),
    ("scale nodegroup --cluster=demo --name=ng --nodes=3", Elsewhere),
    (
        "create podidentityassociation --cluster demo --namespace x --service-account-name y --role-arn z",
        Mistake("is not the ARN of an IAM role"),
    ),
    (
        "utils update-authentication-mode --cluster demo --authentication-mode API_AND_CONFIG_MAP",
        Done,
    ),
    ("get identityprovider --cluster demo", Done),
    (
        "associate identityprovider -f cluster.yaml",
        Fails("no identity providers provided"),
    ),
    ("anywhere create cluster -f eksa.yaml", Elsewhere),
    ("get cluster --region us-east-1 --name=demo -o json", Done),
    ("get clusters", Mistake("--cluster")),
    ("version", Done),
    ("utils schema", Done),
    ("completion bash", Done),
];

#[test]
fn eksctl_lines_of_public_guides_do_what_they_say() {
    let place = Place::new();
    place.write(
        "cluster.yaml",
        "apiVersion: eksctl.io/v1alpha5\nkind: ClusterConfig\nmetadata: {name: demo, region: us-east-1}\niam:\n  withOIDC: true\n  \
         serviceAccounts:\n  - metadata: {name: web, namespace: app}\n    attachPolicyARNs: ['arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess']\n",
    );
    for (line, becomes) in LINES {
        let words: Vec<String> = line
            .split_whitespace()
            .map(|word| word.replace('%', " "))
            .collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let output = place
            .command(&words)
            .env("AWS_REGION", "us-east-1")
            .env("KUBECONFIG", place.path("kubeconfig"))
            .output()
            .unwrap();
        let said = format!(
            "{} {}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
        let (code, words) = match becomes {
            Done => (0, ""),
            Asked => (3, "to ask on"),
            Elsewhere => (64, "is a command of eksctl that eksact does not have"),
            Mistake(words) => (64, words),
            Fails(words) => (1, words),
        };
        assert_eq!(output.status.code(), Some(code), "eksact {line}\n{said}");
        assert!(said.contains(words), "eksact {line}\n{said}");
    }
}
