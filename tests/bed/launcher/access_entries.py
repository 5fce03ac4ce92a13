"""EKS access entries, where ministack's are not like AWS's: the authentication mode, derived user names, pages.

They decide nothing in a bed: its authenticator reads aws-auth only.
"""

import json
import re

LARGEST_PAGE = 100
REFUSED = "The cluster's authentication mode must be set to one of [API, API_AND_CONFIG_MAP] to perform this operation."
NODES = ("EC2_LINUX", "EC2_WINDOWS", "FARGATE_LINUX")
SESSION = "{{SessionName}}"


def install(eks):
    for name in ("_create_access_entry", "_describe_access_entry", "_update_access_entry", "_delete_access_entry",
                 "_associate_access_policy", "_disassociate_access_policy"):
        setattr(eks, name, _in_mode(eks, getattr(eks, name)))
    eks._list_access_entries = _in_mode(eks, _paged(eks, eks._list_access_entries, "accessEntries"))
    eks._list_associated_access_policies = _in_mode(
        eks, _paged(eks, eks._list_associated_access_policies, "associatedAccessPolicies"))
    build = eks._build_access_entry
    eks._build_access_entry = lambda cluster, principal, body: _named(build(cluster, principal, body))


def _in_mode(eks, operation):
    """The operation, refused while the cluster reads nothing but aws-auth."""
    def refusing(cluster_name, *rest):
        cluster = eks._clusters.get(cluster_name)
        if cluster and cluster.get("accessConfig", {}).get("authenticationMode") == "CONFIG_MAP":
            return eks._error(400, "InvalidRequestException", REFUSED)
        return operation(cluster_name, *rest)

    return refusing


def _paged(eks, operation, key):
    """The operation in pages of at most a hundred, as `maxResults` and `nextToken` want them; tokens are offsets."""
    def page(*arguments):
        *place, query = arguments
        query = dict(query)
        try:
            size, start = int(query.pop("maxResults", LARGEST_PAGE)), int(query.pop("nextToken", 0))
        except ValueError:
            return eks._error(400, "InvalidParameterException", "nextToken is invalid.")
        if not 1 <= size <= LARGEST_PAGE:
            return eks._error(400, "InvalidParameterException", f"maxResults must be between 1 and {LARGEST_PAGE}.")
        # More than any cluster has: ministack cuts the list itself, and gives no token.
        status, headers, body = operation(*place, {**query, "maxResults": 1_000_000})
        if status != 200:
            return status, headers, body
        answer = json.loads(body)
        items = answer[key]
        answer[key] = items[start:start + size]
        if start + size < len(items):
            answer["nextToken"] = str(start + size)
        return eks._json_resp(200, answer)

    return page


def _named(entry):
    """The user name that EKS derives where none is given, and the group that it gives to nodes."""
    principal = entry["principalArn"]
    role = re.fullmatch(r"arn:([^:]+):iam::(\d{12}):role/(?:.*/)?([^/]+)", principal)
    if entry["type"] in NODES:
        entry["username"] = "system:node:{{EC2PrivateDNSName}}"
        entry["kubernetesGroups"] = ["system:nodes"]
    elif not entry["username"]:
        entry["username"] = "arn:{}:sts::{}:assumed-role/{}/{}".format(*role.groups(), SESSION) if role else principal
    return entry
