"""Updates of a cluster: the authentication mode by UpdateClusterConfig, and what EKS puts there by itself when entries begin to count.

One update at a time: the cluster is UPDATING meanwhile, and a second one is refused. How an update ends is settled by the control routes.
"""

import json
import uuid

from . import access_entries, access_policies, decisions, principals
from .calls import Call, Refused, in_use, invalid, missing

# From -> to. There is no way back, and none that leaves one out.
TRANSITIONS = (("CONFIG_MAP", "API_AND_CONFIG_MAP"), ("API_AND_CONFIG_MAP", "API"))
CONFIGURATIONS = ("accessConfig", "logging", "resourcesVpcConfig", "upgradePolicy", "zonalShiftConfig", "computeConfig", "storageConfig",
                  "kubernetesNetworkConfig", "remoteNetworkConfig", "deletionProtection", "controlPlaneScalingConfig")


def begin(call, kind, params, effect, before=lambda: None):
    """Start an update of the cluster, `before` first: UPDATING until its time has passed, then `effect`, which is told whether it succeeded."""
    cluster, state = call.cluster(), call.state
    running = cluster.get("_update")
    if running or cluster["status"] == "UPDATING":
        raise in_use(f"Cannot {kind} because cluster {call.cluster_name} currently has update {running or uuid.uuid4()} in progress")
    if cluster["status"] != "ACTIVE":
        # Ours.
        raise Refused("InvalidRequestException", f"Cluster {call.cluster_name} is in status {cluster['status']}, and cannot be updated.")
    before()
    update = kept(call, kind, params)
    cluster["_update"], cluster["status"] = update["id"], "UPDATING"

    def end():
        if call.eks._clusters.get(call.cluster_name) is not cluster:
            return
        outcome = cluster.pop("_next_update", None) or {}
        update["status"], update["errors"] = outcome.get("status", "Successful"), outcome.get("errors", [])
        effect(update["status"] == "Successful")
        cluster.pop("_update", None)
        cluster["status"] = "ACTIVE"
        decisions.publish(state)

    answer = {**update}
    state.later("cluster_update", end)
    return answer


def kept(call, kind, params, status="InProgress"):
    update = {"id": str(uuid.uuid4()), "status": status, "type": kind, "params": params, "createdAt": call.eks._now(), "errors": []}
    call.state.updates.setdefault(call.cluster_name, {})[update["id"]] = update
    return update


def shown(update):
    """An update as the API shows it: whose it is, is asked for by parameter."""
    return {name: value for name, value in update.items() if name != "addon"}


def update_config(call):
    cluster = call.cluster()
    wanted = [name for name in CONFIGURATIONS if name in call.body]
    if len(wanted) > 1:
        raise invalid("Only one type of update can be allowed.")
    if wanted != ["accessConfig"]:
        # Ours.
        raise invalid("Invalid type for cluster update: the test bed updates accessConfig only.")
    before, after = cluster["accessConfig"].get("authenticationMode", "CONFIG_MAP"), call.body["accessConfig"].get("authenticationMode")

    def effect(succeeded):
        if succeeded:
            cluster["accessConfig"]["authenticationMode"] = after
            if before == "CONFIG_MAP":
                make_own_entries(call, cluster)

    if not cluster.get("_update") and (before, after) not in TRANSITIONS:
        raise invalid(f"Unsupported authentication mode update from {before} to {after}")
    return {"update": begin(call, "AccessConfigUpdate", [{"type": "AuthenticationMode", "value": json.dumps(after)}], effect)}


def make_own_entries(call, cluster):
    """The entries that EKS makes itself at the switch, each kind after its own time: the creator's, the managed node groups', Fargate's."""
    wanted = []
    if cluster.get("_creator"):
        wanted.append(("creator", cluster["_creator"], "STANDARD"))
    for key, group in list(call.eks._nodegroups.items()):
        if key.startswith(f"{call.cluster_name}/"):
            wanted.append(("nodegroups", group["nodeRole"], node_type(group)))
    wanted += [("fargateProfiles", role, "FARGATE_LINUX") for role in cluster.get("_fargate", {}).values()]
    for kind, arn, entry_type in wanted:
        seconds = cluster.get("_own_entries_after", {}).get(kind, 0)
        if seconds is not None:
            call.state.after(seconds, lambda arn=arn, entry_type=entry_type: own_entry(call, arn, entry_type))


def node_type(group):
    return "EC2_WINDOWS" if group.get("amiType", "").startswith("WINDOWS") else "EC2_LINUX"


def own_entry(call, arn, kind):
    """An entry that EKS makes, if there is none; the creator's with its policy."""
    principal = principals.parsed(arn)
    here = Call(call.state, {"clusterName": call.cluster_name})
    if principal is None or f"{call.cluster_name}\x00{arn}" in here.eks._access_entries:
        return
    identity = principals.unique_id(call.state, principal) or principals.made_up_id(principal)
    entry = access_entries.store(here, principal, kind, identity, {}, {})
    if kind == "STANDARD":
        policy = access_policies.arn(call.state, "AmazonEKSClusterAdminPolicy")
        access_policies.put(here, entry, policy, {"type": "cluster", "namespaces": []})
    decisions.publish(call.state)


def describe_update(call):
    call.cluster()
    update = call.state.updates.get(call.cluster_name, {}).get(call.place["updateId"])
    if update is None:
        raise missing(f"No update found for ID: {call.place['updateId']}")
    return {"update": shown(update)}


def list_updates(call):
    call.cluster()
    updates = call.state.updates.get(call.cluster_name, {}).values()
    addon = call.asked("addonName")
    return call.page([update["id"] for update in updates if update.get("addon") == addon], "updateIds")


OPERATIONS = {"UpdateClusterConfig": update_config, "DescribeUpdate": describe_update, "ListUpdates": list_updates}
