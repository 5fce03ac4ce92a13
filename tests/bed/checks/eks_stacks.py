"""Access entries and pod identity associations in stacks."""

import json

from .world import refused

VIEW = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy"
EDIT = VIEW.replace("View", "Edit")


def _template(kind, **properties):
    return json.dumps({"Resources": {"R": {"Type": f"AWS::EKS::{kind}", "Properties": properties}}})


def _entry(cluster, role, **more):
    return _template("AccessEntry", ClusterName=cluster, PrincipalArn=role, **more)


def _resource(world):
    return world.cloudformation.describe_stack_resource(StackName=world.name, LogicalResourceId="R")["StackResourceDetail"]


def check_a_stack_makes_changes_and_removes_an_access_entry(world):
    cluster, role = world.cluster(), world.new_role()
    scope = {"Type": "namespace", "Namespaces": ["app"]}
    stack = world.create(_entry(cluster, role, KubernetesGroups=["a"], Username="u", AccessPolicies=[{"PolicyArn": VIEW, "AccessScope": scope}],
                                Tags=[{"Key": "k", "Value": "1"}]), Tags=[{"Key": "stack", "Value": "s"}])
    assert stack["StackStatus"] == "CREATE_COMPLETE", world.failures()
    assert _resource(world)["PhysicalResourceId"] == f"{role}|{cluster}"
    place = {"clusterName": cluster, "principalArn": role}
    entry = world.eks.describe_access_entry(**place)["accessEntry"]
    assert (entry["username"], entry["kubernetesGroups"], entry["tags"]["k"], entry["tags"]["stack"]) == ("u", ["a"], "1", "s"), entry
    updated = world.update(_entry(cluster, role, KubernetesGroups=["b"], AccessPolicies=[{"PolicyArn": EDIT, "AccessScope": {"Type": "cluster"}}]))
    assert updated["StackStatus"] == "UPDATE_COMPLETE", world.failures()
    entry = world.eks.describe_access_entry(**place)["accessEntry"]
    assert entry["kubernetesGroups"] == ["b"] and entry["username"].endswith("{{SessionName}}") and "k" not in entry["tags"], entry
    held = world.eks.list_associated_access_policies(**place)["associatedAccessPolicies"]
    assert [one["policyArn"] for one in held] == [EDIT], held
    # What the API deleted is deleted already.
    world.eks.delete_access_entry(**place)
    world.cloudformation.delete_stack(StackName=world.name)
    assert world.settled(stack["StackId"])["StackStatus"] == "DELETE_COMPLETE"


def check_a_stack_rolls_back_over_an_entry_that_is_there(world):
    cluster, role = world.cluster(), world.new_role()
    world.eks.create_access_entry(clusterName=cluster, principalArn=role, username="mine")
    assert world.create(_entry(cluster, role))["StackStatus"] == "ROLLBACK_COMPLETE"
    [reason] = world.failures()[:1]
    assert "already in use on this cluster" in reason and "HandlerErrorCode: AlreadyExists" in reason, reason
    assert world.eks.describe_access_entry(clusterName=cluster, principalArn=role)["accessEntry"]["username"] == "mine"


def check_a_changed_type_meets_the_entry_that_is_still_there(world):
    cluster, role = world.cluster(), world.new_role()
    world.create(_entry(cluster, role, Type="STANDARD"))
    assert world.update(_entry(cluster, role, Type="EC2_LINUX"))["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert any("AlreadyExists" in reason for reason in world.failures()), world.failures()
    assert world.eks.describe_access_entry(clusterName=cluster, principalArn=role)["accessEntry"]["type"] == "STANDARD"


def check_a_stack_in_mode_config_map_says_so(world):
    cluster, role = world.cluster("CONFIG_MAP"), world.new_role()
    assert world.create(_entry(cluster, role))["StackStatus"] == "ROLLBACK_COMPLETE"
    assert "authentication mode must be set" in world.failures()[0]


def check_a_policy_that_is_refused_leaves_no_entry(world):
    cluster, role = world.cluster(), world.new_role()
    world.create(_entry(cluster, role, AccessPolicies=[{"PolicyArn": f"{VIEW}x", "AccessScope": {"Type": "cluster"}}]))
    assert "list-access-policies" in world.failures()[0]
    refused(world.eks.describe_access_entry, "ResourceNotFoundException", clusterName=cluster, principalArn=role)


def check_a_stack_makes_changes_and_removes_an_association(world):
    cluster, role, target = world.cluster(), world.pods_role(), "arn:aws:iam::999999999999:role/t"
    place = {"ClusterName": cluster, "Namespace": "app", "ServiceAccount": "a"}
    stack = world.create(_template("PodIdentityAssociation", **place, RoleArn=role, TargetRoleArn=target))
    assert stack["StackStatus"] == "CREATE_COMPLETE", world.failures()

    def told():
        [one] = world.eks.list_pod_identity_associations(clusterName=cluster)["associations"]
        return world.eks.describe_pod_identity_association(clusterName=cluster, associationId=one["associationId"])["association"]

    made = told()
    assert made["targetRoleArn"] == target and made["externalId"], made
    assert world.update(_template("PodIdentityAssociation", **place, RoleArn=role))["StackStatus"] == "UPDATE_COMPLETE", world.failures()
    assert told()["associationId"] == made["associationId"] and "targetRoleArn" not in told()
    moved = world.update(_template("PodIdentityAssociation", **{**place, "ServiceAccount": "b"}, RoleArn=role))
    assert moved["StackStatus"] == "UPDATE_COMPLETE", world.failures()
    assert told()["serviceAccount"] == "b" and told()["associationId"] != made["associationId"]
    world.cloudformation.delete_stack(StackName=world.name)
    assert world.settled(stack["StackId"])["StackStatus"] == "DELETE_COMPLETE"
    assert world.eks.list_pod_identity_associations(clusterName=cluster)["associations"] == []


def check_a_stack_rolls_back_over_an_association_that_is_there(world):
    cluster, role = world.cluster(), world.pods_role()
    world.eks.create_pod_identity_association(clusterName=cluster, namespace="app", serviceAccount="a", roleArn=role)
    world.create(_template("PodIdentityAssociation", ClusterName=cluster, Namespace="app", ServiceAccount="a", RoleArn=role))
    assert world.stack()["StackStatus"] == "ROLLBACK_COMPLETE" and "Association already exists" in world.failures()[0]
