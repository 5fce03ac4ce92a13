#!/usr/bin/env python3
"""Proves that the bed behaves as its README says: starts one, runs every check of checks/ against it, prints `N passed, N failed`.

Arguments: `--aws-only` leaves out what needs Kubernetes; words are parts of the names of the checks to run.
"""

import json
import os
import subprocess
import sys
import time
import traceback
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import install  # noqa: E402

START_SECONDS = 180


class Started:
    """A running bed: its JSON line, and how to end it."""

    def __init__(self, *options):
        self.process = subprocess.Popen([sys.executable, str(HERE / "bed.py"), *options],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"the bed did not start: exit code {self.process.wait()}")
        self.facts = json.loads(line)

    def stop(self):
        self.process.stdin.close()
        return self.process.wait(30)


def main():
    python = install.python_environment()
    if Path(sys.prefix).resolve() != python.parent.parent.resolve():
        os.execv(python, [str(python), str(Path(__file__).resolve()), *sys.argv[1:]])
    words = [word for word in sys.argv[1:] if not word.startswith("--")]
    aws_only = "--aws-only" in sys.argv[1:]
    began = time.monotonic()
    bed = Started(*(["--aws-only"] if aws_only else []))
    print(f"bed up in {time.monotonic() - began:.2f} s", file=sys.stderr)
    for name in bed.facts["unset"]:
        os.environ.pop(name, None)
    os.environ.update(bed.facts["environment"])
    from checks import (access_entries, bed_itself, change_sets, decisions, eks_stacks, front, iam, identity_providers, irsa, modes,
                        pod_identity, stacks, worlds)
    from checks.world import World

    modules = [stacks, change_sets, iam, access_entries, modes, pod_identity, identity_providers, eks_stacks, front, worlds, bed_itself]
    modules += [] if aws_only else [irsa, decisions]
    checks = [(module.__name__.split(".")[-1], name, check) for module in modules
              for name, check in vars(module).items() if name.startswith("check_") and callable(check)]
    passed = failed = 0
    try:
        for room, name, check in checks:
            if words and not any(word in f"{room}.{name}" for word in words):
                continue
            if aws_only and getattr(check, "needs_kubernetes", False):
                continue
            try:
                check(World(bed.facts))
                passed += 1
            except Exception:  # every failure is reported, whatever it is
                failed += 1
                print(f"FAILED {room}.{name}: {(check.__doc__ or '').strip()}\n{traceback.format_exc()}", file=sys.stderr)
    finally:
        code = bed.stop()
    if code != 0:
        failed += 1
        print(f"FAILED: the bed ended with exit code {code}", file=sys.stderr)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
