"""The front: faults, the log, the proxy, EKS records and the issuer."""

import hashlib
import http.client
import json
import os
import socket
import ssl
import time
import urllib.parse

from botocore.exceptions import ConnectionClosedError, ConnectionError, HTTPClientError

from .world import refused


def _tunnel(host, port=443, seconds=5):
    """A socket through the CONNECT proxy, and the proxy's status."""
    proxy = urllib.parse.urlsplit(os.environ["HTTPS_PROXY"])
    connection = http.client.HTTPConnection(proxy.hostname, proxy.port, timeout=seconds)
    connection.set_tunnel(host, port)
    connection.connect()
    return connection.sock


def _get(world, host, path, headers=None):
    context = ssl.create_default_context(cafile=world.facts["ca"])
    connection = http.client.HTTPSConnection(host, context=context)
    connection.sock = context.wrap_socket(_tunnel(host), server_hostname=host)
    connection.request("GET", path, headers=headers or {})
    answer = connection.getresponse()
    return answer.status, answer.read()


def check_throttling_comes_as_often_as_asked_and_as_the_service_words_it(world):
    world.control("POST", "faults", [
        {"service": "iam", "action": "Get*", "code": "Throttling", "count": 2, "skip": 1},
        {"service": "eks", "action": "DescribeCluster", "code": "ThrottlingException"},
        {"service": "cloudformation", "action": "*", "status": 500, "contains": world.name},
    ])
    world.iam.get_account_summary()
    refused(world.iam.get_account_summary, "Throttling", "Rate exceeded")
    world.iam.list_roles(MaxItems=1)
    refused(world.iam.get_role, "Throttling", RoleName="deployer")
    world.iam.get_account_summary()
    refused(world.eks.describe_cluster, "ThrottlingException", name=world.facts["cluster"])
    world.eks.describe_cluster(name=world.facts["cluster"])
    world.cloudformation.describe_stacks()
    refused(world.stack, "InternalFailure")
    assert [fault["hits"] for fault in world.control("GET", "faults")] == [2, 1, 1]


def check_a_cut_before_does_nothing_and_a_cut_after_loses_the_answer(world):
    for cut, made in (("before", False), ("after", True)):
        world.control("POST", "faults", {"service": "iam", "action": "CreateRole", "cut": cut})
        name = f"{world.name}-{cut}"
        try:
            world.iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(
                {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}]}))
        except (ConnectionClosedError, ConnectionError, HTTPClientError):
            pass
        else:
            raise AssertionError("the connection was not cut")
        if made:
            world.iam.get_role(RoleName=name)
        else:
            refused(world.iam.get_role, "NoSuchEntity", RoleName=name)


def check_a_delay_delays(world):
    world.control("POST", "faults", {"service": "sts", "delay": 0.3})
    began = time.monotonic()
    world.sts.get_caller_identity()
    assert 0.3 <= time.monotonic() - began < 3


def check_wrong_rules_are_refused(world):
    for wrong in ({"cut": "middle"}, {"colour": "red"}):
        try:
            world.control("POST", "faults", wrong)
        except OSError as failure:
            assert "400" in str(failure)
        else:
            raise AssertionError(f"{wrong} was taken")


def check_the_log_names_every_call(world):
    world.control("DELETE", "log")
    world.create()
    world.eks.describe_cluster(name=world.facts["cluster"])
    world.eks.list_access_entries(clusterName=world.facts["cluster"])
    refused(world.iam.get_role, "NoSuchEntity", RoleName=world.name)
    log = world.control("GET", "log")
    found = [(entry["service"], entry["action"], entry["write"], entry["status"]) for entry in log]
    assert found[0] == ("cloudformation", "CreateStack", True, 200), found
    assert found[-3:] == [("eks", "DescribeCluster", False, 200), ("eks", "ListAccessEntries", False, 200), ("iam", "GetRole", False, 404)]
    assert log[0]["target"] == world.name and log[0]["access_key"] == world.facts["people"]["deployer"]["access_key_id"]
    summary = world.control("GET", "log/summary")
    assert summary["writes"] == 1 and summary["by_action"]["eks:DescribeCluster"] == 1, summary
    assert [entry["action"] for entry in world.control("GET", f"log?since={log[-2]['sequence']}")] == ["GetRole"]


def check_a_cluster_record_moves_through_its_states(world):
    name, issuer = world.name, "0123456789ABCDEF0123456789ABCDEF"
    refused(world.eks.describe_cluster, "ResourceNotFoundException", f"No cluster found for name: {name}.", name=name)
    world.control("POST", f"eks/{name}", {"issuerId": issuer, "status": "CREATING", "accessConfig": {"authenticationMode": "API"}})
    cluster = world.eks.describe_cluster(name=name)["cluster"]
    assert cluster["status"] == "CREATING" and cluster["accessConfig"]["authenticationMode"] == "API"
    assert cluster["identity"]["oidc"]["issuer"].endswith(f"/id/{issuer}")
    world.control("POST", f"eks/{name}", {"status": "ACTIVE", "endpoint": "https://127.0.0.1:1"})
    assert world.eks.describe_cluster(name=name)["cluster"]["endpoint"] == "https://127.0.0.1:1"
    assert name in world.eks.list_clusters()["clusters"]
    world.control("DELETE", f"eks/{name}")
    refused(world.eks.describe_cluster, "ResourceNotFoundException", name=name)


def check_cluster_versions_are_described(world):
    versions = world.eks.describe_cluster_versions()["clusterVersions"]
    assert len(versions) > 3 and sum(version["defaultVersion"] for version in versions) == 1
    one = world.eks.describe_cluster_versions(clusterVersions=["1.34"])["clusterVersions"]
    assert [version["clusterVersion"] for version in one] == ["1.34"]


def check_the_issuer_serves_its_documents_and_its_chain(world):
    issuer = urllib.parse.urlsplit(world.facts["issuer"])
    status, body = _get(world, issuer.netloc, f"{issuer.path}/.well-known/openid-configuration")
    discovery = json.loads(body)
    assert status == 200 and discovery["issuer"] == world.facts["issuer"]
    status, body = _get(world, issuer.netloc, urllib.parse.urlsplit(discovery["jwks_uri"]).path)
    assert status == 200 and json.loads(body)["keys"][0]["alg"] == "RS256"
    assert _get(world, issuer.netloc, f"/id/{'0' * 32}/keys")[0] == 404
    chain = _chain(issuer.netloc)
    assert len(chain) == 2 and hashlib.sha1(chain[-1]).hexdigest() == world.facts["thumbprint"], len(chain)


def _chain(host):
    """The certificates that a host serves, in DER: what a thumbprint is made of."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with context.wrap_socket(_tunnel(host), server_hostname=host) as connection:
        return [ssl.PEM_cert_to_DER_cert(one.public_bytes()) for one in connection._sslobj.get_unverified_chain()]


def check_sts_speaks_json_to_the_verifier(world):
    client = world.sts
    url = client.generate_presigned_url("get_caller_identity", ExpiresIn=60, HttpMethod="GET")
    split = urllib.parse.urlsplit(url)
    path = f"/?{split.query}"
    status, body = _get(world, split.netloc, path, {"Accept": "application/json"})
    identity = json.loads(body)["GetCallerIdentityResponse"]["GetCallerIdentityResult"]
    assert status == 200 and identity["Arn"] == world.facts["people"]["deployer"]["arn"], body
    status, body = _get(world, split.netloc, path[:-1] + ("0" if path[-1] != "0" else "1"), {"Accept": "application/json"})
    assert status == 403 and json.loads(body)["Error"]["Code"] == "SignatureDoesNotMatch", body
    assert _get(world, split.netloc, path)[1].startswith(b"<"), "without that header it is XML"


def check_the_proxy_refuses_everything_else(world):
    for host, port in (("example.com", 443), ("sts.us-west-2.amazonaws.com", 80), ("127.0.0.1", 443), ("amazonaws.com.evil.test", 443)):
        try:
            _tunnel(host, port).close()
        except OSError as failure:
            assert "403" in str(failure), failure
        else:
            raise AssertionError(f"{host}:{port} was let through")


def check_a_host_can_be_blocked(world):
    world.control("PUT", "blocked", {"oidc.eks.*": "refuse"})
    try:
        _tunnel("oidc.eks.us-west-2.amazonaws.com").close()
    except OSError as failure:
        assert "502" in str(failure), failure
    else:
        raise AssertionError("it was not blocked")
    world.sts.get_caller_identity()
    world.control("PUT", "blocked", {"oidc.eks.*": "hang"})
    try:
        _tunnel("oidc.eks.us-west-2.amazonaws.com", seconds=0.3).close()
    except TimeoutError:
        pass
    else:
        raise AssertionError("it answered")
    world.control("PUT", "blocked", {})
    _tunnel("oidc.eks.us-west-2.amazonaws.com").close()


def check_everything_listens_on_loopback_only(world):
    """Every listening socket of the bed's session of processes is on 127.0.0.1."""
    import subprocess

    pids = subprocess.run(["ps", "-o", "pid=", "--ppid", str(world.facts["pid"])], capture_output=True, text=True, check=True)
    inodes = set()
    for pid in pids.stdout.split():
        for entry in os.scandir(f"/proc/{pid}/fd"):
            try:
                target = os.readlink(entry.path)
            except FileNotFoundError:
                continue
            if target.startswith("socket:["):
                inodes.add(target[8:-1])
    listening = []
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with open(table, encoding="ascii") as file:
            for fields in (line.split() for line in list(file)[1:]):
                if fields[3] == "0A" and fields[9] in inodes:
                    listening.append((table[-4:], fields[1].split(":")[0]))
    assert len(listening) >= 3 and {address for _, address in listening} == {"0100007F"}, listening
    assert socket.inet_ntoa(bytes.fromhex("0100007F")[::-1]) == "127.0.0.1"
