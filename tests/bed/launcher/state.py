"""What the control routes change and the rest of the launcher reads: times, faults, the request log, the issuers."""

import base64
import fnmatch
import hashlib
import itertools
import json
import threading
import time
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives import serialization

# What takes time: stacks' operations, change sets, updates of a cluster, add-ons, and a changed entry until it counts.
KINDS = ("create", "update", "delete", "change_set", "cluster_update", "addon", "access")
# So that nobody who looks once takes an update for done. EKS needs minutes.
CLUSTER_UPDATE_SECONDS = 0.3
# Verbs that read. Everything else counts as a write; the assumption of a role changes nothing that a plan could see.
READ_VERBS = ("Describe", "Get", "List", "Simulate", "Validate", "AssumeRole", "Discovery", "Keys", "Estimate", "Detect")


def is_write(action):
    return not action.startswith(READ_VERBS)


@dataclass
class Fault:
    """One rule: what it hits, how often, and what happens then."""

    service: str = "*"
    action: str = "*"
    # How many requests it hits before it is spent; None for all.
    count: int | None = 1
    # Requests it lets pass first.
    skip: int = 0
    # Only requests whose body or query contains this text, e.g. a stack's name.
    contains: str = ""
    code: str = ""
    message: str = ""
    status: int = 0
    # Seconds before anything else happens.
    delay: float = 0.0
    # "before": the connection is cut and nothing was done; "after": it was done, and the answer is lost.
    cut: str = ""
    id: int = field(default_factory=itertools.count(1).__next__)
    hits: int = 0

    def takes(self, service, action, text):
        """Whether the rule hits this request; counts it if so."""
        if not fnmatch.fnmatchcase(service, self.service) or not fnmatch.fnmatchcase(action, self.action):
            return False
        if self.contains and self.contains not in text:
            return False
        if self.skip > 0:
            self.skip -= 1
            return False
        if self.count is not None and self.hits >= self.count:
            return False
        self.hits += 1
        return True


class State:
    """All of the launcher's own state. One event loop uses it, and no await lies between reading and writing it; what EKS's operations use of
    it, the lock guards."""

    def __init__(self, settings):
        self.account = settings["account"]
        self.region = settings["region"]
        self.thumbprint = settings["thumbprint"]
        # Seconds that an operation stays IN_PROGRESS, by kind.
        self.seconds = dict.fromkeys(KINDS, 0.0) | {"cluster_update": CLUSTER_UPDATE_SECONDS}
        self.faults = []
        self.log = []
        self.sequence = 0
        # Issuer id (the 32 hex digits) -> issuer URL. All clusters of a bed share one signing key.
        self.issuers = {}
        # Host pattern -> "refuse" or "hang": what the proxy does with it. The proxy reads the file.
        self.blocked = {}
        # By how many seconds AWS is ahead of the machine.
        self.clock = 0
        self.blocked_file = Path(settings["blocked"])
        # The cluster whose kube-apiserver the bed has, and where its authenticator's files are.
        self.cluster = settings["cluster"]
        self.folder = Path(settings["blocked"]).parent
        # EKS calls run in threads of their own; this makes them one after the other.
        self.lock = threading.RLock()
        # ARN of an access entry -> unique id of its principal when it was made, which the API never shows.
        self.principal_ids = {}
        # Cluster -> id of the update -> update.
        self.updates = {}
        # What decides now (decisions.py): unique id -> (principal, policies), and which of the views has been published and which applied.
        self.policies = {}
        self.published, self.sequence_published, self.sequence_applied = None, 0, 0
        # File of the authenticator -> what is in it.
        self.written = {}
        # Peer address -> transport, so that a fault can cut a connection.
        self.transports = {}
        with open(settings["signing_public_key"], "rb") as file:
            self.public_key = serialization.load_pem_public_key(file.read())
        self.jwks = {"keys": [jwk(self.public_key)]}

    def enter(self):
        """Take the bed's account and region for what follows: ministack keeps its records by both."""
        from ministack.core.responses import set_request_account_id, set_request_region

        set_request_account_id(self.account)
        set_request_region(self.region)

    def later(self, kind, act):
        """Do something when the time that such operations take has passed."""
        self.after(self.seconds[kind], act)

    def after(self, seconds, act):
        """Do something in some seconds; at once, and before this returns, if there are none."""
        def run():
            with self.lock:
                self.enter()
                act()

        if not seconds:
            run()
            return
        timer = threading.Timer(seconds, run)
        timer.daemon = True
        timer.start()

    def set_seconds(self, wanted):
        """Change times: a number sets all kinds, a mapping the named ones."""
        if isinstance(wanted, (int, float)):
            wanted = dict.fromkeys(self.seconds, wanted)
        unknown = set(wanted) - set(self.seconds)
        if unknown:
            raise ValueError(f"unknown kinds {sorted(unknown)}; there are {sorted(self.seconds)}")
        self.seconds.update({kind: float(value) for kind, value in wanted.items()})

    def block(self, wanted):
        if set(wanted.values()) - {"refuse", "hang"}:
            raise ValueError('a host is blocked by "refuse" or "hang"')
        self.blocked = wanted
        temporary = self.blocked_file.with_suffix(".tmp")
        temporary.write_text(json.dumps(wanted), encoding="utf-8")
        temporary.replace(self.blocked_file)

    def add_fault(self, wanted):
        allowed = set(Fault.__dataclass_fields__) - {"id", "hits"}
        unknown = set(wanted) - allowed
        if unknown:
            raise ValueError(f"unknown fields {sorted(unknown)}; there are {sorted(allowed)}")
        if wanted.get("cut", "") not in ("", "before", "after"):
            raise ValueError("cut is \"before\" or \"after\"")
        fault = Fault(**wanted)
        self.faults.append(fault)
        return asdict(fault)

    def fault_for(self, service, action, text):
        return next((fault for fault in self.faults if fault.takes(service, action, text)), None)

    def record(self, service, action, status, started, target, access_key, fault):
        self.sequence += 1
        self.log.append({
            "sequence": self.sequence,
            "service": service,
            "action": action,
            "write": is_write(action),
            "status": status,
            "target": target,
            "access_key": access_key,
            "time": started,
            "seconds": round(time.time() - started, 6),
            "fault": fault.id if fault else None,
        })

    def summary(self):
        calls = Counter(f"{entry['service']}:{entry['action']}" for entry in self.log)
        return {
            "calls": len(self.log),
            "writes": sum(entry["write"] for entry in self.log),
            "by_action": dict(sorted(calls.items())),
        }


def jwk(public_key):
    """The key as kube-apiserver publishes it: the key id is the SHA-256 of the DER form (k8s.io/kubernetes pkg/serviceaccount)."""
    numbers = public_key.public_numbers()
    der = public_key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)

    def encode(data):
        return base64.urlsafe_b64encode(data).rstrip(b"=").decode()

    def integer(value):
        return encode(value.to_bytes((value.bit_length() + 7) // 8, "big"))

    return {"use": "sig", "kty": "RSA", "alg": "RS256", "kid": encode(hashlib.sha256(der).digest()),
            "n": integer(numbers.n), "e": integer(numbers.e)}
