"""EKS access entries with EKS's rules and texts.

The order of the checks was measured by others on the live API: what the request alone shows comes before the look at the cluster. Texts that
are not recorded anywhere are marked "ours".
"""

import re
import uuid

from . import principals, rights
from .calls import Refused, in_use, invalid, missing

MODES = ("API", "API_AND_CONFIG_MAP")
REFUSED_MODE = "The cluster's authentication mode must be set to one of [API, API_AND_CONFIG_MAP] to perform this operation."
NODE_TYPES = ("EC2_LINUX", "EC2_WINDOWS", "FARGATE_LINUX", "HYBRID_LINUX", "EC2", "HYPERPOD_LINUX")
# Those that the message names; HYPERPOD_LINUX came later.
NODE_TYPES_TOLD = "[EC2_LINUX, EC2_WINDOWS, FARGATE_LINUX, HYBRID_LINUX, EC2]"
# Nobody has measured what the other two take.
NAMELESS_TYPES = ("EC2_LINUX", "EC2_WINDOWS", "FARGATE_LINUX", "HYBRID_LINUX")
RESERVED = ("system:", "eks:", "aws:", "amazon:", "iam:")
LARGEST_NUMBER = 3000
SERVICE_LINKED = "The caller is not allowed to modify access entries with a principalArn value of a Service Linked Role"
NOT_FOUND = "The specified principalArn could not be found. You can view your available access entries with 'list-access-entries'."
BY_INSTANCE, BY_SESSION = "system:node:{{EC2PrivateDNSName}}", "system:node:{{SessionName}}"
NODE_NAMES = {"FARGATE_LINUX": BY_SESSION, "HYBRID_LINUX": BY_SESSION, "HYPERPOD_LINUX": BY_SESSION}


def in_mode(call):
    """The cluster, refused while it reads nothing but aws-auth."""
    cluster = call.cluster()
    if cluster["accessConfig"].get("authenticationMode") not in MODES:
        raise Refused("InvalidRequestException", REFUSED_MODE)
    return cluster


def find(call):
    """The entry that a call is about."""
    in_mode(call)
    entry = call.eks._access_entries.get(_key(call, call.place["principalArn"]))
    if entry is None:
        raise missing(NOT_FOUND)
    return entry


def changeable(call):
    """The entry of a call that changes it: those of service-linked roles are the services' own."""
    principal = principals.parsed(call.place["principalArn"])
    if principal and principal.service_linked:
        raise invalid(SERVICE_LINKED)
    return find(call)


def policies_of(call, arn):
    """(key, association) of every policy that an entry has."""
    prefix = f"{call.cluster_name}\x00{arn}\x00"
    return [(key, policy) for key, policy in call.below(call.eks._access_policies) if key.startswith(prefix)]


def _key(call, arn):
    return f"{call.cluster_name}\x00{arn}"


def _checked(call, arn, kind, body):
    """The principal of a request whose own fields EKS would take."""
    principal = principals.parsed(arn)
    if not arn:
        raise invalid("principalArn is required.")
    if principal and principal.service_linked:
        raise invalid(SERVICE_LINKED)
    if kind != "STANDARD" and kind not in NODE_TYPES:
        # Ours.
        raise invalid(f"The specified type is invalid: {kind}")
    if kind in NODE_TYPES and principal:
        if principal.kind != "role":
            raise invalid(f"AccessEntry principalArn must be IAM role when using types {NODE_TYPES_TOLD}")
        if principal.account != call.state.account:
            raise invalid(f"AccessEntry principalArn must be from the same account as the cluster when using types {NODE_TYPES_TOLD}")
    _check_names(kind, body)
    return principal


def _check_names(kind, body):
    """EKS's rules for user name and groups."""
    username, groups = body.get("username") or "", body.get("kubernetesGroups") or []
    for field, value in (("kubernetesGroups", groups), ("username", username)):
        if value and kind in NAMELESS_TYPES:
            raise invalid(f'The specified {field} is invalid: setting {field} is not allowed when the type is "{kind}"')
    for prefix in RESERVED:
        if username.startswith(prefix):
            raise invalid(f"The username must not begin with {prefix}")
        for group in groups:
            if group.startswith(prefix):
                raise invalid(f"The kubernetes group name {group} is invalid, it cannot start with {prefix}")
    session = re.search(r"\{\{SessionName(Raw)?\}\}", username)
    if session and ":" not in username[:session.start()]:
        # Ours.
        raise invalid(f"The username must contain a colon before {session.group()}")


def derived(principal, kind, body):
    """(user name, groups): what is given, else what EKS derives. An omitted field is never kept."""
    if kind in NODE_TYPES:
        groups = ["system:nodes", "eks:kube-proxy-windows"] if kind == "EC2_WINDOWS" else ["system:nodes"]
        return body.get("username") or NODE_NAMES.get(kind, BY_INSTANCE), body.get("kubernetesGroups") or groups
    name = body.get("username")
    if not name and principal.kind == "role":
        name = f"arn:{principal.partition}:sts::{principal.account}:assumed-role/{principal.name}/{{{{SessionName}}}}"
    return name or principal.arn, list(body.get("kubernetesGroups") or [])


def create(call):
    arn, kind = call.body.get("principalArn", ""), call.body.get("type") or "STANDARD"
    principal = _checked(call, arn, kind, call.body)
    tags = call.tags()
    rights.tag(call, tags, f"access-entry/{call.cluster_name}/*")
    if kind in ("EC2_LINUX", "EC2_WINDOWS"):
        rights.pass_role(call, arn, "ec2.amazonaws.com")
    in_mode(call)
    identity = principals.unique_id(call.state, principal) if principal else None
    if identity is None:
        raise invalid("The specified principalArn is invalid: invalid principal")
    if _key(call, arn) in call.eks._access_entries:
        raise in_use("The specified access entry resource is already in use on this cluster.")
    if len(call.below(call.eks._access_entries)) >= LARGEST_NUMBER:
        # Ours.
        raise Refused("ResourceLimitExceededException", f"The cluster has reached its limit of {LARGEST_NUMBER} access entries.")
    return {"accessEntry": store(call, principal, kind, identity, call.body, tags)}


def store(call, principal, kind, identity, body, tags):
    """Keep a new entry, with the id that its principal has now: it alone decides later who is let in by it."""
    username, groups = derived(principal, kind, body)
    now = call.eks._now()
    entry = {
        "clusterName": call.cluster_name, "principalArn": principal.arn, "kubernetesGroups": groups,
        "accessEntryArn": call.arn(f"access-entry/{call.cluster_name}/{principal.kind}/{principal.account}/{principal.name}/{uuid.uuid4()}"),
        "createdAt": now, "modifiedAt": now, "tags": tags, "username": username, "type": kind,
    }
    call.eks._access_entries[_key(call, principal.arn)] = entry
    call.state.principal_ids[entry["accessEntryArn"]] = identity
    call.keep_tags(entry["accessEntryArn"], tags)
    return entry


def describe(call):
    return {"accessEntry": find(call)}


def update(call):
    entry = changeable(call)
    _check_names(entry["type"], call.body)
    entry["username"], entry["kubernetesGroups"] = derived(principals.parsed(entry["principalArn"]), entry["type"], call.body)
    entry["modifiedAt"] = call.eks._now()
    return {"accessEntry": entry}


def delete(call):
    entry = changeable(call)
    for key, _policy in policies_of(call, entry["principalArn"]):
        call.eks._access_policies.pop(key)
    call.eks._tags.pop(entry["accessEntryArn"], None)
    call.state.principal_ids.pop(entry["accessEntryArn"], None)
    call.eks._access_entries.pop(_key(call, entry["principalArn"]))
    return {}


def list_all(call):
    in_mode(call)
    policy = call.asked("associatedPolicyArn")
    arns = [entry["principalArn"] for _key, entry in call.below(call.eks._access_entries)]
    if policy:
        arns = [arn for arn in arns if any(one["policyArn"] == policy for _key, one in policies_of(call, arn))]
    return call.page(arns, "accessEntries")


OPERATIONS = {"CreateAccessEntry": create, "DescribeAccessEntry": describe, "UpdateAccessEntry": update,
              "DeleteAccessEntry": delete, "ListAccessEntries": list_all}
