"""Beds side by side, and their end."""

import json
import os
import shutil
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

BED = Path(__file__).resolve().parent.parent / "bed.py"


def _start(*options):
    process = subprocess.Popen([sys.executable, str(BED), "--aws-only", *options], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True)
    return process, json.loads(process.stdout.readline())


def _children(pid):
    found = subprocess.run(["ps", "-o", "pid=,args=", "--ppid", str(pid)], capture_output=True, text=True, check=False).stdout
    return {int(line.split(None, 1)[0]): line.split(None, 1)[1] for line in found.splitlines()}


def _gone(world, pids):
    world.until(lambda: not any(os.path.exists(f"/proc/{pid}") and not _zombie(pid) for pid in pids), "the processes to end")


def _zombie(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()[0] == "Z"
    except FileNotFoundError:
        return True


def check_two_beds_run_side_by_side(world):
    process, other = _start("--account", "444455556666", "--region", "eu-central-1")
    try:
        assert other["control"] != world.facts["control"]
        assert other["issuer"].startswith("https://oidc.eks.eu-central-1.amazonaws.com/id/")
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(f"{other['control']}/eks/{other['cluster']}") as answer:
            assert json.load(answer)["arn"].startswith("arn:aws:eks:eu-central-1:444455556666:cluster/")
    finally:
        process.stdin.close()
        assert process.wait(20) == 0
    assert not os.path.exists(other["state"]), "the temporary folder was left"


def check_access_policies_are_of_the_partition(world):
    process, other = _start("--region", "cn-north-1")
    try:
        environment = {**{key: value for key, value in os.environ.items() if key not in other["unset"]}, **other["environment"]}
        listed = subprocess.run([other["binaries"]["aws"], "eks", "list-access-policies", "--output", "json"], env=environment,
                                capture_output=True, text=True, check=False)
        assert listed.returncode == 0, listed.stderr
        arns = [one["arn"] for one in json.loads(listed.stdout)["accessPolicies"]]
        assert "arn:aws-cn:eks::aws:cluster-access-policy/AmazonEKSViewPolicy" in arns, arns
    finally:
        process.stdin.close()
        process.wait(20)


def check_it_ends_on_a_signal_and_takes_everything_along(world):
    process, facts = _start()
    children = _children(facts["pid"])
    assert len(children) == 2, children
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 0
    _gone(world, children)


def check_nothing_outlives_a_killed_bed(world):
    process, facts = _start()
    children = _children(facts["pid"])
    process.kill()
    process.wait(20)
    _gone(world, children)
    shutil.rmtree(facts["state"])


def check_a_dead_child_ends_it_with_that_childs_log(world):
    process, facts = _start()
    victim = next(pid for pid, command in _children(facts["pid"]).items() if "proxy.py" in command)
    os.kill(victim, signal.SIGKILL)
    assert process.wait(20) == 1
    assert "proxy ended with -9" in process.stderr.read()
