"""EKS: cluster records that point at the bed's kube-apiserver, the issuer's documents, and calls that ministack lacks."""

import functools
import re
import urllib.parse

from . import access_entries

VERSIONS = ("1.36", "1.35", "1.34", "1.33", "1.32", "1.31")
STATUSES = ("CREATING", "ACTIVE", "DELETING", "FAILED", "UPDATING", "PENDING")
ISSUER_PATH = re.compile(r"/id/([0-9A-Fa-f]{32})/(keys|\.well-known/openid-configuration)")


def install(_state):
    from ministack.services import eks

    access_entries.install(eks)
    handle = eks._handle_request_sync

    def handle_more(method, path, headers, body, query_params):
        if method == "GET" and path == "/cluster-versions":
            return eks._json_resp(200, _cluster_versions(query_params))
        answer = handle(method, path, headers, body, query_params)
        if method != "GET" and path.startswith("/tags/"):
            _show_tags(eks)
        return answer

    eks._handle_request_sync = handle_more


def _show_tags(eks):
    """ministack keeps the tags of TagResource apart, and DescribeCluster goes on showing those of the creation."""
    for cluster in eks._clusters.values():
        cluster["tags"] = dict(eks._tags.get(cluster["arn"], {}))


def enter(state):
    """Take the bed's account and region for what follows: ministack keeps its records by both."""
    from ministack.core.responses import set_request_account_id, set_request_region

    set_request_account_id(state.account)
    set_request_region(state.region)


@functools.cache
def _routes():
    """(method, pattern, operation) of every EKS call, from the service model: the most literal path first."""
    from botocore.loaders import Loader

    routes = []
    for name, operation in Loader().load_service_model("eks", "service-2")["operations"].items():
        path = operation["http"]["requestUri"].split("?")[0]
        pattern = "/".join(".+" if part.startswith("{") else re.escape(part) for part in path.split("/"))
        routes.append((path.count("{"), operation["http"]["method"], re.compile(pattern), name))
    return [route[1:] for route in sorted(routes, key=lambda route: (route[0], -len(route[2].pattern)))]


@functools.lru_cache(maxsize=4096)
def operation(method, path):
    """The name of the EKS call that a method and path make."""
    path = urllib.parse.unquote(path)
    for wanted, pattern, name in _routes():
        if wanted == method and pattern.fullmatch(path):
            return name
    return f"{method} {path}"


def _cluster_versions(query):
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

    wanted = query.get("clusterVersions") or list(VERSIONS)
    return {"clusterVersions": [one(version, version == VERSIONS[1]) for version in VERSIONS if version in wanted]}


def issuer_url(state, issuer_id):
    suffix = "amazonaws.com.cn" if state.region.startswith("cn-") else "amazonaws.com"
    return f"https://oidc.eks.{state.region}.{suffix}/id/{issuer_id}"


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


def put(state, name, wanted):
    """Make the record of a cluster, or change one: endpoint, certificateAuthority, issuerId, status, version, accessConfig, tags."""
    from ministack.services import eks

    allowed = {"endpoint", "certificateAuthority", "issuerId", "status", "version", "accessConfig", "tags",
               "resourcesVpcConfig"}
    if set(wanted) - allowed:
        raise ValueError(f"unknown fields {sorted(set(wanted) - allowed)}; there are {sorted(allowed)}")
    if not re.fullmatch(r"[0-9A-Za-z][A-Za-z0-9_-]{0,99}", name):
        raise ValueError(f"not a cluster name: {name!r}")
    if wanted.get("status", "ACTIVE") not in STATUSES:
        raise ValueError(f"status is one of {STATUSES}")
    enter(state)
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
    eks._clusters[name] = cluster
    return record(state, name)


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

    enter(state)
    cluster = eks._clusters.get(name)
    if cluster is None:
        raise LookupError(f"no cluster {name}")
    return {key: value for key, value in cluster.items() if not key.startswith("_")}


def drop(state, name):
    from ministack.services import eks

    enter(state)
    if eks._clusters.pop(name, None) is None:
        raise LookupError(f"no cluster {name}")
    return {}
