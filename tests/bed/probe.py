#!/usr/bin/env python3
"""Asks the bed's kube-apiserver, over and over, whether people get in and may do what they may, until stdin closes.

The first line of stdin is the bed's JSON line, the second a list of people: `{"name": "ann", "keys": [id, secret, session or null],
"may": {"verb": "get", "resource": "configmaps", "namespace": "default"}}`. Each question bears a token of its own, so that no cache
answers it. Prints `ready` once everybody was asked once, and at the end one line of JSON: `seconds`, `asked`, and for each name how often
it was asked, what was wrong (`refused`: HTTP status or `no`), and as whom it got in (`seen`).
"""

import itertools
import json
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from eks_token import eks_token  # noqa: E402
from kubernetes import Api  # noqa: E402

WHOAMI = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
CAN_I = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
THREADS = 8
# Between two questions about one person.
PAUSE = 0.1
# Every so many questions, who one is, and not only what one may.
EACH = 4
LIFETIMES = itertools.cycle(range(60, 800))
OWN = ("system:authenticated", "eksact:migration:")


class Probe:
    def __init__(self, facts, person):
        self.facts, self.person = facts, person
        self.api = Api(facts["endpoint"], facts["ca"])
        self.asked, self.refused, self.seen = 0, [], set()

    def ask(self):
        token = eks_token(self.facts["cluster"], self.facts["region"], *self.person["keys"], lifetime=next(LIFETIMES))
        if self.asked % EACH == 0:
            status, answer = self.api.call("POST", WHOAMI, {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}, token)
            if status == 201:
                user = answer["status"]["userInfo"]
                groups = sorted(group for group in user.get("groups", []) if not group.startswith(OWN))
                self.seen.add((user["username"], tuple(groups)))
            else:
                self.refused.append([round(time.time(), 3), status])
        else:
            asked = {"kind": "SelfSubjectAccessReview", "apiVersion": "authorization.k8s.io/v1", "spec": {"resourceAttributes": self.person["may"]}}
            status, answer = self.api.call("POST", CAN_I, asked, token)
            if status != 201:
                self.refused.append([round(time.time(), 3), status])
            elif not answer["status"]["allowed"]:
                self.refused.append([round(time.time(), 3), "no"])
        self.asked += 1


def main():
    facts, people = json.loads(sys.stdin.readline()), json.loads(sys.stdin.readline())
    probes = [Probe(facts, person) for person in people]
    stop, started, ready = threading.Event(), time.monotonic(), threading.Semaphore(0)

    def run(own):
        for probe in own:
            probe.ask()
        ready.release()
        while not stop.is_set():
            begun = time.monotonic()
            for probe in own:
                if not stop.is_set():
                    probe.ask()
            stop.wait(max(0.0, PAUSE - (time.monotonic() - begun)))

    threads = [threading.Thread(target=run, args=(probes[number::THREADS],)) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    for _ in threads:
        ready.acquire()
    print("ready", flush=True)
    sys.stdin.read()
    stop.set()
    for thread in threads:
        thread.join()
    print(json.dumps({
        "seconds": round(time.monotonic() - started, 1),
        "asked": sum(probe.asked for probe in probes),
        "people": {probe.person["name"]: {"asked": probe.asked, "refused": probe.refused, "seen": sorted(map(list, probe.seen))} for probe in probes},
    }))


if __name__ == "__main__":
    main()
