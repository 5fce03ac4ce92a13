"""Kubernetes and AWS together: tokens of either side believed by the other."""

import base64
import json
import os
import subprocess

from botocore import UNSIGNED
from botocore.config import Config
import boto3

from eks_token import eks_token

from .kubernetes_client import admin
from .world import client, needs_kubernetes, refused, trust

REVIEW = "/apis/authentication.k8s.io/v1/selfsubjectreviews"


def _token(world, name="reader", audience="sts.amazonaws.com"):
    """A token that the real kube-apiserver issues for a service account of the namespace `app`."""
    api = admin(world)
    api.create("/api/v1/namespaces", {"metadata": {"name": "app"}})
    api.create("/api/v1/namespaces/app/serviceaccounts", {"metadata": {"name": name}})
    status, answer = api.call("POST", f"/api/v1/namespaces/app/serviceaccounts/{name}/token", {
        "apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest",
        "spec": {"audiences": [audience], "expirationSeconds": 600}})
    assert status == 201, answer
    return answer["status"]["token"]


def _provider(world):
    arn = f"arn:aws:iam::{world.facts['account']}:oidc-provider/{world.facts['issuer'].removeprefix('https://')}"
    world.iam.delete_open_id_connect_provider(OpenIDConnectProviderArn=arn)
    return world.iam.create_open_id_connect_provider(Url=world.facts["issuer"], ClientIDList=["sts.amazonaws.com"])["OpenIDConnectProviderArn"]


def _assume(world, token, name=None):
    sts = boto3.client("sts", config=Config(signature_version=UNSIGNED, retries={"total_max_attempts": 1}))
    return sts.assume_role_with_web_identity(
        RoleArn=f"arn:aws:iam::{world.facts['account']}:role/{name or world.name}", RoleSessionName="test", WebIdentityToken=token)


@needs_kubernetes
def check_the_right_service_account_gets_credentials_and_no_other(world):
    provider = _provider(world)
    world.create(world.template(RoleName=world.name))
    answer = _assume(world, _token(world))
    assert answer["SubjectFromWebIdentityToken"] == "system:serviceaccount:app:reader"
    assert answer["Audience"] == "sts.amazonaws.com" and answer["Provider"] == provider
    credentials = answer["Credentials"]
    session = client("sts", credentials["AccessKeyId"], credentials["SecretAccessKey"], credentials["SessionToken"])
    assert session.get_caller_identity()["Arn"].endswith(f":assumed-role/{world.name}/test")
    refused(_assume, "AccessDenied", "sts:AssumeRoleWithWebIdentity", world=world, token=_token(world, name="other"))
    refused(_assume, "InvalidIdentityToken", "Incorrect token audience", world=world, token=_token(world, audience="vault"))


@needs_kubernetes
def check_without_the_provider_or_its_audience_nobody_gets_in(world):
    provider = _provider(world)
    world.create(world.template(RoleName=world.name))
    token = _token(world)
    world.iam.remove_client_id_from_open_id_connect_provider(OpenIDConnectProviderArn=provider, ClientID="sts.amazonaws.com")
    refused(_assume, "InvalidIdentityToken", "Incorrect token audience", world=world, token=token)
    world.iam.delete_open_id_connect_provider(OpenIDConnectProviderArn=provider)
    refused(_assume, "InvalidIdentityToken", "No OpenIDConnect provider found in your account", world=world, token=token)


@needs_kubernetes
def check_a_forged_token_is_refused(world):
    _provider(world)
    world.create(world.template(RoleName=world.name))
    head, payload, signature = _token(world, name="other").split(".")
    claims = json.loads(base64.urlsafe_b64decode(payload + "=="))
    claims["sub"] = "system:serviceaccount:app:reader"
    forged = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    refused(_assume, "InvalidIdentityToken", "signature", world=world, token=f"{head}.{forged}.{signature}")
    refused(_assume, "InvalidIdentityToken", "not a valid JWT", world=world, token="nonsense")


@needs_kubernetes
def check_a_trust_with_a_pattern_is_evaluated(world):
    _provider(world)
    host = world.facts["issuer"].removeprefix("https://")
    pattern = trust(world.facts["issuer"], world.facts["account"])
    pattern["Statement"][0]["Condition"] = {"StringEquals": {f"{host}:aud": "sts.amazonaws.com"},
                                            "StringLike": {f"{host}:sub": "system:serviceaccount:app:re*"}}
    world.create(world.template(RoleName=world.name, AssumeRolePolicyDocument=pattern))
    _assume(world, _token(world))
    refused(_assume, "AccessDenied", world=world, token=_token(world, name="writer"))


@needs_kubernetes
def check_the_published_keys_are_those_of_the_issuer(world):
    from .front import _get

    published = admin(world).call("GET", "/openid/v1/jwks")[1]
    host, _, issuer_id = world.facts["issuer"].removeprefix("https://").partition("/id/")
    assert json.loads(_get(world, host, f"/id/{issuer_id}/keys")[1]) == published, published


@needs_kubernetes
def check_aws_identities_are_known_to_kubernetes_as_aws_auth_says(world):
    api, facts = admin(world), world.facts
    review = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    from kubernetes import Api

    anonymous = Api(facts["endpoint"], facts["ca"])

    def whoami(access_key_id, secret_access_key, session_token=None, cluster=None):
        token = eks_token(cluster or facts["cluster"], facts["region"], access_key_id, secret_access_key, session_token)
        status, answer = anonymous.call("POST", REVIEW, review, token)
        return status, answer["status"]["userInfo"] if status == 201 else {}

    keys = {name: (person["access_key_id"], person["secret_access_key"]) for name, person in facts["people"].items()}
    status, user = whoami(*keys["deployer"])
    assert status == 201 and user["username"] == "deployer" and "system:masters" in user["groups"], user
    assert whoami(*keys["planner"])[1]["username"] == "planner"
    token = eks_token(facts["cluster"], facts["region"], *keys["planner"])
    assert anonymous.call("GET", "/api/v1/serviceaccounts", token=token)[0] == 200
    assert anonymous.call("POST", "/api/v1/namespaces", {"metadata": {"name": world.name}}, token)[0] == 403
    assert whoami(*keys["nobody"])[0] == 401
    assert whoami(*keys["deployer"], cluster="other")[0] == 401, "a token for another cluster was believed"
    session = world.sts.assume_role(RoleArn=facts["deployer_role"], RoleSessionName="nina")["Credentials"]
    status, user = whoami(session["AccessKeyId"], session["SecretAccessKey"], session["SessionToken"])
    assert status == 201 and user["username"] == "deployer", user
    # A changed aws-auth counts at once.
    path = "/api/v1/namespaces/kube-system/configmaps/aws-auth"
    status, config = api.call("GET", path)
    users = json.loads(config["data"]["mapUsers"]) + [{"userarn": facts["people"]["nobody"]["arn"], "username": "late", "groups": []}]
    config["data"]["mapUsers"] = json.dumps(users)
    assert api.call("PUT", path, config)[0] == 200
    world.until(lambda: whoami(*keys["nobody"])[1].get("username") == "late", "aws-auth to be read", seconds=5)


@needs_kubernetes
def check_kubectl_and_the_authenticators_own_token_work(world):
    binaries, facts = world.facts["binaries"], world.facts
    token = json.loads(subprocess.run([binaries["aws-iam-authenticator"], "token", "-i", facts["cluster"]],
                                      capture_output=True, check=True).stdout)["status"]["token"]
    command = [binaries["kubectl"], "--server", facts["endpoint"], "--certificate-authority", facts["ca"], "--token", token]
    environment = {**os.environ, "KUBECONFIG": "/dev/null", "HOME": facts["state"]}
    found = subprocess.run([*command, "auth", "whoami", "-o", "json"], capture_output=True, check=True, env=environment)
    assert json.loads(found.stdout)["status"]["userInfo"]["username"] == "deployer"
    listed = subprocess.run([binaries["kubectl"], "--kubeconfig", facts["admin_kubeconfig"], "get", "namespaces", "-o", "name"],
                            capture_output=True, check=True, text=True, env=environment).stdout
    assert "namespace/kube-system" in listed
