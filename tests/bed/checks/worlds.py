"""The recorded worlds: loading one gives what eksctl made."""

import json
import subprocess
import sys
from pathlib import Path

from .world import refused, tags

HERE = Path(__file__).resolve().parent.parent
RECORDED = HERE.parent / "fixtures" / "eksctl-0.231"


def check_a_recorded_world_can_be_loaded(world):
    loaded = subprocess.run([sys.executable, str(HERE / "load_world.py"), str(RECORDED)], input=json.dumps(world.facts),
                            capture_output=True, text=True, check=False)
    assert loaded.returncode == 0, loaded.stderr
    answer = json.loads(loaded.stdout)
    records = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(RECORDED.glob("stacks/*.json"))]
    assert len(answer["stacks"]) == len(records) == 12
    for record in records:
        wanted = record["stack"]
        stack = world.stack(wanted["StackName"])
        assert stack["StackStatus"] == "CREATE_COMPLETE" and stack["EnableTerminationProtection"]
        assert stack["Tags"] == wanted["Tags"] and stack["Capabilities"] == wanted["Capabilities"]
        assert stack["Description"] == wanted["Description"]
        role, recorded = world.role(world.role_name(stack)), record["roles"][0]
        assert role["managed"] == sorted(policy["PolicyArn"] if isinstance(policy, dict) else policy for policy in recorded["attached"])
        assert role["inline"] == recorded["inline"], wanted["StackName"]
        assert role["role"]["AssumeRolePolicyDocument"] == recorded["role"]["AssumeRolePolicyDocument"]
        before = {tag["Key"]: tag["Value"] for tag in recorded["role"]["Tags"] if tag["Key"] != "aws:cloudformation:stack-id"}
        assert {key: value for key, value in tags(role).items() if key != "aws:cloudformation:stack-id"} == before
    provider = world.iam.get_open_id_connect_provider(OpenIDConnectProviderArn=answer["provider"])
    assert provider["ClientIDList"] == ["sts.amazonaws.com"] and provider["ThumbprintList"] == [world.facts["thumbprint"]]
    if world.facts["endpoint"]:
        _service_accounts(world, answer)
    _clear(world, answer)


def _service_accounts(world, answer):
    from .kubernetes_client import admin

    for recorded in json.loads((RECORDED / "service-accounts.json").read_text(encoding="utf-8")):
        metadata = recorded["metadata"]
        status, live = admin(world).call("GET", f"/api/v1/namespaces/{metadata['namespace']}/serviceaccounts/{metadata['name']}")
        assert status == 200, live
        role = live["metadata"]["annotations"]["eks.amazonaws.com/role-arn"]
        assert role == answer["roles"].get(metadata["annotations"]["eks.amazonaws.com/role-arn"], role)
        assert live["metadata"]["labels"] == metadata["labels"]
        assert live["metadata"]["managedFields"][0]["manager"] == "eksctl"


def _clear(world, answer):
    for name in answer["stacks"]:
        world.cloudformation.update_termination_protection(StackName=name, EnableTerminationProtection=False)
        world.cloudformation.delete_stack(StackName=name)
    world.iam.delete_open_id_connect_provider(OpenIDConnectProviderArn=answer["provider"])
    for name in answer["stacks"]:
        world.until(lambda name=name: _is_gone(world, name), f"{name} to go")


def _is_gone(world, name):
    try:
        return refused(world.stack, "ValidationError", "does not exist", name=name)
    except AssertionError:
        return None
