"""The authorizer of access policies: kube-apiserver asks it, by webhook and before RBAC, about whoever came in through IAM.

It knows a caller by the unique id of the principal in the token's `extra`, never by name or groups, so impersonation and reviews for somebody
else do not see it. It allows or has no opinion; RBAC is asked next. Rules are matched as RBAC's are (k8s.io/component-helpers, auth/rbac/validation).
"""

import fnmatch

from .access_policies import CONTENTS

PRINCIPAL = "sigs.k8s.io/aws-iam-authenticator/principalId"


def review(state, asked):
    """Answer one SubjectAccessReview."""
    spec = asked.get("spec") or {}
    identity = next(iter((spec.get("extra") or {}).get(PRINCIPAL) or []), None)
    reason = _allowed(state, identity, spec) if identity in state.policies else None
    status = {"allowed": True, "reason": reason} if reason else {"allowed": False}
    return {"apiVersion": asked["apiVersion"], "kind": "SubjectAccessReview", "status": status}


def _allowed(state, identity, spec):
    """Why it is allowed, in the words of EKS's audit log, or None."""
    principal, held = state.policies[identity]
    namespace = (spec.get("resourceAttributes") or {}).get("namespace") or ""
    for policy, scope in held:
        everywhere = scope["type"] == "cluster"
        within = bool(namespace) and any(fnmatch.fnmatchcase(namespace, wanted) for wanted in scope["namespaces"])
        if not (everywhere or within) or not any(_covers(rule, spec) for rule in _rules(policy.rsplit("/", 1)[1])):
            continue
        binding = f'ClusterRoleBinding "{principal}+{policy}"' if everywhere else f'RoleBinding "{principal}+{policy}/{namespace}"'
        return f'EKS Access Policy: allowed by {binding} of ClusterRole "{policy}" to User "{identity}"'
    return None


def _rules(name):
    policy = CONTENTS[name]
    return [rule for one in policy.get("includes", []) for rule in _rules(one)] + policy.get("rules", [])


def _covers(rule, spec):
    place = spec.get("nonResourceAttributes")
    if place:
        return _has(rule["verbs"], place.get("verb")) and any(
            wanted in ("*", place.get("path")) or (wanted.endswith("*") and place.get("path", "").startswith(wanted[:-1]))
            for wanted in rule.get("nonResourceURLs", []))
    place = spec.get("resourceAttributes") or {}
    resource, part = place.get("resource", ""), place.get("subresource", "")
    whole = f"{resource}/{part}" if part else resource
    return (_has(rule["verbs"], place.get("verb")) and _has(rule.get("apiGroups", []), place.get("group", ""))
            and any(wanted in ("*", whole) or (part and wanted == f"*/{part}") for wanted in rule.get("resources", [])))


def _has(wanted, value):
    return "*" in wanted or value in wanted
