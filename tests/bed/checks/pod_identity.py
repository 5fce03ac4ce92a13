"""Pod identity associations and the add-ons that own some."""

import json
import re

from .world import refused


def check_associations_have_the_rules_of_eks(world):
    cluster, role = world.cluster(), world.pods_role()
    place = {"clusterName": cluster, "namespace": "app", "serviceAccount": "a.b"}

    def wrong(text, code="InvalidParameterException", **more):
        refused(world.eks.create_pod_identity_association, code, text, **{**place, "roleArn": role, **more})

    wrong("The parameter namespace contains invalid characters. It should conform to the regular expression ^[a-z0-9]([-a-z0-9]*[a-z0-9])?$",
          namespace="a.b")
    wrong("The parameter serviceAccount contains invalid characters.", serviceAccount="A_b")
    for foreign in ("arn:aws:iam::999999999999:role/a", ""):
        wrong("Cross-account pass role is not allowed.", code="AccessDeniedException", roleArn=foreign)
    wrong("Role provided in the request does not exist", roleArn=f"{role}-not")
    wrong("Trust policy of the role provided is invalid", roleArn=world.pods_role(f"{world.name}-tags", actions=["sts:AssumeRole"]))
    wrong("When policy is specified, disableSessionTags must be set to true", policy="{}")
    wrong("JSON", policy="{", disableSessionTags=True)
    made = world.eks.create_pod_identity_association(**place, roleArn=role, tags={"a": "1"})["association"]
    assert re.fullmatch("a-[a-z0-9]{17}", made["associationId"]), made
    assert made["associationArn"].endswith(f":podidentityassociation/{cluster}/{made['associationId']}")
    assert made["disableSessionTags"] is False and "externalId" not in made and "ownerArn" not in made, made
    wrong(f"Association already exists: {made['associationId']}", code="ResourceInUseException")
    world.eks.tag_resource(resourceArn=made["associationArn"], tags={"b": "2"})
    told = world.eks.describe_pod_identity_association(clusterName=cluster, associationId=made["associationId"])["association"]
    assert told["tags"] == {"a": "1", "b": "2"}, told
    for number in range(3):
        world.eks.create_pod_identity_association(**{**place, "serviceAccount": f"s{number}"}, roleArn=role)
    pages = list(world.eks.get_paginator("list_pod_identity_associations").paginate(
        clusterName=cluster, namespace="app", PaginationConfig={"PageSize": 3}))
    assert [len(page["associations"]) for page in pages] == [3, 1] and "roleArn" not in pages[0]["associations"][0], pages


def check_an_association_keeps_what_an_update_leaves_out_and_clears_what_is_empty(world):
    cluster, role, target = world.cluster(), world.pods_role(), "arn:aws:iam::999999999999:role/target"
    policy = json.dumps({"Version": "2012-10-17", "Statement": []})
    made = world.eks.create_pod_identity_association(clusterName=cluster, namespace="app", serviceAccount="a", roleArn=role, targetRoleArn=target,
                                                     disableSessionTags=True, policy=policy)["association"]
    assert made["externalId"] == f"us-west-2/{world.facts['account']}/{cluster}/app/a", made
    place = {"clusterName": cluster, "associationId": made["associationId"]}
    other = world.pods_role(f"{world.name}-other")
    updated = world.eks.update_pod_identity_association(**place, roleArn=other)["association"]
    assert (updated["roleArn"], updated["targetRoleArn"], updated["policy"]) == (other, target, policy), updated
    refused(world.eks.update_pod_identity_association, "InvalidParameterException", "disableSessionTags must be set to true", **place,
            disableSessionTags=False)
    cleared = world.eks.update_pod_identity_association(**place, targetRoleArn="", policy="")["association"]
    assert not {"targetRoleArn", "externalId", "policy"} & cleared.keys() and cleared["disableSessionTags"], cleared
    refused(world.eks.update_pod_identity_association, "InvalidParameterException", **place)
    refused(world.eks.update_pod_identity_association, "InvalidParameterException", "does not exist", **place, roleArn=f"{role}-not")
    world.eks.delete_pod_identity_association(**place)
    refused(world.eks.describe_pod_identity_association, "ResourceNotFoundException", **place)


def check_the_agent_is_an_addon_that_takes_its_time(world):
    cluster = world.cluster()
    world.control("PUT", "seconds", {"addon": 0.4})
    place = {"clusterName": cluster, "addonName": "eks-pod-identity-agent"}
    refused(world.eks.describe_addon, "ResourceNotFoundException", **place)
    assert world.eks.create_addon(**place)["addon"]["status"] == "CREATING"
    refused(world.eks.create_addon, "ResourceInUseException", **place)
    assert world.eks.describe_addon(**place)["addon"]["status"] == "CREATING"
    world.until(lambda: world.eks.describe_addon(**place)["addon"]["status"] == "ACTIVE", "the add-on")
    assert world.eks.list_addons(clusterName=cluster)["addons"] == ["eks-pod-identity-agent"]
    versions = world.eks.describe_addon_versions(addonName="eks-pod-identity-agent", kubernetesVersion="1.36")["addons"]
    assert versions[0]["addonVersions"][0]["compatibilities"][0]["defaultVersion"], versions
    world.eks.delete_addon(**place)
    assert world.eks.list_addons(clusterName=cluster)["addons"] == []


def check_an_addon_owns_its_associations(world):
    cluster, role, place = world.cluster(), world.pods_role(), {"addonName": "vpc-cni"}
    place["clusterName"] = cluster
    wanted = [{"serviceAccount": "aws-node", "roleArn": role}]
    refused(world.eks.create_addon, "InvalidParameterException", "Service account x in pod identity configuration is not supported for addon vpc-cni",
            **place, podIdentityAssociations=[{"serviceAccount": "x", "roleArn": role}])
    refused(world.eks.create_addon, "InvalidParameterException", "Pod Identity feature is not supported for addon version", clusterName=cluster,
            addonName="coredns", podIdentityAssociations=wanted)
    addon = world.eks.create_addon(**place, podIdentityAssociations=wanted)["addon"]
    [association] = world.eks.list_pod_identity_associations(clusterName=cluster)["associations"]
    assert addon["podIdentityAssociations"] == [association["associationArn"]] and association["ownerArn"] == addon["addonArn"]
    refused(world.eks.delete_pod_identity_association, "InvalidRequestException", addon["addonArn"], clusterName=cluster,
            associationId=association["associationId"])
    refused(world.eks.update_addon, "InvalidParameterException", "does not exist", **place,
            podIdentityAssociations=[{"serviceAccount": "aws-node", "roleArn": f"{role}-not"}])
    assert world.eks.list_pod_identity_associations(clusterName=cluster)["associations"] == [association]
    update = world.eks.update_addon(**place, podIdentityAssociations=[])["update"]
    assert world.eks.describe_update(name=cluster, addonName="vpc-cni", updateId=update["id"])["update"]["status"] == "Successful"
    assert world.eks.list_pod_identity_associations(clusterName=cluster)["associations"] == []
    configuration = world.eks.describe_addon_configuration(addonName="vpc-cni", addonVersion="v1.20.4-eksbuild.2")
    assert configuration["podIdentityConfiguration"][0]["serviceAccount"] == "aws-node"


def check_an_association_needs_the_right_to_pass_its_role(world):
    cluster, role, other = world.cluster(), world.pods_role(), world.pods_role(f"{world.name}-other")
    eks = world.allowed(
        {"Effect": "Allow", "Action": "eks:*", "Resource": "*"},
        {"Effect": "Allow", "Action": "iam:PassRole", "Resource": role,
         "Condition": {"StringEquals": {"iam:PassedToService": "pods.eks.amazonaws.com"}}})
    place = {"clusterName": cluster, "namespace": "app", "serviceAccount": "a"}
    refused(eks.create_pod_identity_association, "AccessDeniedException", f"iam:PassRole on resource: {other}", **place, roleArn=other)
    made = eks.create_pod_identity_association(**place, roleArn=role)["association"]
    place = {"clusterName": cluster, "associationId": made["associationId"]}
    refused(eks.update_pod_identity_association, "AccessDeniedException", "iam:PassRole", **place, roleArn=other)
    eks.update_pod_identity_association(**place, disableSessionTags=True)
