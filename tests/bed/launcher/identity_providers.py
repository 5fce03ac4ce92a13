"""The OIDC identity providers of a cluster, associated and taken away one at a time, each by an update of the cluster.

They are records: the bed's kube-apiserver does not believe their tokens.
"""

import json
import urllib.parse
import uuid

from . import rights, updates
from .calls import Refused, in_use, invalid, missing

LARGEST_SIZE = 12 * 1024
PREFIX = "The prefix system: is reserved for Kubernetes system use"


def _largest_number(version):
    """Ten since Kubernetes 1.32, one before."""
    return 10 if tuple(int(part) for part in version.split(".")[:2]) >= (1, 32) else 1


def _check(call, cluster, oidc):
    for name in ("identityProviderConfigName", "issuerUrl", "clientId"):
        if not oidc.get(name):
            # Ours.
            raise invalid(f"oidc.{name} is required.")
    if urllib.parse.urlsplit(oidc["issuerUrl"]).scheme != "https":
        raise invalid("IssuerURL must use https:// scheme.")
    if "system:" in (oidc.get("usernamePrefix"), oidc.get("groupsPrefix")):
        raise invalid(PREFIX)
    present = [config["oidc"] for _key, config in call.below(call.eks._idp_configs)]
    # The texts below are ours.
    if any(one["identityProviderConfigName"] == oidc["identityProviderConfigName"] for one in present):
        raise in_use(f"Identity provider config already exists with name {oidc['identityProviderConfigName']}")
    if len(present) >= _largest_number(cluster["version"]):
        raise Refused("ResourceLimitExceededException",
                      f"The cluster has reached its limit of {_largest_number(cluster['version'])} identity provider configs.")
    if any(one["issuerUrl"] == oidc["issuerUrl"] for one in present):
        raise invalid(f"An identity provider config with issuer URL {oidc['issuerUrl']} already exists")
    if len(json.dumps([*present, oidc])) > LARGEST_SIZE:
        raise invalid("The identity provider configs of a cluster must be smaller than 12 KB together")


def associate(call):
    cluster, oidc = call.cluster(), dict(call.body.get("oidc") or {})
    tags = call.tags()
    rights.tag(call, tags, f"identityproviderconfig/{call.cluster_name}/*")
    if not cluster.get("_update"):
        _check(call, cluster, oidc)
    name = oidc.get("identityProviderConfigName", "")
    config = {"oidc": {"usernameClaim": "sub", **oidc}, "status": "CREATING", "tags": tags,
              "arn": call.arn(f"identityproviderconfig/{call.cluster_name}/oidc/{name}/{uuid.uuid4()}")}

    def effect(succeeded):
        if succeeded:
            config["status"] = "ACTIVE"
        else:
            call.eks._idp_configs.pop(_key(call, name), None)

    update = updates.begin(call, "AssociateIdentityProviderConfig", _params([{"type": "oidc", "name": name}]), effect, before=lambda: _keep(call, name, config))
    return {"update": update, "tags": tags}


def _keep(call, name, config):
    call.eks._idp_configs[_key(call, name)] = config
    call.keep_tags(config["arn"], config["tags"])


def _key(call, name):
    return f"{call.cluster_name}\x00{name}"


def _params(value):
    """As the examples of the AWS CLI show them: the new config, or an empty list."""
    return [{"type": "IdentityProviderConfig", "value": json.dumps(value, separators=(",", ":"))}]


def _find(call):
    call.cluster()
    wanted = call.body.get("identityProviderConfig") or {}
    config = call.eks._idp_configs.get(_key(call, wanted.get("name", ""))) if wanted.get("type", "oidc") == "oidc" else None
    if config is None:
        # Ours.
        raise missing(f"No identity provider config found with name {wanted.get('name', '')}")
    return config


def disassociate(call):
    config = _find(call)
    name = config["oidc"]["identityProviderConfigName"]

    def start():
        config["status"] = "DELETING"

    def effect(succeeded):
        if succeeded:
            call.eks._idp_configs.pop(_key(call, name), None)
            call.eks._tags.pop(config["arn"], None)
        else:
            config["status"] = "ACTIVE"

    return {"update": updates.begin(call, "DisassociateIdentityProviderConfig", _params([]), effect, before=start)}


def describe(call):
    config = _find(call)
    oidc = {"clusterName": call.cluster_name, "identityProviderConfigArn": config["arn"], "requiredClaims": {},
            **config["oidc"], "status": config["status"], "tags": config["tags"]}
    return {"identityProviderConfig": {"oidc": oidc}}


def list_all(call):
    call.cluster()
    configs = [{"type": "oidc", "name": config["oidc"]["identityProviderConfigName"]} for _key, config in call.below(call.eks._idp_configs)]
    return call.page(configs, "identityProviderConfigs")


OPERATIONS = {"AssociateIdentityProviderConfig": associate, "DisassociateIdentityProviderConfig": disassociate,
              "DescribeIdentityProviderConfig": describe, "ListIdentityProviderConfigs": list_all}
