"""What entries and mode decide, handed to those who decide by it: the authenticator's two files, and the authorizer's table.

The authenticator is the real one and reads both files at once when they change: `entries` for its backend DynamicFile, keyed by the unique ids of
the principals, and `backends`. With entries and an empty file the mode CONFIG_MAP needs no other backends than API_AND_CONFIG_MAP.
"""

import json
import os
import time

from . import access_entries, principals
from .calls import Call

ENTRIES, BACKENDS = "access-entries.json", "authenticator-backends.json"
ONLY_API = "DynamicFile"
BOTH = "DynamicFile EKSConfigMap"


def publish(state):
    """Let the present entries count, after the time that such a change takes."""
    view = _view(state)
    if view == state.published:
        return
    state.published = view
    state.sequence_published += 1
    number = state.sequence_published
    state.later("access", lambda: _apply(state, view, number))


def _apply(state, view, number):
    if number < state.sequence_applied:
        return
    state.sequence_applied = number
    state.policies = view["policies"]
    _write(state, ENTRIES, view["entries"])
    _write(state, BACKENDS, {"backendMode": view["backends"]})


def _view(state):
    call = Call(state, {"clusterName": state.cluster})
    cluster = call.eks._clusters.get(state.cluster)
    mode = cluster["accessConfig"].get("authenticationMode") if cluster else "CONFIG_MAP"
    roles, users, policies = [], [], {}
    for _key, entry in call.below(call.eks._access_entries) if mode != "CONFIG_MAP" else ():
        principal, identity = principals.parsed(entry["principalArn"]), state.principal_ids[entry["accessEntryArn"]]
        mapping = {"username": entry["username"], "groups": entry["kubernetesGroups"], "userid": identity}
        if principal.kind == "role":
            roles.append({"rolearn": entry["principalArn"], **mapping})
        else:
            users.append({"userarn": entry["principalArn"], **mapping})
        held = [(policy["policyArn"], policy["accessScope"]) for _key, policy in access_entries.policies_of(call, entry["principalArn"])]
        if held:
            policies[identity] = (entry["principalArn"], held)
    return {"entries": {"mapRoles": roles, "mapUsers": users}, "backends": ONLY_API if mode == "API" else BOTH, "policies": policies}


def _write(state, name, value):
    """Change a watched file in place by one write that never shortens it: its reader must see no half of it, and a file that is
    renamed into place is watched again only a second later."""
    if state.written.get(name) == value:
        return
    state.written[name] = value
    path = state.folder / name
    # The authenticator measures its delay by this.
    text = json.dumps({"LastUpdatedDateTime": str(int(time.time())), **value})
    before = path.stat().st_size if path.exists() else 0
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        os.pwrite(descriptor, text.ljust(before).encode(), 0)
    finally:
        os.close(descriptor)
