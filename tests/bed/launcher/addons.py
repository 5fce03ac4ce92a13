"""Add-ons, as far as pod identity needs them: the agent itself, and those whose service accounts own associations.

Only records: nothing is installed in Kubernetes.
"""

import json

from . import pod_identity, rights, updates
from .calls import Call, Refused, in_use, invalid, missing

AGENT = "eks-pod-identity-agent"
# Add-on -> (version, namespace, service accounts that may have an association, policies that it recommends for them).
KNOWN = {
    AGENT: ("v1.3.8-eksbuild.2", "kube-system", (), ()),
    "vpc-cni": ("v1.20.4-eksbuild.2", "kube-system", ("aws-node",), ("AmazonEKS_CNI_Policy",)),
    "aws-ebs-csi-driver": ("v1.53.0-eksbuild.1", "kube-system", ("ebs-csi-controller-sa",), ("service-role/AmazonEBSCSIDriverPolicy",)),
    "coredns": ("v1.13.1-eksbuild.1", "kube-system", (), ()),
    "kube-proxy": ("v1.36.0-eksbuild.2", "kube-system", (), ()),
}


def _key(call, name):
    return f"{call.cluster_name}/{name}"


def _find(call):
    call.cluster()
    addon = call.eks._addons.get(_key(call, call.place["addonName"]))
    if addon is None:
        raise missing(f"No addon: {call.place['addonName']} found in cluster: {call.cluster_name}")
    return addon


def _shown(addon):
    return {name: value for name, value in addon.items() if value not in (None, "")}


def _own_associations(call, addon, wanted):
    """Make the add-on's associations the wanted ones; `wanted` is the whole list."""
    name = addon["addonName"]
    accounts = KNOWN[name][2]
    if wanted and not accounts:
        raise invalid("Pod Identity feature is not supported for addon version")
    for one in wanted:
        if one.get("serviceAccount") not in accounts:
            raise invalid(f"Service account {one.get('serviceAccount')} in pod identity configuration is not supported for addon {name}")
    before, arns = call.below(call.eks._pod_identity_associations), list(addon["podIdentityAssociations"])
    _drop_associations(call, addon)
    place = {"clusterName": call.cluster_name}
    try:
        for one in wanted:
            body = {"namespace": KNOWN[name][1], "serviceAccount": one["serviceAccount"], "roleArn": one.get("roleArn", "")}
            association = pod_identity.create(Call(call.state, place, body, caller=call.caller), owner=addon["addonArn"])["association"]
            addon["podIdentityAssociations"].append(association["associationArn"])
    except Refused:
        _drop_associations(call, addon)
        for key, association in before:
            call.eks._pod_identity_associations[key] = association
        addon["podIdentityAssociations"] = arns
        raise


def _drop_associations(call, addon):
    for _key, association in call.below(call.eks._pod_identity_associations):
        if association.get("ownerArn") == addon["addonArn"]:
            pod_identity.remove(call, association)
    addon["podIdentityAssociations"] = []


def _settle(call, addon, status):
    addon["status"] = status

    def end():
        if call.eks._addons.get(_key(call, addon["addonName"])) is addon:
            addon["status"] = "ACTIVE"

    call.state.later("addon", end)


def create(call):
    call.cluster()
    name = call.body.get("addonName", "")
    if name not in KNOWN:
        raise invalid(f"Addon {name} specified is not supported")
    if _key(call, name) in call.eks._addons:
        raise in_use("Addon already exists.")
    now, tags = call.eks._now(), call.tags()
    rights.tag(call, tags, f"addon/{call.cluster_name}/*")
    addon = {"addonName": name, "clusterName": call.cluster_name, "addonVersion": call.body.get("addonVersion") or KNOWN[name][0],
             "addonArn": call.eks._addon_arn(call.cluster_name, name), "createdAt": now, "modifiedAt": now, "tags": tags,
             "serviceAccountRoleArn": call.body.get("serviceAccountRoleArn"), "configurationValues": call.body.get("configurationValues"),
             "podIdentityAssociations": [], "health": {"issues": []}}
    _own_associations(call, addon, call.body.get("podIdentityAssociations") or [])
    call.keep_tags(addon["addonArn"], tags)
    call.eks._addons[_key(call, name)] = addon
    _settle(call, addon, "CREATING")
    return {"addon": {**_shown(addon), "status": "CREATING"}}


def describe(call):
    return {"addon": _shown(_find(call))}


def list_all(call):
    call.cluster()
    names = [addon["addonName"] for key, addon in call.eks._addons.items() if key.startswith(f"{call.cluster_name}/")]
    return call.page(names, "addons")


def update(call):
    addon = _find(call)
    for name in ("addonVersion", "serviceAccountRoleArn", "configurationValues"):
        if name in call.body:
            addon[name] = call.body[name]
    if "podIdentityAssociations" in call.body:
        _own_associations(call, addon, call.body["podIdentityAssociations"] or [])
        # An account has one of the two.
        addon["serviceAccountRoleArn"] = None if call.body["podIdentityAssociations"] else addon["serviceAccountRoleArn"]
    addon["modifiedAt"] = call.eks._now()
    change = updates.kept(call, "AddonUpdate", [])
    change["addon"] = addon["addonName"]
    answer = updates.shown(change)
    addon["status"] = "UPDATING"

    def end():
        change["status"] = "Successful"
        addon["status"] = "ACTIVE"

    call.state.later("addon", end)
    return {"update": answer}


def delete(call):
    addon = _find(call)
    _drop_associations(call, addon)
    call.eks._tags.pop(addon["addonArn"], None)
    call.eks._addons.pop(_key(call, addon["addonName"]))
    return {"addon": {**_shown(addon), "status": "DELETING"}}


def describe_versions(call):
    name = call.asked("addonName")
    versions = [{
        "addonName": one, "type": "networking", "owner": "aws", "publisher": "eks", "defaultNamespace": namespace,
        "addonVersions": [{"addonVersion": version, "architecture": ["amd64", "arm64"], "requiresConfiguration": False,
                           "requiresIamPermissions": bool(accounts),
                           "compatibilities": [{"clusterVersion": call.asked("kubernetesVersion") or "1.36", "platformVersions": ["*"],
                                                "defaultVersion": True}]}],
    } for one, (version, namespace, accounts, _policies) in KNOWN.items() if name in (None, one)]
    return call.page(versions, "addons")


def describe_configuration(call):
    name = call.asked("addonName")
    if name not in KNOWN:
        raise invalid(f"Addon {name} specified is not supported")
    version, _namespace, accounts, policies = KNOWN[name]
    wanted = [{"serviceAccount": account, "recommendedManagedPolicies": [f"arn:aws:iam::aws:policy/{policy}" for policy in policies]}
              for account in accounts]
    return {"addonName": name, "addonVersion": call.asked("addonVersion") or version,
            "configurationSchema": json.dumps({"type": "object"}), "podIdentityConfiguration": wanted}


OPERATIONS = {"CreateAddon": create, "DescribeAddon": describe, "ListAddons": list_all, "UpdateAddon": update, "DeleteAddon": delete,
              "DescribeAddonVersions": describe_versions, "DescribeAddonConfiguration": describe_configuration}
