"""`AWS::IAM::Role` as CloudFormation's own handler makes, changes and removes it.

ministack's takes over a role that already exists, drops the boundary and foreign tags, and deletes a role with foreign policies on it.
Texts follow the resource handler's: the service's sentence, then its SDK suffix.
"""

import json
import secrets
import string
import uuid

from .iam import ATTACHED_PER_ROLE, TRUST_POLICY, attachable, not_attachable, too_large

NAME_MAXIMUM = 64
SUFFIX = 12


def handlers():
    return {"create": create, "update": update, "update_with_logical_id": True, "delete": delete}


def failed(message, status, code, service="Iam"):
    """The reason as a resource event shows it."""
    return ValueError(
        f"Resource handler returned message: \"{message} (Service: {service}, Status Code: {status}, Request ID: {uuid.uuid4()})"
        f" (SDK Attempt Count: 1)\" (RequestToken: {uuid.uuid4()}, HandlerErrorCode: {code})")


def generated_name(stack_name, logical_id):
    """`<stack>-<logical id>-<12 random>`: the stack's part is cut so that all of it fits."""
    alphabet = string.ascii_letters + string.digits
    suffix = "".join(secrets.choice(alphabet) for _ in range(SUFFIX))
    tail = f"-{logical_id[:24]}-{suffix}"
    return stack_name[:NAME_MAXIMUM - len(tail)] + tail


def _text(document):
    return document if isinstance(document, str) else json.dumps(document)


def _inline(properties):
    return {policy["PolicyName"]: _text(policy["PolicyDocument"]) for policy in properties.get("Policies") or []}


def _tags(properties):
    return {tag["Key"]: {"Key": tag["Key"], "Value": str(tag.get("Value", ""))} for tag in properties.get("Tags") or []}


def _check(iam, properties):
    """IAM's refusals, before anything is changed."""
    from ministack.core.iam_evaluator import validate_policy_document

    trust = _text(properties.get("AssumeRolePolicyDocument") or {})
    if len(trust) > TRUST_POLICY:
        raise failed(f"Cannot exceed quota for ACLSizePerRole: {TRUST_POLICY}", 409, "ServiceLimitExceeded")
    managed = properties.get("ManagedPolicyArns") or []
    for arn in managed:
        if not attachable(iam, arn):
            raise failed(not_attachable(arn), 404, "NotFound")
    if len(managed) > ATTACHED_PER_ROLE:
        raise failed(f"Cannot exceed quota for PoliciesPerRole: {ATTACHED_PER_ROLE}", 409, "ServiceLimitExceeded")
    boundary = properties.get("PermissionsBoundary")
    if boundary and not attachable(iam, boundary):
        raise failed(f"Scope ARN: {boundary} does not exist or is not attachable.", 404, "NotFound")
    for document in _inline(properties).values():
        refusal = validate_policy_document(document)
        if refusal:
            raise failed(refusal, 400, "InvalidRequest")


def create(logical_id, properties, stack_name):
    from ministack.core.responses import get_account_id
    from ministack.services import iam

    name = properties.get("RoleName") or generated_name(stack_name, logical_id)
    if name in iam._roles:
        raise failed(f"Role with name {name} already exists.", 409, "AlreadyExists")
    _check(iam, properties)
    path = properties.get("Path") or "/"
    role = {
        "RoleName": name,
        "Arn": f"arn:aws:iam::{get_account_id()}:role{path}{name}",
        "RoleId": iam._gen_id("AROA"),
        "CreateDate": iam._now(),
        "Path": path,
        "AssumeRolePolicyDocument": _text(properties.get("AssumeRolePolicyDocument") or {}),
        "Description": properties.get("Description", ""),
        "MaxSessionDuration": int(properties.get("MaxSessionDuration", 3600)),
        "PermissionsBoundary": properties.get("PermissionsBoundary") or None,
        "AttachedPolicies": [],
        "InlinePolicies": _inline(properties),
        "Tags": list(_tags(properties).values()),
    }
    for arn in properties.get("ManagedPolicyArns") or []:
        iam.attach_managed_policy(role, arn)
    iam._roles[name] = role
    return name, {"Arn": role["Arn"], "RoleId": role["RoleId"]}


def update(name, old, new, _stack_name, _logical_id=None):
    """Change the live role by what differs between the two templates; what others added stays."""
    from ministack.services import iam

    role = iam._roles.get(name)
    if role is None:
        raise failed(f"The role with name {name} cannot be found.", 404, "NotFound")
    _check(iam, new)
    role["AssumeRolePolicyDocument"] = _text(new.get("AssumeRolePolicyDocument") or {})
    role["Description"] = new.get("Description", "")
    role["MaxSessionDuration"] = int(new.get("MaxSessionDuration", 3600))
    if old.get("PermissionsBoundary") or new.get("PermissionsBoundary"):
        role["PermissionsBoundary"] = new.get("PermissionsBoundary") or None
    before, after = set(old.get("ManagedPolicyArns") or []), list(new.get("ManagedPolicyArns") or [])
    for arn in sorted(before - set(after)):
        iam.detach_managed_policy(role, arn)
    for arn in after:
        if arn not in before:
            iam.attach_managed_policy(role, arn)
    inline = _inline(new)
    for gone in _inline(old).keys() - inline.keys():
        role["InlinePolicies"].pop(gone, None)
    role["InlinePolicies"].update(inline)
    tags = {tag["Key"]: tag for tag in role["Tags"] if tag["Key"] not in _tags(old)}
    role["Tags"] = list({**_tags(new), **{key: tag for key, tag in tags.items() if key not in _tags(new)}}.values())
    return name, {"Arn": role["Arn"], "RoleId": role["RoleId"]}


def delete(name, properties):
    """Remove the role; one that is gone already counts as removed, one that carries foreign policies stays."""
    from ministack.services import iam

    role = iam._roles.get(name)
    if role is None:
        return
    if set(role["AttachedPolicies"]) - set(properties.get("ManagedPolicyArns") or []):
        raise failed("Cannot delete entity, must detach all policies first.", 409, "ResourceConflict")
    if set(role["InlinePolicies"]) - set(_inline(properties)):
        raise failed("Cannot delete entity, must delete policies first.", 409, "ResourceConflict")
    for arn in list(role["AttachedPolicies"]):
        iam.detach_managed_policy(role, arn)
    iam._roles.pop(name, None)


def check_inline_size(name, properties):
    """The refusal of an `AWS::IAM::Policy` that makes a role's inline policies too large."""
    from ministack.services import iam

    for role_name in properties.get("Roles") or []:
        role = iam._roles.get(role_name)
        refusal = role and too_large(role, name, _text(properties.get("PolicyDocument") or {}))
        if refusal:
            raise failed(refusal, 409, "ServiceLimitExceeded")
