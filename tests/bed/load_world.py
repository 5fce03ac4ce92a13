#!/usr/bin/env python3
"""Loads a recorded world into a running bed, by the calls that eksctl made.

Reads the bed's JSON line on stdin (or from `--bed FILE`) and the folder of the recording as its argument. Stacks are made from the
templates as sent, with the same tags, capabilities, description and termination protection; the provider with this bed's own
thumbprint; service accounts, if the bed has Kubernetes, with the ARNs of the roles that came of the stacks. Prints
`{"stacks": [names], "provider": arn, "roles": {recorded ARN: live ARN}}`.
"""

import argparse
import json
import os
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import install  # noqa: E402

WAIT_SECONDS = 60
ANNOTATION = "eks.amazonaws.com/role-arn"


def _json(path):
    return json.loads(path.read_text(encoding="utf-8"))


def _client(service):
    import boto3

    return boto3.client(service)


def _provider(facts, recording):
    from botocore.exceptions import ClientError

    recorded = _json(recording / "oidc-provider.json")
    if recorded["Url"].removeprefix("https://") != facts["issuer"].removeprefix("https://"):
        raise SystemExit(f"the recording is of issuer {recorded['Url']}, the bed's is {facts['issuer']}: start it with --issuer-id")
    # eksctl tags the cluster with it as well.
    cluster = f"arn:aws:eks:{facts['region']}:{facts['account']}:cluster/{facts['cluster']}"
    _client("eks").tag_resource(resourceArn=cluster, tags={"alpha.eksctl.io/cluster-oidc-enabled": "true"})
    try:
        return _client("iam").create_open_id_connect_provider(
            Url=facts["issuer"], ClientIDList=recorded["ClientIDList"], ThumbprintList=[facts["thumbprint"]],
            Tags=recorded["Tags"])["OpenIDConnectProviderArn"]
    except ClientError as failure:
        raise SystemExit(f"the provider cannot be created: {failure}") from failure


def _stacks(recording):
    """Create every stack, then wait for all; gives the names and the roles by their recorded ARN."""
    cloudformation = _client("cloudformation")
    records = [_json(path) for path in sorted(recording.glob("stacks/*.json"))]
    for record in records:
        stack = record["stack"]
        cloudformation.create_stack(
            StackName=stack["StackName"], TemplateBody=json.dumps(record["template"]), Tags=stack["Tags"],
            Capabilities=stack["Capabilities"], DisableRollback=stack["DisableRollback"],
            EnableTerminationProtection=stack["EnableTerminationProtection"])
    roles = {}
    for record in records:
        live = _settled(cloudformation, record["stack"]["StackName"])
        new = {output["OutputKey"]: output["OutputValue"] for output in live["Outputs"]}
        for output in record["stack"]["Outputs"]:
            roles[output["OutputValue"]] = new[output["OutputKey"]]
    return [record["stack"]["StackName"] for record in records], roles


def _settled(cloudformation, name):
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        stack = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
        if stack["StackStatus"] == "CREATE_COMPLETE":
            return stack
        if not stack["StackStatus"].endswith("_IN_PROGRESS") or time.monotonic() > deadline:
            raise SystemExit(f"stack {name} is {stack['StackStatus']}")
        time.sleep(0.1)


def _service_accounts(facts, recording, roles):
    from checks.kubernetes_client import from_kubeconfig

    api = from_kubeconfig(facts["admin_kubeconfig"])
    for recorded in _json(recording / "service-accounts.json"):
        metadata = recorded["metadata"]
        annotations = dict(metadata["annotations"])
        annotations[ANNOTATION] = roles.get(annotations[ANNOTATION], annotations[ANNOTATION])
        api.create("/api/v1/namespaces", {"metadata": {"name": metadata["namespace"]}})
        # eksctl creates, so its field manager has the operation Update.
        api.create(f"/api/v1/namespaces/{metadata['namespace']}/serviceaccounts?fieldManager=eksctl", {
            "metadata": {"name": metadata["name"], "namespace": metadata["namespace"], "labels": metadata["labels"],
                         "annotations": annotations}})


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("recording", type=Path, help="e.g. tests/fixtures/eksctl-0.231")
    parser.add_argument("--bed", type=Path, help="file with the bed's JSON line; stdin without it")
    wanted = parser.parse_args()
    python = install.python_environment()
    if Path(sys.prefix).resolve() != python.parent.parent.resolve():
        os.execv(python, [str(python), str(Path(__file__).resolve()), *sys.argv[1:]])
    facts = json.loads(wanted.bed.read_text(encoding="utf-8") if wanted.bed else sys.stdin.readline())
    for name in facts["unset"]:
        os.environ.pop(name, None)
    os.environ.update(facts["environment"])
    provider = _provider(facts, wanted.recording)
    stacks, roles = _stacks(wanted.recording)
    if facts["admin_kubeconfig"]:
        _service_accounts(facts, wanted.recording, roles)
    print(json.dumps({"stacks": stacks, "provider": provider, "roles": roles}))


if __name__ == "__main__":
    main()
