"""Access entries and policies by the API: what is derived, what is refused and in which words, how the lists are paged."""

import re

from .world import client, refused

VIEW = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy"
CLUSTER = {"type": "cluster"}


def _told(world, cluster, principal):
    return world.eks.describe_access_entry(clusterName=cluster, principalArn=principal)["accessEntry"]


def check_access_entries_are_derived_and_paged(world):
    cluster, account = world.cluster(), world.facts["account"]
    role, node, windows, fargate = (world.new_role(f"{world.name}-{name}", path) for name, path in (
        ("ops", "/team/"), ("node", "/"), ("windows", "/"), ("fargate", "/")))
    user = world.user(path="/path/")[0]
    for principal, kind in ((role, "STANDARD"), (user, "STANDARD"), (node, "EC2_LINUX"), (windows, "EC2_WINDOWS"), (fargate, "FARGATE_LINUX")):
        groups = {"kubernetesGroups": ["ops"]} if principal == role else {}
        world.eks.create_access_entry(clusterName=cluster, principalArn=principal, type=kind, **groups)
    told = _told(world, cluster, role)
    assert told["username"] == f"arn:aws:sts::{account}:assumed-role/{world.name}-ops/{{{{SessionName}}}}", told
    assert re.fullmatch(rf"arn:aws:eks:us-west-2:{account}:access-entry/{cluster}/role/{account}/{world.name}-ops/[0-9a-f-]{{36}}",
                        told["accessEntryArn"]), told
    assert _told(world, cluster, user)["username"] == user
    shown = [(_told(world, cluster, principal)["username"], _told(world, cluster, principal)["kubernetesGroups"])
             for principal in (node, windows, fargate)]
    assert shown == [("system:node:{{EC2PrivateDNSName}}", ["system:nodes"]),
                     ("system:node:{{EC2PrivateDNSName}}", ["system:nodes", "eks:kube-proxy-windows"]),
                     ("system:node:{{SessionName}}", ["system:nodes"])], shown
    pages = list(world.eks.get_paginator("list_access_entries").paginate(clusterName=cluster, PaginationConfig={"PageSize": 2}))
    assert [len(page["accessEntries"]) for page in pages] == [2, 2, 1], pages
    world.eks.associate_access_policy(clusterName=cluster, principalArn=user, policyArn=VIEW,
                                      accessScope={"type": "namespace", "namespaces": ["app"]})
    assert world.eks.list_access_entries(clusterName=cluster, associatedPolicyArn=VIEW)["accessEntries"] == [user]


def check_access_entries_need_a_mode_that_has_them(world):
    name = world.cluster("CONFIG_MAP")
    refused(world.eks.list_access_entries, "InvalidRequestException", "must be set to one of [API, API_AND_CONFIG_MAP]", clusterName=name)
    refused(world.eks.list_access_entries, "ResourceNotFoundException", "No cluster found", clusterName=f"{name}-not")


def check_access_entries_are_refused_in_the_words_of_eks(world):
    cluster, account = world.cluster(), world.facts["account"]
    role, user = world.new_role(), world.user()[0]

    def wrong(text, code="InvalidParameterException", principal=role, **more):
        refused(world.eks.create_access_entry, code, text, clusterName=cluster, principalArn=principal, **more)

    for prefix in ("system:", "eks:", "aws:", "amazon:", "iam:"):
        wrong(f"The username must not begin with {prefix}", username=f"{prefix}x")
        wrong(f"The kubernetes group name {prefix}x is invalid, it cannot start with {prefix}", kubernetesGroups=["ok", f"{prefix}x"])
    wrong("colon", username="john{{SessionName}}")
    wrong('The specified username is invalid: setting username is not allowed when the type is "EC2_LINUX"', type="EC2_LINUX", username="n")
    wrong('The specified kubernetesGroups is invalid: setting kubernetesGroups is not allowed when the type is "EC2_WINDOWS"',
          type="EC2_WINDOWS", kubernetesGroups=["n"])
    told = "[EC2_LINUX, EC2_WINDOWS, FARGATE_LINUX, HYBRID_LINUX, EC2]"
    wrong(f"AccessEntry principalArn must be IAM role when using types {told}", principal=user, type="EC2")
    wrong(f"must be from the same account as the cluster when using types {told}", principal="arn:aws:iam::999999999999:role/a", type="HYBRID_LINUX")
    for owner in (account, "999999999999"):
        linked = f"arn:aws:iam::{owner}:role/aws-service-role/eks.amazonaws.com/AWSServiceRoleForAmazonEKS"
        wrong("The caller is not allowed to modify access entries with a principalArn value of a Service Linked Role", principal=linked)
    invalid = "The specified principalArn is invalid: invalid principal"
    wrong(invalid, principal=f"arn:aws:iam::{account}:role/{world.name}-not")
    wrong(invalid, principal=role.replace(":role/", ":role/path/"))
    wrong(invalid, principal=f"arn:aws:sts::{account}:assumed-role/{world.name}-role/me")
    wrong("at 'tags'", tags={})
    world.eks.create_access_entry(clusterName=cluster, principalArn="arn:aws:iam::999999999999:role/a", username="sts:{{SessionName}}")
    world.eks.create_access_entry(clusterName=cluster, principalArn=role, type="HYPERPOD_LINUX")
    wrong("The specified access entry resource is already in use on this cluster.", code="ResourceInUseException")
    refused(world.eks.describe_access_entry, "ResourceNotFoundException", "The specified principalArn could not be found",
            clusterName=cluster, principalArn=user)


def check_an_update_resets_what_it_leaves_out(world):
    cluster, role = world.cluster(), world.new_role()
    place = {"clusterName": cluster, "principalArn": role}
    created = world.eks.create_access_entry(**place, username="ops", kubernetesGroups=["ops"])["accessEntry"]
    assert world.eks.update_access_entry(**place, username="other")["accessEntry"]["kubernetesGroups"] == []
    updated = world.eks.update_access_entry(**place, kubernetesGroups=["b", "a"])["accessEntry"]
    assert updated["username"].endswith(f"assumed-role/{world.name}-role/{{{{SessionName}}}}"), updated
    assert (updated["kubernetesGroups"], updated["accessEntryArn"]) == (["b", "a"], created["accessEntryArn"])
    refused(world.eks.update_access_entry, "InvalidParameterException", "must not begin with aws:", **place, username="aws:x")


def check_access_policies_are_listed_and_limited(world):
    cluster, role, node = world.cluster(), world.new_role(), world.new_role(f"{world.name}-node")
    names = [one["arn"] for page in world.eks.get_paginator("list_access_policies").paginate(PaginationConfig={"PageSize": 10})
             for one in page["accessPolicies"]]
    assert len(names) == len(set(names)) > 20 and VIEW in names, names
    place = {"clusterName": cluster, "principalArn": role}
    refused(world.eks.associate_access_policy, "ResourceNotFoundException", "The specified principalArn could not be found", **place,
            policyArn=VIEW, accessScope=CLUSTER)
    world.eks.create_access_entry(**place)
    world.eks.create_access_entry(clusterName=cluster, principalArn=node, type="EC2_LINUX")

    def wrong(text, policy=VIEW, scope=CLUSTER, code="InvalidParameterException", **more):
        refused(world.eks.associate_access_policy, code, text, **{**place, **more}, policyArn=policy, accessScope=scope)

    wrong("The policyArn parameter format is not valid", policy="arn:aws:iam::aws:policy/AmazonEKSClusterPolicy")
    wrong("The specified policyArn could not be found. You can view", policy=f"{VIEW}x", code="ResourceNotFoundException")
    wrong("The specified policyArn could not be found. You can view", policy=VIEW.replace("aws:", "aws-cn:", 1), code="ResourceNotFoundException")
    wrong("accessScope should not include namespaces", scope={"type": "cluster", "namespaces": ["a"]})
    wrong("At least 1 namespace must be provided", scope={"type": "namespace"})
    only_standard = 'This operation can only be performed on Access Entries with a type of "STANDARD"'
    wrong(only_standard, principalArn=node)
    refused(world.eks.list_associated_access_policies, "InvalidParameterException", only_standard, clusterName=cluster, principalArn=node)
    auto = world.new_role(f"{world.name}-auto")
    world.eks.create_access_entry(clusterName=cluster, principalArn=auto, type="EC2")
    world.eks.associate_access_policy(clusterName=cluster, principalArn=auto, accessScope=CLUSTER,
                                      policyArn="arn:aws:eks::aws:cluster-access-policy/AmazonEKSAutoNodePolicy")
    for policy in names[:20]:
        world.eks.associate_access_policy(**place, policyArn=policy, accessScope=CLUSTER)
    wrong("limit", policy=names[20], code="ResourceLimitExceededException")
    # The same again is another scope.
    world.eks.associate_access_policy(**place, policyArn=names[0], accessScope={"type": "namespace", "namespaces": ["dev-*"]})
    held = world.eks.list_associated_access_policies(**place)["associatedAccessPolicies"]
    assert len(held) == 20 and held[0]["accessScope"] == {"type": "namespace", "namespaces": ["dev-*"]}, held
    world.eks.disassociate_access_policy(**place, policyArn=names[0])
    world.eks.delete_access_entry(**place)
    world.eks.create_access_entry(**place)
    assert world.eks.list_associated_access_policies(**place)["associatedAccessPolicies"] == []


def check_the_tags_of_entries_follow_the_tags_api(world):
    cluster, role = world.cluster(), world.new_role()
    place = {"clusterName": cluster, "principalArn": role}
    arn = world.eks.create_access_entry(**place, tags={"a": "1"})["accessEntry"]["accessEntryArn"]
    world.eks.tag_resource(resourceArn=arn, tags={"b": "2"})
    world.eks.untag_resource(resourceArn=arn, tagKeys=["a"])
    assert _told(world, cluster, role)["tags"] == world.eks.list_tags_for_resource(resourceArn=arn)["tags"] == {"b": "2"}
    world.eks.delete_access_entry(**place)
    gone = arn.replace("access-entry", "nodegroup").rsplit("/", 3)[0]
    refused(world.eks.tag_resource, "NotFoundException", resourceArn=f"{gone}/x", tags={"b": "2"})
    refused(world.eks.list_tags_for_resource, "BadRequestException", resourceArn=arn)


def check_a_cluster_has_at_most_3000_entries(world):
    cluster = world.cluster(accessEntries={f"arn:aws:iam::999999999999:role/r{number}": {} for number in range(2999)})
    world.eks.create_access_entry(clusterName=cluster, principalArn=world.new_role())
    refused(world.eks.create_access_entry, "ResourceLimitExceededException", "3000", clusterName=cluster, principalArn=world.user()[0])
    pages = world.eks.get_paginator("list_access_entries").paginate(clusterName=cluster)
    assert [len(page["accessEntries"]) for page in pages] == [100] * 30


def check_entries_of_services_are_there_and_cannot_be_changed(world):
    linked = f"arn:aws:iam::{world.facts['account']}:role/aws-service-role/eks.amazonaws.com/AWSServiceRoleForAmazonEKS"
    insights = VIEW.replace("ViewPolicy", "ClusterInsightsPolicy")
    cluster = world.cluster(accessEntries={linked: {"policies": {insights: CLUSTER}}})
    place = {"clusterName": cluster, "principalArn": linked}
    assert _told(world, cluster, linked)["type"] == "STANDARD"
    assert world.eks.list_associated_access_policies(**place)["associatedAccessPolicies"][0]["policyArn"] == insights
    for call in (world.eks.delete_access_entry, world.eks.update_access_entry):
        refused(call, "InvalidParameterException", "Service Linked Role", **place)


def check_a_principal_that_is_not_known_yet_is_known_later(world):
    cluster, role = world.cluster(), world.new_role()
    place = {"clusterName": cluster, "principalArn": role}
    world.eks.create_access_entry(**place)
    late = {"service": "eks", "action": "AssociateAccessPolicy", "code": "ResourceNotFoundException",
            "message": "The specified principalArn could not be found", "count": 2}
    world.control("POST", "faults", late)
    for _ in range(2):
        refused(world.eks.associate_access_policy, "ResourceNotFoundException", "could not be found", **place, policyArn=VIEW, accessScope=CLUSTER)
    world.eks.associate_access_policy(**place, policyArn=VIEW, accessScope=CLUSTER)


def check_the_rights_of_the_caller_count(world):
    keys = world.facts["people"]["planner"]
    planner, cluster, role = client("eks", keys["access_key_id"], keys["secret_access_key"]), world.cluster(), world.new_role(path="/a/b/")
    place = {"clusterName": cluster, "principalArn": role}
    world.eks.create_access_entry(**place)
    assert planner.list_access_policies()["accessPolicies"] and planner.describe_access_entry(**place)
    refused(planner.delete_access_entry, "AccessDeniedException", "eks:DeleteAccessEntry", **place)
    refused(planner.associate_access_policy, "AccessDeniedException", "eks:AssociateAccessPolicy", **place, policyArn=VIEW, accessScope=CLUSTER)
    refused(planner.update_cluster_config, "AccessDeniedException", "eks:UpdateClusterConfig", name=cluster,
            accessConfig={"authenticationMode": "API"})


def check_tags_and_nodes_need_more_rights(world):
    cluster, role, node = world.cluster(), world.new_role(), world.new_role(f"{world.name}-node")
    eks = world.allowed({"Effect": "Allow", "Action": "eks:CreateAccessEntry", "Resource": "*"})
    refused(eks.create_access_entry, "AccessDeniedException", "eks:TagResource", clusterName=cluster, principalArn=role, tags={"a": "b"})
    refused(eks.create_access_entry, "AccessDeniedException", f"iam:PassRole on resource: {node}", clusterName=cluster, principalArn=node,
            type="EC2_LINUX")
    eks.create_access_entry(clusterName=cluster, principalArn=role)
