//! Rights one by one, and the ARNs of what they are on.

use std::collections::BTreeSet;

use eksact_identity::iam::Partition;

use crate::ports::kubernetes::AccessReview;

/// One action on one resource.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct AwsRight {
    /// The resource, perhaps with `*`.
    pub resource: String,
    /// Of `iam:PassRole`, the service that gets the role.
    pub passed_to: Option<&'static str>,
    /// The action: `iam:GetRole`.
    pub action: &'static str,
}

/// What a run needs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rights {
    /// In AWS.
    pub aws: BTreeSet<AwsRight>,
    /// In the cluster.
    pub kubernetes: BTreeSet<AccessReview>,
}

impl Rights {
    /// Adds actions on a resource.
    pub(crate) fn aws(&mut self, resource: impl Into<String>, actions: &[&'static str]) {
        let resource = resource.into();
        self.aws.extend(actions.iter().map(|action| AwsRight {
            resource: resource.clone(),
            passed_to: None,
            action,
        }));
    }

    /// Adds that a role may be given to a service.
    pub(crate) fn pass_role(&mut self, role: impl Into<String>, service: &'static str) {
        self.aws.insert(AwsRight {
            resource: role.into(),
            passed_to: Some(service),
            action: "iam:PassRole",
        });
    }

    /// Adds verbs on a resource of the cluster, in one namespace or everywhere.
    pub(crate) fn kubernetes(
        &mut self,
        group: &str,
        resource: &str,
        verbs: &[&str],
        namespace: Option<&str>,
    ) {
        self.kubernetes.extend(verbs.iter().map(|verb| AccessReview {
            verb: (*verb).to_owned(),
            group: group.to_owned(),
            resource: resource.to_owned(),
            namespace: namespace.map(str::to_owned),
        }));
    }

    /// Adds all of these.
    pub(crate) fn add(&mut self, others: Self) {
        self.aws.extend(others.aws);
        self.kubernetes.extend(others.kubernetes);
    }

    /// Adds what it takes to read a role with its policies.
    pub(crate) fn read_role(&mut self, role: impl Into<String>) {
        self.aws(
            role,
            &[
                "iam:GetRole",
                "iam:ListAttachedRolePolicies",
                "iam:ListRolePolicies",
                "iam:GetRolePolicy",
            ],
        );
    }

    /// Adds what it takes to read a managed policy with its versions.
    pub(crate) fn read_policy(&mut self, policy: impl Into<String>) {
        self.aws(
            policy,
            &["iam:GetPolicy", "iam:GetPolicyVersion", "iam:ListPolicyVersions"],
        );
    }

    /// Adds the calls that read many roles at once. Where they are denied, single reads take over.
    pub(crate) fn read_roles_at_once(&mut self) {
        self.aws(
            "*",
            &["iam:GetAccountSummary", "iam:GetAccountAuthorizationDetails"],
        );
    }

    /// Adds what it takes to read the access entries of the cluster, and whether their principals are still those that they were
    /// made for.
    pub(crate) fn read_access_entries(&mut self, place: &Place) {
        self.aws(place.roles(), &["iam:GetRole"]);
        self.aws(place.users(), &["iam:GetUser"]);
        self.aws(place.cluster(), &["eks:ListAccessEntries"]);
        self.aws(
            place.of_cluster("access-entry"),
            &["eks:DescribeAccessEntry", "eks:ListAssociatedAccessPolicies"],
        );
    }

    /// Adds what it takes to wait for a stack, and to say why it failed.
    pub(crate) fn watch_stack(&mut self, stack: &str, place: &Place) {
        self.aws(
            place.stack(stack),
            &[
                "cloudformation:DescribeStackEvents",
                "cloudformation:DescribeStacks",
                "cloudformation:GetTemplate",
            ],
        );
    }

    /// Adds what it takes to make a stack.
    pub(crate) fn create_stack(&mut self, stack: &str, place: &Place) {
        self.aws(
            place.stack(stack),
            &["cloudformation:CreateStack", "cloudformation:TagResource"],
        );
        self.watch_stack(stack, place);
    }

    /// Adds what it takes to change a stack through a change set.
    pub(crate) fn update_stack(&mut self, stack: &str, place: &Place) {
        self.aws(
            place.stack(stack),
            &[
                "cloudformation:CreateChangeSet",
                "cloudformation:DeleteChangeSet",
                "cloudformation:DescribeChangeSet",
                "cloudformation:ExecuteChangeSet",
                "cloudformation:TagResource",
                "cloudformation:UntagResource",
            ],
        );
        self.watch_stack(stack, place);
    }

    /// Adds what it takes to delete a change set that a run left.
    pub(crate) fn delete_change_set(&mut self, stack: &str, place: &Place) {
        self.aws(
            place.stack(stack),
            &[
                "cloudformation:DeleteChangeSet",
                "cloudformation:DescribeChangeSet",
            ],
        );
    }

    /// Adds what it takes to delete a stack.
    pub(crate) fn delete_stack(&mut self, stack: &str, place: &Place) {
        self.aws(place.stack(stack), &["cloudformation:DeleteStack"]);
        self.watch_stack(stack, place);
    }

    /// Adds what a stack does itself: by the role that CloudFormation is given, or in the caller's name.
    pub(crate) fn through_stack(&mut self, service_role: Option<&str>, own: impl FnOnce(&mut Self)) {
        match service_role {
            Some(role) => self.pass_role(role, "cloudformation.amazonaws.com"),
            None => own(self),
        }
    }

    /// Adds what it takes to read `aws-auth`.
    pub(crate) fn read_aws_auth(&mut self) {
        self.kubernetes("", "configmaps", &["get"], Some("kube-system"));
    }

    /// Adds what it takes to read what RBAC gives.
    pub(crate) fn read_rbac(&mut self) {
        let group = "rbac.authorization.k8s.io";
        self.kubernetes(group, "clusterrolebindings", &["list"], None);
        self.kubernetes(group, "rolebindings", &["list"], None);
        self.kubernetes(group, "clusterroles", &["get"], None);
        self.kubernetes(group, "roles", &["get"], None);
    }
}

/// Where a run is: what ARNs are made of.
#[derive(Clone, Debug)]
pub struct Place {
    partition: Partition,
    region: String,
    /// `*` where it is not known.
    account: String,
    cluster: String,
}

impl Place {
    /// A cluster; without an account, ARNs have a `*` for it.
    pub fn new(cluster: &str, region: &str, account: Option<&str>) -> Self {
        Self {
            partition: Partition::of_region(region),
            region: region.to_owned(),
            account: account.unwrap_or("*").to_owned(),
            cluster: cluster.to_owned(),
        }
    }

    fn regional(&self, service: &str, resource: &str) -> String {
        let (partition, region, account) = (self.partition.as_str(), &self.region, &self.account);
        format!("arn:{partition}:{service}:{region}:{account}:{resource}")
    }

    fn iam(&self, resource: &str) -> String {
        format!("arn:{}:iam::{}:{resource}", self.partition.as_str(), self.account)
    }

    /// The cluster.
    pub(crate) fn cluster(&self) -> String {
        self.regional("eks", &format!("cluster/{}", self.cluster))
    }

    /// All of one kind that belong to the cluster: `access-entry`, `podidentityassociation`.
    pub(crate) fn of_cluster(&self, kind: &str) -> String {
        self.regional("eks", &format!("{kind}/{}/*", self.cluster))
    }

    /// An add-on of the cluster.
    pub(crate) fn addon(&self, name: &str) -> String {
        self.regional("eks", &format!("addon/{}/{name}/*", self.cluster))
    }

    /// A stack, whatever its id. An ARN stays as it is.
    pub(crate) fn stack(&self, name: &str) -> String {
        if name.starts_with("arn:") {
            return name.to_owned();
        }
        self.regional("cloudformation", &format!("stack/{name}/*"))
    }

    /// All stacks of the cluster.
    pub(crate) fn stacks(&self) -> String {
        self.stack(&format!("eksctl-{}-*", self.cluster))
    }

    /// All stacks of the cluster's named roles and policies, of which eksctl knows nothing.
    pub(crate) fn named_stacks(&self) -> String {
        self.stack(&format!("eksact-{}-*", self.cluster))
    }

    /// A customer managed policy.
    pub(crate) fn policy(&self, path: &str, name: &str) -> String {
        self.iam(&format!("policy{path}{name}"))
    }

    /// Every customer managed policy.
    pub(crate) fn policies(&self) -> String {
        self.iam("policy/*")
    }

    /// The roles of a name: with any path and with none.
    pub(crate) fn role(&self, name: &str) -> [String; 2] {
        [
            self.iam(&format!("role/{name}")),
            self.iam(&format!("role/*/{name}")),
        ]
    }

    /// Every role.
    pub(crate) fn roles(&self) -> String {
        self.iam("role/*")
    }

    /// The roles that CloudFormation names after a stack: it takes 45 letters of the stack's name, so that its own part fits
    /// into 64.
    pub(crate) fn roles_of_stack(&self, stack: &str) -> String {
        self.iam(&format!("role/{}*", stack.chars().take(45).collect::<String>()))
    }

    /// Users.
    pub(crate) fn users(&self) -> String {
        self.iam("user/*")
    }

    /// The providers of clusters in the region.
    pub(crate) fn providers(&self) -> String {
        self.iam(&format!("oidc-provider/oidc.eks.{}.*", self.region))
    }

    /// Every OIDC provider of the account.
    pub(crate) fn all_providers(&self) -> String {
        self.iam("oidc-provider/*")
    }
}
