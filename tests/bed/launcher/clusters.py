"""The records of clusters, as the control routes make and change them. They point at the bed's kube-apiserver."""

import re

from . import access_entries, access_policies, decisions, principals
from .calls import Call

VERSIONS = ("1.36", "1.35", "1.34", "1.33", "1.32", "1.31")
STATUSES = ("CREATING", "ACTIVE", "DELETING", "FAILED", "UPDATING", "PENDING")
# What the API never shows: who made the cluster, its Fargate profiles (name -> role), when after a switch EKS's own entries come, and how
# the next update ends.
HIDDEN = {"creator": "_creator", "fargateProfiles": "_fargate", "ownEntriesAfter": "_own_entries_after", "nextUpdate": "_next_update"}
FIELDS = {"endpoint", "certificateAuthority", "issuerId", "status", "version", "accessConfig", "tags", "resourcesVpcConfig", "nodegroups",
          "accessEntries", "principalIds", *HIDDEN}


def issuer_url(state, issuer_id):
    suffix = "amazonaws.com.cn" if state.region.startswith("cn-") else "amazonaws.com"
    return f"https://oidc.eks.{state.region}.{suffix}/id/{issuer_id}"


def put(state, name, wanted):
    """Make the record of a cluster, or change one."""
    from ministack.services import eks

    if set(wanted) - FIELDS:
        raise ValueError(f"unknown fields {sorted(set(wanted) - FIELDS)}; there are {sorted(FIELDS)}")
    if not re.fullmatch(r"[0-9A-Za-z][A-Za-z0-9_-]{0,99}", name):
        raise ValueError(f"not a cluster name: {name!r}")
    if wanted.get("status", "ACTIVE") not in STATUSES:
        raise ValueError(f"status is one of {STATUSES}")
    state.enter()
    cluster = eks._clusters.get(name) or _new_record(eks, state, name)
    if "issuerId" in wanted:
        issuer_id = wanted["issuerId"].upper()
        if not re.fullmatch(r"[0-9A-F]{32}", issuer_id):
            raise ValueError("issuerId is 32 hexadecimal digits")
        state.issuers[issuer_id] = issuer_url(state, issuer_id)
        cluster["identity"] = {"oidc": {"issuer": state.issuers[issuer_id]}}
    if "certificateAuthority" in wanted:
        cluster["certificateAuthority"] = {"data": wanted["certificateAuthority"]}
    for key in ("endpoint", "status", "version", "tags"):
        if key in wanted:
            cluster[key] = wanted[key]
    eks._tags[cluster["arn"]] = dict(cluster["tags"])
    for key in ("accessConfig", "resourcesVpcConfig"):
        cluster[key] = {**cluster[key], **wanted.get(key, {})}
    for key, kept in HIDDEN.items():
        if key in wanted:
            cluster[kept] = wanted[key]
    eks._clusters[name] = cluster
    _put_children(state, eks, name, wanted)
    decisions.publish(state)
    return record(state, name)


def _put_entry(call, arn, told):
    """An entry as a service of AWS makes it: none of the rules for callers holds."""
    principal = principals.parsed(arn)
    if principal is None:
        raise ValueError(f"not the ARN of a role or user: {arn!r}")
    identity = principals.unique_id(call.state, principal) or principals.made_up_id(principal)
    entry = access_entries.store(call, principal, told.get("type", "STANDARD"), identity, told, told.get("tags", {}))
    for policy, scope in told.get("policies", {}).items():
        access_policies.put(call, entry, policy, {"namespaces": [], **scope})


def _put_children(state, eks, name, wanted):
    """Node groups, entries, and the ids that entries were made with: another than the principal has makes an entry stale."""
    for group, told in wanted.get("nodegroups", {}).items():
        body = {"nodegroupName": group, **({"nodeRole": told} if isinstance(told, str) else told)}
        eks._nodegroups.pop(f"{name}/{group}", None)
        eks._create_nodegroup(name, body)
    for arn, told in wanted.get("accessEntries", {}).items():
        _put_entry(Call(state, {"clusterName": name}), arn, told)
    for principal, identity in wanted.get("principalIds", {}).items():
        entry = eks._access_entries.get(f"{name}\x00{principal}")
        if entry is None:
            raise LookupError(f"no access entry of {principal}")
        state.principal_ids[entry["accessEntryArn"]] = identity


def _new_record(eks, state, name):
    return {
        "name": name,
        "arn": eks._cluster_arn(name),
        "createdAt": eks._now(),
        "version": VERSIONS[0],
        "endpoint": "",
        "roleArn": f"arn:aws:iam::{state.account}:role/eks-cluster",
        "resourcesVpcConfig": {
            "subnetIds": ["subnet-0a1b2c3d4e5f60718", "subnet-0b1c2d3e4f5061728"],
            "securityGroupIds": [],
            "clusterSecurityGroupId": "sg-0a1b2c3d4e5f60718",
            "vpcId": "vpc-0a1b2c3d4e5f60718",
            "endpointPublicAccess": True,
            "endpointPrivateAccess": False,
            "publicAccessCidrs": ["0.0.0.0/0"],
        },
        "kubernetesNetworkConfig": {"serviceIpv4Cidr": "10.100.0.0/16", "ipFamily": "ipv4"},
        "logging": {"clusterLogging": []},
        "status": "ACTIVE",
        "certificateAuthority": {"data": ""},
        "platformVersion": "eks.1",
        "tags": {},
        "accessConfig": {"authenticationMode": "API_AND_CONFIG_MAP"},
    }


def record(state, name):
    from ministack.services import eks

    state.enter()
    cluster = eks._clusters.get(name)
    if cluster is None:
        raise LookupError(f"no cluster {name}")
    return {key: value for key, value in cluster.items() if not key.startswith("_")}


def drop(state, name):
    from ministack.services import eks

    state.enter()
    if eks._clusters.pop(name, None) is None:
        raise LookupError(f"no cluster {name}")
    state.updates.pop(name, None)
    for store in (eks._access_entries, eks._access_policies, eks._pod_identity_associations, eks._idp_configs, eks._addons, eks._nodegroups):
        for key in [key for key in store if re.split("[\x00/]", key)[0] == name]:
            store.pop(key)
    decisions.publish(state)
    return {}
