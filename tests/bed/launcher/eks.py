"""EKS: which of its calls are the launcher's own and which ministack's, and the documents of the issuer."""

import functools
import json
import re
import urllib.parse

from . import access_entries, access_policies, addons, decisions, identity_providers, pod_identity, updates
from .calls import Call, Refused, missing
from .clusters import VERSIONS
from .state import is_write

ISSUER_PATH = re.compile(r"/id/([0-9A-Fa-f]{32})/(keys|\.well-known/openid-configuration)")


def install(state):
    from ministack.core.router import extract_access_key_id
    from ministack.services import eks

    handle = eks._handle_request_sync

    def handle_more(method, path, headers, body, query_params):
        name, place = _matched(method, path)
        with state.lock:
            state.enter()
            if name in OPERATIONS:
                caller = extract_access_key_id(headers, query_params)
                return _answered(eks, name, Call(state, place, _json(body), query_params, caller))
            answer = handle(method, path, headers, body, query_params)
            if method != "GET":
                _show_tags(eks)
                decisions.publish(state)
            return answer

    eks._handle_request_sync = handle_more
    eks._bootstrap_creator_access_entry = lambda name, cluster, creator: _bootstrap(state, name, cluster, creator)
    eks._create_nodegroup = _with_entry(state, eks._create_nodegroup)
    eks._resolve_tag_resource_arn = _resolving(eks, eks._resolve_tag_resource_arn)
    decisions.publish(state)


def _json(body):
    try:
        return json.loads(body) if body else {}
    except ValueError:
        return {}


def _answered(eks, name, call):
    try:
        answer = eks._json_resp(200, OPERATIONS[name](call))
    except Refused as refusal:
        return eks._error(refusal.status, refusal.code, str(refusal))
    if is_write(name):
        decisions.publish(call.state)
    return answer


def invoke(state, name, place, body=None):
    """Make one of the launcher's own EKS calls, as CloudFormation's handlers do; raises `Refused`."""
    with state.lock:
        state.enter()
        answer = OPERATIONS[name](Call(state, place, body or {}))
        decisions.publish(state)
        return answer


def _show_tags(eks):
    """ministack keeps the tags of TagResource apart, and the descriptions go on showing those of the creation."""
    stores = ((eks._clusters, "arn"), (eks._access_entries, "accessEntryArn"), (eks._addons, "addonArn"), (eks._idp_configs, "arn"),
              (eks._pod_identity_associations, "associationArn"))
    for store, arn in stores:
        for record in store.values():
            record["tags"] = dict(eks._tags.get(record[arn], {}))


def _resolving(eks, resolve):
    """What an ARN of the tags API names: also what ministack does not know the form of, and with the codes that this API has."""
    def resolved(arn):
        if (any(one["associationArn"] == arn for one in eks._pod_identity_associations.values())
                or any(one["accessEntryArn"] == arn for one in eks._access_entries.values())):
            return arn, None
        found, refusal = resolve(arn)
        if refusal and refusal[0] == 404:
            return None, eks._error(404, "NotFoundException", "The specified resource was not found.")
        return found, eks._error(400, "BadRequestException", f"Invalid resourceArn: {arn}") if refusal else None

    return resolved


def _bootstrap(state, name, cluster, creator):
    """The creator of a cluster gets an entry where there can be one; else at the switch."""
    if not cluster["accessConfig"].get("bootstrapClusterCreatorAdminPermissions", True):
        return
    cluster["_creator"] = creator
    if cluster["accessConfig"].get("authenticationMode") in access_entries.MODES:
        updates.own_entry(Call(state, {"clusterName": name}), creator, "STANDARD")


def _with_entry(state, create):
    """A managed node group's role gets its entry from EKS where there can be one."""
    def created(cluster_name, body):
        answer = create(cluster_name, body)
        call = Call(state, {"clusterName": cluster_name})
        if answer[0] == 200 and call.cluster()["accessConfig"].get("authenticationMode") in access_entries.MODES:
            group = call.eks._nodegroups[f"{cluster_name}/{body['nodegroupName']}"]
            updates.own_entry(call, group["nodeRole"], updates.node_type(group))
        return answer

    return created


def _list_fargate_profiles(call):
    return call.page(sorted(call.cluster().get("_fargate", {})), "fargateProfileNames")


def _describe_fargate_profile(call):
    name = call.place["fargateProfileName"]
    role = call.cluster().get("_fargate", {}).get(name)
    if role is None:
        raise missing(f"No Fargate Profile found with name: {name}.")
    return {"fargateProfile": {"fargateProfileName": name, "clusterName": call.cluster_name, "podExecutionRoleArn": role, "status": "ACTIVE",
                               "fargateProfileArn": call.arn(f"fargateprofile/{call.cluster_name}/{name}/0"), "subnets": [], "selectors": [],
                               "tags": {}}}


@functools.cache
def _routes():
    """(method, pattern, operation) of every EKS call, from the service model: the path with the most literal parts first."""
    from botocore.loaders import Loader

    def one(part):
        """A parameter, by its name; an ARN comes with its slashes."""
        return f"(?P<{part[1:-1]}>{'.+' if part.endswith('Arn}') else '[^/]+'})" if part.startswith("{") else re.escape(part)

    routes = []
    for name, operation in Loader().load_service_model("eks", "service-2")["operations"].items():
        path = operation["http"]["requestUri"].split("?")[0]
        pattern = "/".join(map(one, path.split("/")))
        literal = sum(not part.startswith("{") for part in path.split("/"))
        routes.append((literal, operation["http"]["method"], re.compile(pattern), name))
    return [route[1:] for route in sorted(routes, key=lambda route: -route[0])]


@functools.lru_cache(maxsize=4096)
def _matched(method, path):
    """The name of the EKS call that a method and path make, and what the path names."""
    path = urllib.parse.unquote(path)
    for wanted, pattern, name in _routes():
        match = pattern.fullmatch(path) if wanted == method else None
        if match:
            return name, match.groupdict()
    return f"{method} {path}", {}


def operation(method, path):
    """The name of the EKS call that a method and path make."""
    return _matched(method, path)[0]


def _cluster_versions(call):
    """DescribeClusterVersions: the members of `ClusterVersionInformation` that a client reads."""
    def one(version, default):
        return {
            "clusterVersion": version,
            "clusterType": "eks",
            "defaultPlatformVersion": "eks.1",
            "defaultVersion": default,
            "status": "STANDARD_SUPPORT",
            "versionStatus": "STANDARD_SUPPORT",
            "kubernetesPatchVersion": f"{version}.1",
        }

    wanted = call.query.get("clusterVersions") or list(VERSIONS)
    return {"clusterVersions": [one(version, version == VERSIONS[1]) for version in VERSIONS if version in wanted]}


def issuer_document(state, request):
    """Discovery and keys of an issuer, as EKS serves them; 404 for an issuer that no cluster has."""
    match = ISSUER_PATH.fullmatch(request.path)
    issuer = state.issuers.get(match.group(1).upper()) if match else None
    if issuer is None:
        return 404, {"message": "Not Found"}
    if match.group(2) == "keys":
        return 200, state.jwks
    return 200, {
        "issuer": issuer,
        "jwks_uri": f"{issuer}/keys",
        "authorization_endpoint": "urn:kubernetes:programmatic_authorization",
        "response_types_supported": ["id_token"],
        "subject_types_supported": ["public"],
        "claims_supported": ["sub", "iss"],
        "id_token_signing_alg_values_supported": ["RS256"],
    }


OPERATIONS = {
    **access_entries.OPERATIONS, **access_policies.OPERATIONS, **updates.OPERATIONS, **pod_identity.OPERATIONS, **addons.OPERATIONS,
    **identity_providers.OPERATIONS, "DescribeClusterVersions": _cluster_versions, "ListFargateProfiles": _list_fargate_profiles,
    "DescribeFargateProfile": _describe_fargate_profile,
}
