#!/usr/bin/env python3
"""The hand of a test: calls to a running bed that are not eksact's.

The first line of stdin is the bed's JSON line. Every further line is one call, and gets one line of JSON as its answer:

* `{"service": "iam", "action": "get_role", "arguments": {…}}` is a boto3 call as the deployer (`"unsigned": true` for none, `"as": "planner"` for
  another of the bed's people): `{"ok": {…}}`, or `{"code": "NoSuchEntity", "message": "…"}`.
* `{"method": "GET", "path": "/api/v1/namespaces", "body": {…}}` is a Kubernetes call as administrator: `{"status": 200, "ok": {…}}`.
* `{"sign": "header.claims"}` is a signature as the issuer of any of the bed's clusters makes it (RS256, base64url): `{"ok": "…"}`.
"""

import base64
import datetime
import functools
import json
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import install  # noqa: E402


@functools.cache
def _client(service, person, unsigned, people):
    import boto3
    from botocore import UNSIGNED
    from botocore.config import Config

    settings = {"retries": {"total_max_attempts": 1}, "connect_timeout": 5, "read_timeout": 30}
    if unsigned:
        return boto3.client(service, config=Config(signature_version=UNSIGNED, **settings))
    keys = json.loads(people)[person]
    return boto3.client(service, config=Config(**settings), aws_access_key_id=keys["access_key_id"],
                        aws_secret_access_key=keys["secret_access_key"])


def _aws(facts, wanted):
    from botocore.exceptions import ClientError

    client = _client(wanted["service"], wanted.get("as", "deployer"), wanted.get("unsigned", False), json.dumps(facts["people"]))
    try:
        answer = getattr(client, wanted["action"])(**wanted.get("arguments", {}))
    except ClientError as failure:
        return {"code": failure.response["Error"]["Code"], "message": failure.response["Error"]["Message"]}
    answer.pop("ResponseMetadata", None)
    return {"ok": answer}


def _kubernetes(facts, wanted):
    from checks.kubernetes_client import from_kubeconfig

    status, answer = from_kubeconfig(facts["admin_kubeconfig"]).call(wanted["method"], wanted["path"], wanted.get("body"))
    return {"status": status, "ok": answer}


def _signature(facts, text):
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import padding

    key = serialization.load_pem_private_key(Path(facts["signing_key"]).read_bytes(), password=None)
    signature = key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256())
    return {"ok": base64.urlsafe_b64encode(signature).rstrip(b"=").decode()}


def _plain(value):
    if isinstance(value, datetime.datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no form in JSON")


def main():
    python = install.python_environment()
    if Path(sys.prefix).resolve() != python.parent.parent.resolve():
        os.execv(python, [str(python), str(Path(__file__).resolve())])
    facts = json.loads(sys.stdin.readline())
    for name in facts["unset"]:
        os.environ.pop(name, None)
    os.environ.update(facts["environment"])
    for line in sys.stdin:
        wanted = json.loads(line)
        if "sign" in wanted:
            answer = _signature(facts, wanted["sign"])
        else:
            answer = _aws(facts, wanted) if "service" in wanted else _kubernetes(facts, wanted)
        print(json.dumps(answer, default=_plain), flush=True)


if __name__ == "__main__":
    main()
