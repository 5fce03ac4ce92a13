"""Principals as EKS takes them: the form of their ARNs, whether IAM has them, and the unique ids that stand behind entries."""

import base64
import hashlib
import re
from dataclasses import dataclass

ARN = re.compile(r"arn:(?P<partition>aws[a-z-]*):iam::(?P<account>\d{12}):(?P<kind>role|user)(?P<path>/(?:[^/]+/)*)(?P<name>[^/]+)")


@dataclass
class Principal:
    arn: str
    partition: str
    account: str
    kind: str
    path: str
    name: str

    @property
    def service_linked(self):
        """By the ARN's form alone, as EKS judges."""
        return self.kind == "role" and self.path.startswith("/aws-service-role/")


def parsed(arn):
    """The parts of a role's or user's ARN, or None."""
    match = ARN.fullmatch(arn or "")
    return Principal(arn, **match.groupdict()) if match else None


def unique_id(state, principal):
    """The id that IAM gave to the principal, or None if it has none of that name and path.

    Other accounts are not simulated: each of their principals counts as there, with an id that no token of the bed shows.
    """
    from ministack.services import iam

    if principal.account != state.account:
        return made_up_id(principal)
    store, key = (iam._roles, "RoleId") if principal.kind == "role" else (iam._users, "UserId")
    record = store.get(principal.name)
    # The simulated IAM knows one partition only.
    if record is None or record["Arn"].split(":", 2)[2] != principal.arn.split(":", 2)[2]:
        return None
    return record[key]


def made_up_id(principal):
    """An id of the right form that IAM gave to nobody."""
    digest = base64.b32encode(hashlib.sha256(principal.arn.encode()).digest()).decode()
    return f"{'AROA' if principal.kind == 'role' else 'AIDA'}{digest[:17]}"
