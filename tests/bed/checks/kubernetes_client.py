"""A client of the bed's kube-apiserver, from its admin kubeconfig."""

import base64
import functools
import json
import tempfile
from pathlib import Path

from kubernetes import Api


@functools.cache
def from_kubeconfig(path):
    """The Api of a kubeconfig that bed.py wrote (JSON, one context, certificates inside)."""
    config = json.loads(Path(path).read_text(encoding="utf-8"))
    cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
    with tempfile.TemporaryDirectory() as folder:
        paths = []
        for name, value in (("ca", cluster["certificate-authority-data"]), ("certificate", user["client-certificate-data"]),
                            ("key", user["client-key-data"])):
            file = Path(folder) / name
            file.touch(mode=0o600)
            file.write_bytes(base64.b64decode(value))
            paths.append(str(file))
        return Api(cluster["server"], *paths)


def admin(world):
    return from_kubeconfig(world.facts["admin_kubeconfig"])
