"""Access entries: what is derived, what is refused, how the lists are paged."""

from .world import refused

VIEW = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy"


def check_access_entries_are_derived_and_paged(world):
    cluster, account = world.facts["cluster"], world.facts["account"]
    role, user, node = (f"arn:aws:iam::{account}:{name}" for name in ("role/team/ops", "user/path/ann", "role/node"))
    world.eks.create_access_entry(clusterName=cluster, principalArn=role, kubernetesGroups=["ops"])
    world.eks.create_access_entry(clusterName=cluster, principalArn=user)
    world.eks.create_access_entry(clusterName=cluster, principalArn=node, type="EC2_LINUX")
    world.eks.associate_access_policy(clusterName=cluster, principalArn=user, policyArn=VIEW,
                                      accessScope={"type": "namespace", "namespaces": ["app"]})
    try:
        def told(principal):
            return world.eks.describe_access_entry(clusterName=cluster, principalArn=principal)["accessEntry"]

        assert told(role)["username"] == f"arn:aws:sts::{account}:assumed-role/ops/{{{{SessionName}}}}", told(role)
        assert told(user)["username"] == user
        assert (told(node)["username"], told(node)["kubernetesGroups"]) == ("system:node:{{EC2PrivateDNSName}}", ["system:nodes"])
        pages = list(world.eks.get_paginator("list_access_entries").paginate(
            clusterName=cluster, PaginationConfig={"PageSize": 2}))
        assert [len(page["accessEntries"]) for page in pages] == [2, 1], pages
        policies = world.eks.list_associated_access_policies(clusterName=cluster, principalArn=user)["associatedAccessPolicies"]
        assert [policy["accessScope"]["namespaces"] for policy in policies] == [["app"]]
        refused(world.eks.associate_access_policy, "InvalidRequestException", "STANDARD", clusterName=cluster, principalArn=node,
                policyArn=VIEW, accessScope={"type": "cluster"})
    finally:
        for principal in (role, user, node):
            world.eks.delete_access_entry(clusterName=cluster, principalArn=principal)


def check_access_entries_need_a_mode_that_has_them(world):
    name = f"{world.name}-old"
    world.control("POST", f"eks/{name}", {"accessConfig": {"authenticationMode": "CONFIG_MAP"}})
    refused(world.eks.list_access_entries, "InvalidRequestException", "authentication mode", clusterName=name)
