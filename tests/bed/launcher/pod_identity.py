"""Pod identity associations with EKS's rules and texts. Nothing hands out credentials for them: they are records."""

import json
import re
import secrets
import string

from . import principals, rights
from .calls import Refused, in_use, invalid, missing

NAMESPACE = "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"
SERVICE_ACCOUNT = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"
SUMMARY = ("clusterName", "namespace", "serviceAccount", "associationArn", "associationId", "ownerArn")
LARGEST_NUMBER = 5000
SERVICE = "pods.eks.amazonaws.com"
ACTIONS = ("sts:AssumeRole", "sts:TagSession")
CHANGEABLE = ("roleArn", "targetRoleArn", "disableSessionTags", "policy")


def _check_names(body):
    for name, form in (("namespace", NAMESPACE), ("serviceAccount", SERVICE_ACCOUNT)):
        if not re.match(form, body.get(name) or ""):
            raise invalid(f"The parameter {name} contains invalid characters. It should conform to the regular expression {form}")


def _check_passed(call, arn):
    """Only a role of the cluster's own account may be passed, by who may pass it; an empty ARN is of no account."""
    role = principals.parsed(arn)
    if role is None or role.account != call.state.account:
        raise Refused("AccessDeniedException", "Cross-account pass role is not allowed.", 403)
    rights.pass_role(call, arn, SERVICE)


def _check_role(call, arn):
    role = principals.parsed(arn)
    record = call.iam._roles.get(role.name) if role.kind == "role" else None
    if record is None or principals.unique_id(call.state, role) is None:
        raise invalid("Role provided in the request does not exist")
    if not trusts_pods(record["AssumeRolePolicyDocument"]):
        raise invalid("Trust policy of the role provided is invalid")


def trusts_pods(document):
    """Whether a trust policy lets EKS's pods assume the role and tag the session."""
    allowed = set()
    statements = json.loads(document).get("Statement") or []
    for statement in statements if isinstance(statements, list) else [statements]:
        principal = statement.get("Principal") or {}
        services = principal.get("Service", []) if isinstance(principal, dict) else []
        if statement.get("Effect") == "Allow" and SERVICE in _list(services):
            allowed |= {name for name in ACTIONS for action in _list(statement.get("Action", []))
                        if action.lower() in ("*", "sts:*", name.lower())}
    return allowed == set(ACTIONS)


def _list(value):
    return value if isinstance(value, list) else [value]


def _check_policy(policy, tags_disabled):
    if policy and not tags_disabled:
        raise invalid("When policy is specified, disableSessionTags must be set to true")
    try:
        readable = isinstance(json.loads(policy or "{}"), dict)
    except ValueError:
        readable = False
    if not readable:
        # Ours.
        raise invalid("The policy is not a JSON object")


def _of_pair(call, namespace, account):
    return next((one for _key, one in call.below(call.eks._pod_identity_associations)
                 if (one["namespace"], one["serviceAccount"]) == (namespace, account)), None)


def create(call, owner=""):
    body = call.body
    _check_names(body)
    _check_passed(call, body.get("roleArn"))
    _check_policy(body.get("policy"), body.get("disableSessionTags"))
    tags = call.tags()
    rights.tag(call, tags, f"podidentityassociation/{call.cluster_name}/*")
    call.cluster()
    _check_role(call, body["roleArn"])
    present = _of_pair(call, body["namespace"], body["serviceAccount"])
    if present:
        raise in_use(f"Association already exists: {present['associationId']}")
    if len(call.below(call.eks._pod_identity_associations)) >= LARGEST_NUMBER:
        # Ours.
        raise Refused("ResourceLimitExceededException", f"The cluster has reached its limit of {LARGEST_NUMBER} pod identity associations.")
    identity = "a-" + "".join(secrets.choice(string.ascii_lowercase + string.digits) for _ in range(17))
    now = call.eks._now()
    association = {
        "clusterName": call.cluster_name, "namespace": body["namespace"], "serviceAccount": body["serviceAccount"],
        "roleArn": body["roleArn"], "associationId": identity, "tags": tags, "createdAt": now, "modifiedAt": now,
        "associationArn": call.arn(f"podidentityassociation/{call.cluster_name}/{identity}"),
        "disableSessionTags": bool(body.get("disableSessionTags")),
    }
    if owner:
        association["ownerArn"] = owner
    for name in ("targetRoleArn", "policy"):
        _set(call, association, name, body.get(name))
    call.eks._pod_identity_associations[_key(call, identity)] = association
    call.keep_tags(association["associationArn"], tags)
    return {"association": association}


def _set(call, association, name, value):
    """Set a field, or take it away: an empty text clears. The external id comes and goes with the target role."""
    if value:
        association[name] = value
    else:
        association.pop(name, None)
    if name != "targetRoleArn":
        return
    if value:
        association["externalId"] = "/".join((call.state.region, call.state.account, call.cluster_name, association["namespace"],
                                              association["serviceAccount"]))
    else:
        association.pop("externalId", None)


def _key(call, identity):
    return f"{call.cluster_name}\x00{identity}"


def _find(call):
    call.cluster()
    association = call.eks._pod_identity_associations.get(_key(call, call.place["associationId"]))
    if association is None:
        raise missing(f"No association found with associationId {call.place['associationId']}")
    return association


def _own(association):
    """Refuse to change what an add-on owns. The text is ours."""
    if association.get("ownerArn"):
        raise Refused("InvalidRequestException", f"The association is owned by {association['ownerArn']}: change it through that add-on.")


def describe(call):
    return {"association": _find(call)}


def update(call):
    association, body = _find(call), call.body
    _own(association)
    if not any(name in body for name in CHANGEABLE):
        # Ours.
        raise invalid(f"At least one of {', '.join(CHANGEABLE)} must be given")
    if "roleArn" in body:
        _check_passed(call, body["roleArn"])
        _check_role(call, body["roleArn"])
    _check_policy(body.get("policy", association.get("policy")), body.get("disableSessionTags", association["disableSessionTags"]))
    for name in CHANGEABLE:
        if name == "disableSessionTags" and name in body:
            association[name] = bool(body[name])
        elif name in body:
            _set(call, association, name, body[name])
    association["modifiedAt"] = call.eks._now()
    return {"association": association}


def delete(call):
    association = _find(call)
    _own(association)
    return {"association": remove(call, association)}


def remove(call, association):
    call.eks._tags.pop(association["associationArn"], None)
    return call.eks._pod_identity_associations.pop(_key(call, association["associationId"]))


def list_all(call):
    call.cluster()
    wanted = {name: call.asked(name) for name in ("namespace", "serviceAccount") if call.asked(name) is not None}
    found = [one for _key, one in call.below(call.eks._pod_identity_associations)
             if all(one[name] == value for name, value in wanted.items())]
    return call.page([{name: one[name] for name in SUMMARY if name in one} for one in found], "associations")


OPERATIONS = {"CreatePodIdentityAssociation": create, "DescribePodIdentityAssociation": describe,
              "UpdatePodIdentityAssociation": update, "DeletePodIdentityAssociation": delete, "ListPodIdentityAssociations": list_all}
