"""EKS access policies: which there are, and which entry has them in which scope.

What each allows is in access-policies.json; authorizer.py decides by it. The API tells no contents, as EKS's does not.
"""

import json
import re
from pathlib import Path

from . import access_entries
from .calls import Refused, invalid, missing

CONTENTS = json.loads((Path(__file__).resolve().parent / "access-policies.json").read_text(encoding="utf-8"))
FORM = re.compile(r"arn:aws[a-z-]*:eks::aws:cluster-access-policy/[A-Za-z0-9]+")
LARGEST_NUMBER = 20
# Of the node types, the one of Auto Mode takes a policy.
TYPES = ("STANDARD", "EC2")


def partition(state):
    return next((name for start, name in (("cn-", "aws-cn"), ("us-gov-", "aws-us-gov")) if state.region.startswith(start)), "aws")


def arn(state, name):
    return f"arn:{partition(state)}:eks::aws:cluster-access-policy/{name}"


def every(state):
    return [{"name": name, "arn": arn(state, name)} for name in sorted(CONTENTS)]


def list_policies(call):
    return call.page(every(call.state), "accessPolicies")


def _scope(call):
    scope = call.body.get("accessScope") or {}
    kind, namespaces = scope.get("type"), list(scope.get("namespaces") or [])
    if kind not in ("cluster", "namespace"):
        # Ours.
        raise invalid("The accessScope type must be one of [cluster, namespace]")
    if kind == "cluster" and namespaces:
        raise invalid("accessScope should not include namespaces if the type is not set as namespace")
    if kind == "namespace" and not namespaces:
        raise invalid("At least 1 namespace must be provided if the type is set as namespace")
    return {"type": kind, "namespaces": namespaces}


def _check_type(entry):
    if entry["type"] not in TYPES:
        raise invalid('This operation can only be performed on Access Entries with a type of "STANDARD".')


def associate(call):
    entry = access_entries.changeable(call)
    policy, scope = call.body.get("policyArn", ""), _scope(call)
    if not FORM.fullmatch(policy):
        raise invalid("The policyArn parameter format is not valid")
    if policy not in (one["arn"] for one in every(call.state)):
        raise missing("The specified policyArn could not be found. You can view your available access policies with 'list-access-policies'")
    _check_type(entry)
    return _answer(call, entry, associatedAccessPolicy=put(call, entry, policy, scope))


def put(call, entry, policy, scope):
    """Give an entry a policy; one that it has already takes the new scope."""
    held, key, now = access_entries.policies_of(call, entry["principalArn"]), _key(call, entry, policy), call.eks._now()
    before = dict(held).get(key)
    if before is None and len(held) >= LARGEST_NUMBER:
        # Ours.
        raise Refused("ResourceLimitExceededException", f"The access entry has reached its limit of {LARGEST_NUMBER} access policies.")
    association = {"policyArn": policy, "accessScope": scope, "associatedAt": (before or {}).get("associatedAt", now), "modifiedAt": now}
    call.eks._access_policies[key] = association
    return association


def disassociate(call):
    entry = access_entries.changeable(call)
    if call.eks._access_policies.pop(_key(call, entry, call.place["policyArn"]), None) is None:
        raise missing("The specified policyArn could not be found")
    return {}


def list_associated(call):
    entry = access_entries.find(call)
    # It refuses to list as well: https://github.com/aws-controllers-k8s/community/issues/2144.
    _check_type(entry)
    policies = [policy for _key, policy in access_entries.policies_of(call, entry["principalArn"])]
    return _answer(call, entry, **call.page(policies, "associatedAccessPolicies"))


def _key(call, entry, policy):
    return f"{call.cluster_name}\x00{entry['principalArn']}\x00{policy}"


def _answer(call, entry, **more):
    return {"clusterName": call.cluster_name, "principalArn": entry["principalArn"], **more}


OPERATIONS = {"ListAccessPolicies": list_policies, "AssociateAccessPolicy": associate, "DisassociateAccessPolicy": disassociate,
              "ListAssociatedAccessPolicies": list_associated}
