#!/usr/bin/env python3
"""Starts a whole test bed and says, in one JSON line on stdout, how to use it.

It stops everything when its stdin closes, on SIGTERM or SIGINT, or when one of its processes dies (then with exit code 1 and the end of
that one's log). See README.md.
"""

import argparse
import json
import os
import re
import select
import shutil
import signal
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import install  # noqa: E402  (the path has to be set first)

HERE = Path(__file__).resolve().parent
# The issuer of the recorded worlds, so that one can be loaded as it is.
ISSUER_ID = "A1B2C3D4E5F60718293A4B5C6D7E8F90"
LAUNCHER_SECONDS = 30
WATCH_SECONDS = 0.2


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--install", action="store_true", help="only install what the bed needs, with progress on stderr")
    parser.add_argument("--program", metavar="NAME", help="only print the path of one program, built or installed if need be")
    parser.add_argument("--aws-only", action="store_true", help="no Kubernetes: simulator, proxy and TLS only; up in a second")
    parser.add_argument("--stay", action="store_true", help="end on a signal only, not when stdin closes")
    parser.add_argument("--state", help="folder for certificates, data and logs; a temporary one, removed at the end, without it")
    parser.add_argument("--cluster", default="bench", help="name of the cluster record (default: %(default)s)")
    parser.add_argument("--issuer-id", default=ISSUER_ID, help="the 32 hex digits of the cluster's issuer")
    parser.add_argument("--region", default="us-west-2")
    parser.add_argument("--account", default="111122223333")
    wanted = parser.parse_args()
    if not re.fullmatch(r"[0-9A-Fa-f]{32}", wanted.issuer_id):
        parser.error("--issuer-id takes 32 hexadecimal digits")
    if not re.fullmatch(r"\d{12}", wanted.account):
        parser.error("--account takes 12 digits")
    return wanted


class Stopped(Exception):
    """Somebody wants the bed to end."""


class Bed:
    def __init__(self, wanted, programs):
        from processes import Ports, Processes

        self.wanted, self.programs = wanted, programs
        self.folder = Path(wanted.state) if wanted.state else Path(tempfile.mkdtemp(prefix="eksact-test-bed."))
        self.temporary = not wanted.state
        self.processes = Processes(self.folder)
        self.ports, self.ports_by_name = Ports(), {}

    def start(self):
        wanted, cluster = self.wanted, None
        self.cluster = None
        # Simulator and etcd start up while the certificates are made.
        pipe = self._start_aws()
        if not wanted.aws_only:
            from kubernetes import Cluster

            authorizer = f"http://127.0.0.1:{self.ports_by_name['control']}/_ctl/authorize"
            cluster = Cluster(vars(wanted), self.programs, self.processes, self.ports, authorizer)
            self.cluster = cluster
            cluster.start_etcd()
        import certificates

        regions = sorted({wanted.region, "us-east-1", "cn-north-1", "us-gov-west-1"})
        self.files = certificates.write_all(self.folder / "tls", regions)
        with os.fdopen(pipe, "w") as writer:
            json.dump({"certificate": self.files["aws_chain"], "key": self.files["aws_key"], "thumbprint": self.files["thumbprint"],
                       "signing_public_key": self.files["signing_public_key"]}, writer)
        if cluster:
            cluster.start_api(self._issuer(), self.files)
        ready = self.folder / "aws-ready.json"
        self.processes.wait_until("the AWS simulator", ready.exists, LAUNCHER_SECONDS)
        self.people = json.loads(ready.read_text(encoding="utf-8"))
        self._record_cluster(cluster)
        if cluster:
            cluster.ready(self._verifier_environment(), self._mappings(), self._token)
        return self._description(cluster)

    def _issuer(self):
        suffix = "amazonaws.com.cn" if self.wanted.region.startswith("cn-") else "amazonaws.com"
        return f"https://oidc.eks.{self.wanted.region}.{suffix}/id/{self.wanted.issuer_id.upper()}"

    def _start_aws(self):
        """Start simulator and proxy on sockets that they inherit; gives the pipe on which the simulator waits for the certificates."""
        from processes import listening

        sockets = {}
        for name in ("simulator", "control", "proxy"):
            sockets[name], self.ports_by_name[name] = listening()
        reading, writing = os.pipe()
        simulator, control, proxy = (sockets[name].fileno() for name in ("simulator", "control", "proxy"))
        settings = {
            "account": self.wanted.account, "region": self.wanted.region, "cluster": self.wanted.cluster, "port": self.ports_by_name["simulator"],
            "socket": simulator, "control_socket": control, "pipe": reading, "ready": str(self.folder / "aws-ready.json"),
            "blocked": str(self.folder / "blocked.json"),
        }
        self.processes.start("aws", [sys.executable, "-m", "launcher"], {
            "BED_SETTINGS": json.dumps(settings), "TMPDIR": str(self.folder), "PYTHONDONTWRITEBYTECODE": "1",
        }, pass_fds=[simulator, control, reading], cwd=HERE)
        self.processes.start("proxy", [sys.executable, "-S", str(HERE / "launcher" / "proxy.py")], {
            "BED_PROXY": json.dumps({"socket": proxy, "upstream": self.ports_by_name["simulator"], "blocked": settings["blocked"]}),
        }, pass_fds=[proxy])
        # The children hold them now; a port must close when its server ends.
        for one in sockets.values():
            one.close()
        os.close(reading)
        return writing

    def control(self, method, path, body=None):
        from kubernetes import Api

        return Api(f"http://127.0.0.1:{self.ports_by_name['control']}", self.files["ca"]).call(method, f"/_ctl/{path}", body)

    def _record_cluster(self, cluster):
        from kubernetes import b64

        record = {"issuerId": self.wanted.issuer_id, "certificateAuthority": b64(Path(self.files["ca"]).read_bytes()),
                  # Nobody listens on the discard port: a client that tries is refused at once.
                  "endpoint": cluster.endpoint if cluster else "https://127.0.0.1:9"}
        status, answer = self.control("POST", f"eks/{self.wanted.cluster}", record)
        if status != 200:
            from processes import BedError

            raise BedError(f"the simulator refused the cluster record: {status} {answer}")

    def _mappings(self):
        from kubernetes import READERS

        account = self.wanted.account
        node = [{"rolearn": f"arn:aws:iam::{account}:role/node", "username": "system:node:{{EC2PrivateDNSName}}",
                 "groups": ["system:bootstrappers", "system:nodes"]}]
        deployer = {"username": "deployer", "groups": ["system:masters"]}
        return {
            "mapRoles": json.dumps(node + [{"rolearn": f"arn:aws:iam::{account}:role/deployer", **deployer}]),
            "mapUsers": json.dumps([
                {"userarn": self.people["deployer"]["arn"], **deployer},
                {"userarn": self.people["planner"]["arn"], "username": "planner", "groups": [READERS]},
            ]),
        }

    def _verifier_environment(self):
        # AWS_CA_BUNDLE too: that of another bed in the caller's shell would win over SSL_CERT_FILE.
        return {"HTTPS_PROXY": f"http://127.0.0.1:{self.ports_by_name['proxy']}", "NO_PROXY": "127.0.0.1,localhost",
                "SSL_CERT_FILE": self.files["ca"], "AWS_CA_BUNDLE": self.files["ca"],
                "AWS_REGION": self.wanted.region, "AWS_EC2_METADATA_DISABLED": "true"}

    def _token(self):
        from eks_token import eks_token

        deployer = self.people["deployer"]
        return eks_token(self.wanted.cluster, self.wanted.region, deployer["access_key_id"], deployer["secret_access_key"])

    def _description(self, cluster):
        proxy, deployer = f"http://127.0.0.1:{self.ports_by_name['proxy']}", self.people["deployer"]
        environment = {
            "HTTPS_PROXY": proxy, "https_proxy": proxy, "NO_PROXY": "127.0.0.1,localhost", "no_proxy": "127.0.0.1,localhost",
            "SSL_CERT_FILE": self.files["ca"], "AWS_CA_BUNDLE": self.files["ca"],
            "AWS_ACCESS_KEY_ID": deployer["access_key_id"], "AWS_SECRET_ACCESS_KEY": deployer["secret_access_key"],
            "AWS_REGION": self.wanted.region, "AWS_DEFAULT_REGION": self.wanted.region, "AWS_EC2_METADATA_DISABLED": "true",
            # No profile and no configuration of the person at the keyboard.
            "AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        }
        names = ("kubectl", "kubectl-1.24", "aws-iam-authenticator") if cluster else ()
        return {
            "environment": environment,
            "unset": ["AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL", "AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE", "KUBECONFIG"],
            "control": f"http://127.0.0.1:{self.ports_by_name['control']}/_ctl",
            "admin_kubeconfig": str(cluster.admin_kubeconfig) if cluster else None,
            "endpoint": cluster.endpoint if cluster else None,
            "binaries": {**{name: self.programs[name] for name in names}, **{name: str(Path(sys.executable).parent / name) for name in ("aws", "cfn-lint")}},
            "cluster": self.wanted.cluster, "account": self.wanted.account, "region": self.wanted.region,
            "issuer": self._issuer(), "thumbprint": self.files["thumbprint"], "ca": self.files["ca"],
            "signing_key": self.files["signing_key"], "deployer_role": f"arn:aws:iam::{self.wanted.account}:role/deployer",
            "people": self.people, "state": str(self.folder), "pid": os.getpid(), "python": sys.executable,
        }

    def watch(self):
        """Obey the lines of stdin, and return when it closes; raise when a process dies that was not killed by one."""
        read = b""
        while True:
            self.processes.check()
            readable, _, _ = select.select([] if self.wanted.stay else [sys.stdin], [], [], WATCH_SECONDS)
            if not readable:
                continue
            chunk = os.read(sys.stdin.fileno(), 4096)
            if not chunk:
                return
            *lines, read = (read + chunk).split(b"\n")
            for line in lines:
                self._obey(json.loads(line))
                print("{}", flush=True)

    def _obey(self, order):
        """`{"process": NAME, "signal": "STOP"}` is obeyed at once; CONT and `{"process": NAME, "start": true}` when all is well again."""
        if order.get("start"):
            self.processes.start_again(order["process"])
        else:
            self.processes.signal(order["process"], signal.Signals[f"SIG{order['signal']}"])
        if not self.cluster or not (order.get("start") or order.get("signal") == "CONT"):
            return
        if order["process"] == "etcd":
            # kube-apiserver's clients of etcd wait longer and longer before they try again, up to two minutes.
            self.processes.signal("kube-apiserver", signal.SIGKILL)
            self.processes.start_again("kube-apiserver")
        self.cluster.back()

    def stop(self):
        self.processes.stop()
        if self.temporary:
            shutil.rmtree(self.folder, ignore_errors=True)


def run(wanted):
    from processes import BedError

    def stop(_number, _frame):
        raise Stopped

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    bed = Bed(wanted, {} if wanted.aws_only else install.programs())
    try:
        print(json.dumps(bed.start()), flush=True)
        bed.watch()
    except Stopped:
        pass
    except BedError as failure:
        install.say(str(failure))
        return 1
    finally:
        # A second signal must not cut the clearing up short.
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        bed.stop()
    return 0


def main():
    wanted = arguments()
    if wanted.program:
        try:
            print(install.program(wanted.program))
            return 0
        except install.Missing as failure:
            install.say(f"cannot install: {failure}")
            return 1
    try:
        python = install.python_environment()
        if wanted.install:
            found = [*install.programs().values(), *map(install.node_program, install.NODE)]
            install.say(f"installed: {python}, {', '.join(found)}, {install.browser()}")
            return 0
    except install.Missing as failure:
        install.say(f"cannot install: {failure}")
        return 1
    if Path(sys.prefix).resolve() != Path(python).parent.parent.resolve():
        os.execv(python, [str(python), str(Path(__file__).resolve()), *sys.argv[1:]])
    try:
        return run(wanted)
    except install.Missing as failure:
        install.say(f"cannot install: {failure}")
        return 1


if __name__ == "__main__":
    sys.exit(main())
