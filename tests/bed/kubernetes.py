"""The Kubernetes half of a bed: etcd, kube-apiserver and the real aws-iam-authenticator as its token webhook.

aws-auth is read by the authenticator itself, access entries from a file that the launcher writes (launcher/decisions.py); a second file says which
of the two count. Access policies are decided by the launcher, as an authorization webhook before RBAC.
"""

import base64
import http.client
import json
import socket
import ssl
import time
import urllib.error
import urllib.request
from pathlib import Path

import certificates
from launcher.authorizer import PRINCIPAL
from launcher.decisions import BACKENDS, BOTH, ENTRIES
from processes import BedError

ETCD_SECONDS = 30
API_SECONDS = 60
AUTHENTICATOR_SECONDS = 30
# Lists that come from etcd, and how long all of them may take in a cluster that is well.
LISTS = ("/api/v1/serviceaccounts", "/api/v1/configmaps", "/apis/rbac.authorization.k8s.io/v1/clusterroles")
PROMPT_SECONDS = 1
# Of the Go programs, which live for some seconds: to collect their garbage early would be an eighth of what a bed's start computes.
LITTLE_COLLECTING = {"GOGC": "800"}
SYSTEM_NAMESPACES = ("kube-system", "default")
# The group that may read what a plan reads.
READERS = "bed-readers"
# Where the authenticator serves /healthz, on every interface; no flag changes it (its pkg/server/server.go).
HEALTH_PORT = 21363
# Of EKS's five, `system:` is missing: the authenticator would refuse the names of nodes that EKS itself gives. CreateAccessEntry refuses it.
RESERVED_PREFIXES = ("eks:", "aws:", "amazon:", "iam:")


def b64(text):
    return base64.b64encode(text if isinstance(text, bytes) else text.encode()).decode()


class Api:
    """The Kubernetes API as far as the bed needs it: JSON over a client certificate or a token."""

    def __init__(self, endpoint, ca, certificate=None, key=None):
        self.endpoint = endpoint
        self.context = ssl.create_default_context(cafile=ca)
        if certificate:
            self.context.load_cert_chain(certificate, key)
        # The environment's proxy is for AWS.
        self.opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=self.context))

    def call(self, method, path, body=None, token=None):
        """(status, answer); an answer that is no JSON comes as text."""
        headers = {"Content-Type": "application/json", "Accept": "application/json, application/jwk-set+json"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.endpoint + path, data=data, method=method, headers=headers)
        try:
            with self.opener.open(request, timeout=10) as answer:
                return answer.status, _value(answer.read())
        except urllib.error.HTTPError as failure:
            return failure.code, _value(failure.read())
        except http.client.HTTPException as failure:
            raise OSError(str(failure)) from failure

    def create(self, path, body):
        """Create an object; one that is there already counts."""
        status, answer = self.call("POST", path, body)
        if status not in (200, 201, 409):
            raise BedError(f"POST {path}: {status} {answer}")
        return answer


def _value(data):
    try:
        return json.loads(data)
    except ValueError:
        return data.decode("utf-8", "replace")


def kubeconfig(cluster, endpoint, ca, user):
    """A kubeconfig with one context, as JSON (which is YAML)."""
    return json.dumps({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": cluster, "cluster": {"server": endpoint, "certificate-authority-data": b64(Path(ca).read_bytes())}}],
        "users": [{"name": "bed-admin", "user": user}],
        "contexts": [{"name": cluster, "context": {"cluster": cluster, "user": "bed-admin"}}],
        "current-context": cluster,
    }, indent=1)


class Cluster:
    """One kube-apiserver with its etcd and authenticator."""

    def __init__(self, settings, programs, processes, ports, authorizer):
        self.authorizer = authorizer
        self.settings, self.programs, self.processes = settings, programs, processes
        self.etcd, self.etcd_peer, self.port, self.authenticator = (ports.take() for _ in range(4))
        self.endpoint = f"https://127.0.0.1:{self.port}"
        self.folder = processes.folder
        self.hook = self.folder / "webhook.kubeconfig"
        self.admin_kubeconfig = self.folder / "admin.kubeconfig"
        self.files, self.admin = {}, None

    def start_etcd(self):
        """Start etcd, which needs no certificate. Alone in its cluster, it need not wait long for the votes of others.
        It has something to do at each heartbeat: at every 10 ms that was half of what an idle bed computes."""
        self.processes.start("etcd", [
            self.programs["etcd"], "--data-dir", str(self.folder / "etcd"), "--unsafe-no-fsync",
            "--heartbeat-interval", "100", "--election-timeout", "500",
            "--listen-client-urls", f"http://127.0.0.1:{self.etcd}", "--advertise-client-urls", f"http://127.0.0.1:{self.etcd}",
            "--listen-peer-urls", f"http://127.0.0.1:{self.etcd_peer}",
            "--initial-advertise-peer-urls", f"http://127.0.0.1:{self.etcd_peer}",
            "--initial-cluster", f"default=http://127.0.0.1:{self.etcd_peer}", "--log-level", "warn",
        ], LITTLE_COLLECTING)

    def start_api(self, issuer, files):
        """Start kube-apiserver with the certificates of `files`, without waiting for it."""
        self.files = files
        self.admin = Api(self.endpoint, files["ca"], files["admin_certificate"], files["admin_key"])
        self._write_hook()
        authorization = self._write_authorization()
        self.processes.wait_until("etcd", self._etcd_healthy, ETCD_SECONDS)
        self.processes.start("kube-apiserver", [
            self.programs["kube-apiserver"],
            f"--etcd-servers=http://127.0.0.1:{self.etcd}",
            "--bind-address=127.0.0.1", "--advertise-address=127.0.0.1", f"--secure-port={self.port}",
            f"--tls-cert-file={files['server_certificate']}", f"--tls-private-key-file={files['server_key']}",
            f"--client-ca-file={files['ca']}", f"--authorization-config={authorization}",
            # A changed aws-auth must show at once, so verdicts are not kept.
            f"--authentication-token-webhook-config-file={self.hook}", "--authentication-token-webhook-cache-ttl=0s",
            f"--service-account-issuer={issuer}", f"--service-account-key-file={files['signing_public_key']}",
            f"--service-account-signing-key-file={files['signing_key']}",
            "--api-audiences=https://kubernetes.default.svc,sts.amazonaws.com",
            "--service-cluster-ip-range=10.100.0.0/16", "--allow-privileged=true",
            # No controller makes the default service accounts that this one asks for.
            "--disable-admission-plugins=ServiceAccount",
        ], LITTLE_COLLECTING)
        certificate, key = (b64(Path(files[name]).read_bytes()) for name in ("admin_certificate", "admin_key"))
        user = {"client-certificate-data": certificate, "client-key-data": key}
        certificates.write(self.admin_kubeconfig, kubeconfig(
            self.settings["cluster"], self.endpoint, files["ca"], user).encode(), secret=True)

    def _create_readers(self):
        """A role of our own: `view` is put together by a controller, and there is none."""
        rbac, kind = "/apis/rbac.authorization.k8s.io/v1", "rbac.authorization.k8s.io"
        self.admin.create(f"{rbac}/clusterroles", {"metadata": {"name": READERS}, "rules": [
            {"apiGroups": [""], "resources": ["namespaces", "serviceaccounts", "pods", "configmaps"], "verbs": ["get", "list", "watch"]}]})
        self.admin.create(f"{rbac}/clusterrolebindings", {
            "metadata": {"name": READERS}, "roleRef": {"apiGroup": kind, "kind": "ClusterRole", "name": READERS},
            "subjects": [{"apiGroup": kind, "kind": "Group", "name": READERS}]})

    def _hold_health_port(self):
        """Keep the authenticator from serving its health to the network: with the port taken it logs so, and goes on.

        Where another bed holds it already, that does as well.
        """
        self.held = socket.socket()
        try:
            self.held.bind(("127.0.0.1", HEALTH_PORT))
            self.held.listen(1)
        except OSError:
            self.held.close()

    def _etcd_healthy(self):
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(f"http://127.0.0.1:{self.etcd}/health", timeout=2) as answer:
            return json.load(answer).get("health") == "true"

    def _write_hook(self):
        """The webhook's kubeconfig and certificate, made here so that kube-apiserver need not wait for the authenticator."""
        state = self.folder / "authenticator"
        state.mkdir(exist_ok=True)
        root = certificates.authority("authenticator")
        server = certificates.leaf("authenticator", root, ["127.0.0.1", "localhost"])
        certificates.write(state / "cert.pem", server.pem)
        certificates.write(state / "key.pem", server.key_pem, secret=True)
        ca = certificates.write(state / "ca.pem", root.pem)
        self.hook.write_text(kubeconfig("authenticator", f"https://127.0.0.1:{self.authenticator}/authenticate", ca, {}), encoding="utf-8")
        (self.folder / "authenticator.yaml").write_text(json.dumps({"clusterID": self.settings["cluster"], "server": {
            "dynamicfilepath": str(self.folder / ENTRIES), "dynamicfileUserIDStrict": True,
            "dynamicBackendModePath": str(self.folder / BACKENDS),
            "reservedPrefixConfig": [{"backendMode": "DynamicFile", "usernamePrefixReserveList": RESERVED_PREFIXES}],
        }}), encoding="utf-8")

    def _write_authorization(self):
        """The authorizers in EKS's order. Only who came in through IAM has the key that the webhook looks for."""
        hook = self.folder / "authorizer.kubeconfig"
        hook.write_text(kubeconfig("authorizer", self.authorizer, self.files["ca"], {}), encoding="utf-8")
        webhook = {
            # A changed policy must show at once.
            "timeout": "10s", "authorizedTTL": "1ms", "unauthorizedTTL": "1ms", "failurePolicy": "NoOpinion",
            "subjectAccessReviewVersion": "v1", "matchConditionSubjectAccessReviewVersion": "v1",
            "connectionInfo": {"type": "KubeConfigFile", "kubeConfigFile": str(hook)},
            "matchConditions": [{"expression": f"has(request.extra) && '{PRINCIPAL}' in request.extra"}],
        }
        path = self.folder / "authorization.yaml"
        path.write_text(json.dumps({"apiVersion": "apiserver.config.k8s.io/v1", "kind": "AuthorizationConfiguration", "authorizers": [
            {"type": "Node", "name": "node"}, {"type": "Webhook", "name": "access-policies", "webhook": webhook},
            {"type": "RBAC", "name": "rbac"}]}), encoding="utf-8")
        return path

    def ready(self, environment, mappings, token):
        """Wait for kube-apiserver, set it up, start the authenticator, and wait until it knows the deployer.

        The authenticator is started last: it looks for aws-auth every 5 s, and would find it late had it started before it.
        """
        self.processes.wait_until("kube-apiserver", lambda: self.admin.call("GET", "/readyz")[0] == 200, API_SECONDS, interval=0.05)
        for namespace in SYSTEM_NAMESPACES:
            self.admin.create("/api/v1/namespaces", {"metadata": {"name": namespace}})
        self._create_readers()
        self.admin.create("/api/v1/namespaces/kube-system/configmaps", {"metadata": {"name": "aws-auth"}, "data": mappings})
        self._hold_health_port()
        self.processes.start("aws-iam-authenticator", [
            self.programs["aws-iam-authenticator"], "server", "-c", str(self.folder / "authenticator.yaml"),
            "--backend-mode", BOTH.replace(" ", ","), "--kubeconfig", str(self.admin_kubeconfig), "--address", "127.0.0.1",
            "--generate-kubeconfig", str(self.folder / "authenticator" / "unused.kubeconfig"),
            "--state-dir", str(self.folder / "authenticator"), "--port", str(self.authenticator), "--partition", "aws",
        ], {**environment, **LITTLE_COLLECTING})
        self.token = token
        self.processes.wait_until("aws-iam-authenticator", self._knows_the_deployer, AUTHENTICATOR_SECONDS, interval=0.1)

    def _knows_the_deployer(self):
        review = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
        anonymous = Api(self.endpoint, self.files["ca"])
        status, _ = anonymous.call("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", review, self.token())
        return status == 201

    def _answers_at_once(self):
        begun = time.monotonic()
        ready = self.admin.call("GET", "/readyz")[0] == 200 and all(self.admin.call("GET", path)[0] == 200 for path in LISTS)
        return ready and time.monotonic() - begun < PROMPT_SECONDS

    def back(self):
        """Wait until all is as it was, after a process was stopped or killed: the deployer gets in, and lists come at once."""
        self.processes.wait_until("kube-apiserver", self._answers_at_once, API_SECONDS, interval=0.1)
        self.processes.wait_until("aws-iam-authenticator", self._knows_the_deployer, AUTHENTICATOR_SECONDS, interval=0.1)
