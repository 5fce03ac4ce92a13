"""Who gets in by an access entry, and what policies allow: the real authenticator, kube-apiserver and kubectl decide."""

import itertools
import json
import os
import subprocess
from pathlib import Path

from eks_token import eks_token
from kubernetes import Api

from .kubernetes_client import admin
from .world import needs_kubernetes, refused

WHOAMI = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
CAN_I = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
POLICY = "arn:aws:eks::aws:cluster-access-policy/"
# kube-apiserver believes the same token for some seconds; another lifetime makes another token.
LIFETIMES = itertools.cycle(range(60, 800))
RULES = json.loads((Path(__file__).resolve().parent.parent / "launcher" / "access-policies.json").read_text(encoding="utf-8"))
# What EKS's policies leave out of the ClusterRoles of Kubernetes.
LEFT_OUT = {("", "pods/eviction"), ("", "serviceaccounts/token"), ("coordination.k8s.io", "leases"), ("events.k8s.io", "events")}


class Person:
    """Somebody with keys of IAM, before the bed's kube-apiserver."""

    def __init__(self, world, *keys):
        self.world, self.keys = world, keys
        self.api = Api(world.facts["endpoint"], world.facts["ca"])

    def token(self):
        return eks_token(self.world.facts["cluster"], self.world.facts["region"], *self.keys, lifetime=next(LIFETIMES))

    def whoami(self):
        """(user name, groups without `system:authenticated`), or None for somebody unknown."""
        status, answer = self.api.call("POST", WHOAMI, {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}, self.token())
        if status != 201:
            return None
        user = answer["status"]["userInfo"]
        return user["username"], [group for group in user.get("groups", []) if group != "system:authenticated"]

    def is_soon(self, expected):
        self.world.until(lambda: self.whoami() == expected, f"{self.keys[0]} to be {expected}, not {self.whoami()}", seconds=5)

    def can(self, verb, resource, namespace="", group="", subresource=""):
        """The status of a review of oneself."""
        asked = {"verb": verb, "resource": resource, "namespace": namespace, "group": group, "subresource": subresource}
        return self.api.call("POST", CAN_I, {"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview",
                                             "spec": {"resourceAttributes": asked}}, self.token())[1]["status"]

    def kubectl(self, *arguments):
        facts = self.world.facts
        command = [facts["binaries"]["kubectl"], "--server", facts["endpoint"], "--certificate-authority", facts["ca"], "--token", self.token()]
        environment = {**os.environ, "KUBECONFIG": "/dev/null", "HOME": facts["state"]}
        return subprocess.run([*command, *arguments], capture_output=True, text=True, check=False, env=environment)


def _entry(world, arn, policies=(), **more):
    """An entry in the bed's own cluster; gives the place of it."""
    place = {"clusterName": world.facts["cluster"], "principalArn": arn}
    world.eks.create_access_entry(**place, **more)
    for policy, scope in policies:
        scope = {"type": "namespace", "namespaces": scope} if scope else {"type": "cluster"}
        world.eks.associate_access_policy(**place, policyArn=POLICY + policy, accessScope=scope)
    return place


def _assumed(world, arn, session):
    credentials = world.sts.assume_role(RoleArn=arn, RoleSessionName=session)["Credentials"]
    return Person(world, credentials["AccessKeyId"], credentials["SecretAccessKey"], credentials["SessionToken"])


def _set_aws_auth(world, users):
    path, api = "/api/v1/namespaces/kube-system/configmaps/aws-auth", admin(world)
    config = api.call("GET", path)[1]
    before = config["data"]["mapUsers"]
    config["data"]["mapUsers"] = json.dumps(json.loads(before) + users) if isinstance(users, list) else users
    assert api.call("PUT", path, config)[0] == 200
    return before


def _mode(world, mode):
    world.control("POST", f"eks/{world.facts['cluster']}", {"accessConfig": {"authenticationMode": mode}})


@needs_kubernetes
def check_an_entry_lets_in_and_wins_over_aws_auth(world):
    arn, *keys = world.user()
    person = Person(world, *keys)
    before = _set_aws_auth(world, [{"userarn": arn, "username": "by-line", "groups": ["line"]}])
    try:
        person.is_soon(("by-line", ["line"]))
        place = _entry(world, arn, username="by-entry", kubernetesGroups=["entry"])
        # Nothing of the line is left, not even its groups.
        person.is_soon(("by-entry", ["entry"]))
        world.eks.update_access_entry(**place)
        person.is_soon((arn, []))
        # A stale entry is as none.
        world.control("POST", f"eks/{world.facts['cluster']}", {"principalIds": {arn: "AIDAANOTHER"}})
        person.is_soon(("by-line", ["line"]))
        world.eks.delete_access_entry(**place)
        assert person.whoami() == ("by-line", ["line"])
    finally:
        _set_aws_auth(world, before)
    person.is_soon(None)


@needs_kubernetes
def check_a_role_with_a_path_is_known_and_its_session_named(world):
    role = world.new_role(path="/team/")
    place = _entry(world, role)
    person = _assumed(world, role, "nina@example.com")
    person.is_soon((f"arn:aws:sts::{world.facts['account']}:assumed-role/{world.name}-role/nina-example.com", []))
    world.eks.update_access_entry(**place, username="raw:{{SessionNameRaw}}")
    person.is_soon(("raw:nina@example.com", []))
    world.eks.delete_access_entry(**place)
    fargate = _entry(world, world.new_role(f"{world.name}-fargate"), type="FARGATE_LINUX")
    _assumed(world, fargate["principalArn"], "fargate-ip-10-0-0-1").is_soon(("system:node:fargate-ip-10-0-0-1", ["system:nodes"]))
    world.eks.delete_access_entry(**fargate)


@needs_kubernetes
def check_a_recreated_principal_gets_nothing_from_its_entry(world):
    role = world.new_role()
    place = _entry(world, role, username="first")
    _assumed(world, role, "nina").is_soon(("first", []))
    world.iam.delete_role(RoleName=f"{world.name}-role")
    assert world.new_role() == role
    person = _assumed(world, role, "nina")
    assert person.whoami() is None
    world.eks.update_access_entry(**place, username="second")
    assert person.whoami() is None
    # Only an entry that is made anew knows the new principal.
    world.eks.delete_access_entry(**place)
    _entry(world, role, username="third")
    person.is_soon(("third", []))
    # A test can make an entry stale without making a principal again.
    world.control("POST", f"eks/{world.facts['cluster']}", {"principalIds": {role: "AROAANOTHER"}})
    person.is_soon(None)
    world.eks.delete_access_entry(**place)


@needs_kubernetes
def check_the_mode_says_which_of_the_two_count(world):
    arn, *keys = world.user()
    line, entry = Person(world, *(world.facts["people"]["planner"][key] for key in ("access_key_id", "secret_access_key"))), Person(world, *keys)
    place = _entry(world, arn, username="by-entry")
    try:
        entry.is_soon(("by-entry", []))
        _mode(world, "CONFIG_MAP")
        entry.is_soon(None)
        assert line.whoami()[0] == "planner"
        _mode(world, "API_AND_CONFIG_MAP")
        entry.is_soon(("by-entry", []))
        world.updated(world.facts["cluster"], world.eks.update_cluster_config(
            name=world.facts["cluster"], accessConfig={"authenticationMode": "API"})["update"])
        line.is_soon(None)
        entry.is_soon(("by-entry", []))
    finally:
        _mode(world, "API_AND_CONFIG_MAP")
        world.eks.delete_access_entry(**place)
    line.is_soon(("planner", ["bed-readers"]))


@needs_kubernetes
def check_a_policy_allows_in_its_scope_and_says_why(world):
    arn, *keys = world.user()
    person = Person(world, *keys)
    place = _entry(world, arn, [("AmazonEKSEditPolicy", ["dev-*", "app"])])
    person.is_soon((arn, []))
    identity = world.iam.get_user(UserName=f"{world.name}-user")["User"]["UserId"]
    policy = f"{POLICY}AmazonEKSEditPolicy"
    status = person.can("create", "pods", "dev-1")
    assert status == {"allowed": True, "reason": f'EKS Access Policy: allowed by RoleBinding "{arn}+{policy}/dev-1" of ClusterRole "{policy}" '
                                                 f'to User "{identity}"'}, status
    assert person.can("get", "secrets", "app")["allowed"] and person.can("create", "pods", "app", subresource="exec")["allowed"]
    for denied in (("create", "pods", "prod"), ("create", "pods"), ("create", "roles", "app", "rbac.authorization.k8s.io"),
                   ("create", "pods", "app", "", "eviction"), ("get", "leases", "app", "coordination.k8s.io"), ("get", "things", "app", "example.com")):
        assert not person.can(*denied)["allowed"], denied
    # The scope is replaced, at once.
    world.eks.associate_access_policy(**place, policyArn=policy, accessScope={"type": "cluster"})
    status = person.can("create", "pods", "prod")
    assert status["allowed"] and f'allowed by ClusterRoleBinding "{arn}+{policy}" of ClusterRole' in status["reason"], status
    assert not person.can("get", "nodes")["allowed"]
    world.eks.disassociate_access_policy(**place, policyArn=policy)
    assert not person.can("create", "pods", "prod")["allowed"]
    world.eks.delete_access_entry(**place)


@needs_kubernetes
def check_every_policy_with_rules_allows_its_own(world):
    arn, *keys = world.user()
    person = Person(world, *keys)
    place = _entry(world, arn)
    person.is_soon((arn, []))
    # verb, resource, namespace, group
    asked = {"view": ("get", "pods", "a"), "secret": ("get", "secrets", "a"), "edit": ("delete", "pods", "a"),
             "role": ("create", "roles", "a", "rbac.authorization.k8s.io"), "custom": ("list", "things", "a", "example.com"),
             "node": ("get", "nodes"), "change": ("delete", "nodes")}
    expected = {
        "AmazonEKSViewPolicy": {"view"}, "AmazonEKSEditPolicy": {"view", "secret", "edit"},
        "AmazonEKSAdminPolicy": {"view", "secret", "edit", "role"}, "AmazonEKSSecretReaderPolicy": {"secret"},
        "AmazonEKSAdminViewPolicy": {"view", "secret", "custom", "node"}, "AmazonEKSClusterAdminPolicy": set(asked), "AmazonEKSAutoNodePolicy": set(),
    }
    for policy, allowed in expected.items():
        world.eks.associate_access_policy(**place, policyArn=POLICY + policy, accessScope={"type": "cluster"})
        found = {name for name, one in asked.items() if person.can(*one)["allowed"]}
        assert found == allowed, (policy, found)
        world.eks.disassociate_access_policy(**place, policyArn=POLICY + policy)
    world.eks.delete_access_entry(**place)


@needs_kubernetes
def check_kubectl_sees_what_policies_allow_and_impersonation_does_not(world):
    arn, *keys = world.user()
    person = Person(world, *keys)
    place = _entry(world, arn, [("AmazonEKSClusterAdminPolicy", None)], username="root-like")
    person.is_soon(("root-like", []))
    who = json.loads(person.kubectl("auth", "whoami", "-o", "json").stdout)["status"]["userInfo"]
    assert who["username"] == "root-like", who
    assert person.kubectl("auth", "can-i", "delete", "nodes").stdout == "yes\n"
    made = person.kubectl("create", "namespace", world.name)
    assert made.returncode == 0, made.stderr
    # It may act as another, who then has no policies; and neither lists nor reviews for others show them.
    assert person.kubectl("auth", "can-i", "delete", "nodes", "--as", "root-like").stdout == "no\n"
    assert "*.*" not in person.kubectl("auth", "can-i", "--list").stdout
    review = {"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": {
        "user": "root-like", "resourceAttributes": {"verb": "delete", "resource": "nodes"}}}
    status = admin(world).call("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", review)[1]["status"]
    assert status["allowed"] is False, status
    assert person.api.call("GET", "/metrics", token=person.token())[0] == 200
    world.eks.delete_access_entry(**place)
    person.is_soon(None)
    assert person.kubectl("get", "namespaces").returncode == 1


@needs_kubernetes
def check_groups_of_an_entry_are_bound_by_rbac(world):
    arn, *keys = world.user()
    person = Person(world, *keys)
    place = _entry(world, arn, kubernetesGroups=["bed-readers"])
    person.is_soon((arn, ["bed-readers"]))
    status = person.can("list", "namespaces")
    assert status["allowed"] and status["reason"].startswith("RBAC: allowed by ClusterRoleBinding \"bed-readers\""), status
    world.eks.delete_access_entry(**place)


@needs_kubernetes
def check_an_entry_takes_its_time_if_it_is_told_to(world):
    arn, *keys = world.user()
    person = Person(world, *keys)
    world.control("PUT", "seconds", {"access": 0.8})
    place = _entry(world, arn)
    assert person.whoami() is None
    person.is_soon((arn, []))
    world.control("PUT", "seconds", 0)
    world.eks.delete_access_entry(**place)
    person.is_soon(None)


@needs_kubernetes
def check_the_rules_are_those_of_kubernetes_without_what_eks_leaves_out(world):
    def rights(rules):
        return {(group, resource, verb) for rule in rules for group in rule["apiGroups"] for resource in rule["resources"] for verb in rule["verbs"]}

    policies = {"view": "AmazonEKSViewPolicy", "edit": "AmazonEKSEditPolicy", "admin": "AmazonEKSAdminPolicy"}
    for role, policy in policies.items():
        upstream = admin(world).call("GET", f"/apis/rbac.authorization.k8s.io/v1/clusterroles/system:aggregate-to-{role}")[1]
        expected = {(group, resource, verb) for group, resource, verb in rights(upstream["rules"])
                    if (group, resource) not in LEFT_OUT and group != "resource.k8s.io"}
        own = rights(RULES[policy]["rules"])
        assert own == expected, (policy, own ^ expected)
    assert RULES["AmazonEKSEditPolicy"]["includes"] == ["AmazonEKSViewPolicy"]
    assert RULES["AmazonEKSAdminPolicy"]["includes"] == ["AmazonEKSEditPolicy"]


@needs_kubernetes
def check_a_stack_of_an_entry_decides_too(world):
    arn, *keys = world.user()
    person = Person(world, *keys)
    world.create(json.dumps({"Resources": {"R": {"Type": "AWS::EKS::AccessEntry", "Properties": {
        "ClusterName": world.facts["cluster"], "PrincipalArn": arn, "Username": "by-stack"}}}}))
    person.is_soon(("by-stack", []))
    world.cloudformation.delete_stack(StackName=world.name)
    person.is_soon(None)
    refused(world.stack, "ValidationError", "does not exist")
