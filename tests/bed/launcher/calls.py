"""One EKS call as the launcher's own operations see it: what was asked, and how to refuse."""

import json
import urllib.parse
from dataclasses import dataclass, field

LARGEST_PAGE = 100


class Refused(Exception):
    """EKS's refusal: code, text and status."""

    def __init__(self, code, message, status=400):
        super().__init__(message)
        self.code, self.status = code, status


def invalid(message):
    return Refused("InvalidParameterException", message)


def missing(message):
    return Refused("ResourceNotFoundException", message, 404)


def in_use(message):
    return Refused("ResourceInUseException", message, 409)


@dataclass
class Call:
    """`place` holds what the path names, `body` the request's JSON, `query` the parameters with their values in lists."""

    state: object
    place: dict
    body: dict = field(default_factory=dict)
    query: dict = field(default_factory=dict)
    # The access key that the call was signed with; None for a call of the launcher's own.
    caller: str | None = None

    @property
    def eks(self):
        from ministack.services import eks

        return eks

    @property
    def iam(self):
        from ministack.services import iam

        return iam

    @property
    def cluster_name(self):
        return self.place.get("clusterName") or self.place.get("name")

    def cluster(self):
        record = self.eks._clusters.get(self.cluster_name)
        if record is None:
            raise missing(f"No cluster found for name: {self.cluster_name}.")
        return record

    def asked(self, name):
        """One query parameter, or None."""
        value = self.query.get(name)
        return (value[0] if value else None) if isinstance(value, list) else value

    def below(self, store):
        """(key, record) of everything that a store keeps for the cluster; keys begin with its name."""
        return [(key, record) for key, record in list(store.items()) if key.startswith(f"{self.cluster_name}\x00")]

    def page(self, items, key, **more):
        """One page of a list, as `maxResults` and `nextToken` want it; tokens are offsets."""
        try:
            size, start = int(self.asked("maxResults") or LARGEST_PAGE), int(self.asked("nextToken") or 0)
        except ValueError:
            raise invalid("nextToken is invalid.") from None
        if not 1 <= size <= LARGEST_PAGE:
            raise invalid(f"maxResults must be between 1 and {LARGEST_PAGE}.")
        answer = {key: items[start:start + size], **more}
        if start + size < len(items):
            answer["nextToken"] = str(start + size)
        return answer

    def tags(self):
        """The tags of a request. The model wants at least one where there is the field at all."""
        tags = self.body.get("tags")
        if tags is None:
            return {}
        if not 1 <= len(tags) <= 50:
            raise invalid(f"1 validation error detected: Value '{json.dumps(tags)}' at 'tags' failed to satisfy constraint: "
                          f"Member must have length {'greater' if not tags else 'less'} than or equal to {1 if not tags else 50}")
        return dict(tags)

    def keep_tags(self, arn, tags):
        if tags:
            self.eks._tags[arn] = dict(tags)

    def arn(self, resource):
        return f"arn:aws:eks:{self.state.region}:{self.state.account}:{resource}"


def unquoted(path):
    return urllib.parse.unquote(path)
