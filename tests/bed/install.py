"""Installs what the bed is made of: a Python environment, the Go programs and the Node programs, once per machine.

All live in a cache folder named after the digest of the files that pin them, so a changed pin makes a new folder and an unchanged one
costs nothing. A build goes to a folder of its own and is renamed when it is whole; a lock lets parallel processes wait for one build.
Only the standard library is used here: this runs before anything is installed.
"""

import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
REQUIREMENTS = HERE / "requirements.txt"
# The Go modules below go/, what each builds, and whether KUBEBUILDER_ASSETS may bring it instead.
MODULES = {
    "etcd": {"etcd": "go.etcd.io/etcd/server/v3"},
    "authenticator": {
        "aws-iam-authenticator": "sigs.k8s.io/aws-iam-authenticator/cmd/aws-iam-authenticator",
        # Our own program around the same module's parser and mapper, for tests that compare with them.
        "aws-auth-mapper": "./aws-auth-mapper",
    },
    "kubernetes": {
        "kube-apiserver": "k8s.io/kubernetes/cmd/kube-apiserver",
        "kubectl": "k8s.io/kubernetes/cmd/kubectl",
    },
    # Our own program around the YAML that eksctl and Kubernetes read with, for tests that compare with it.
    "yaml": {"yaml-to-json": "./yaml-to-json"},
    # Our own program around client-go's loading of kubeconfigs, for tests that compare with it.
    "client-go": {"kubeconfig-loader": "./kubeconfig-loader"},
    # Our own program around the pod identity webhook, for tests that compare with it.
    "webhook": {"pod-mutator": "./pod-mutator"},
    # The oldest that people still have beside their clusters; built around the module of its command.
    "kubectl-1.24": {"kubectl-1.24": "./kubectl"},
}
ENVTEST = ("kube-apiserver", "etcd", "kubectl")
# The folders below node/, and the script in each that is a program.
NODE = {"policy-judge": "judge.js"}


class Missing(Exception):
    """A tool that only the user can install."""


def cache_root():
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "eksact-test-bed"


def _digest(*paths):
    digest = hashlib.sha256()
    for path in paths:
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def say(text):
    """Progress goes to stderr: stdout belongs to the caller's data."""
    print(f"test bed: {text}", file=sys.stderr, flush=True)


@contextlib.contextmanager
def _locked(folder):
    folder.parent.mkdir(parents=True, exist_ok=True)
    with open(f"{folder}.lock", "w", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"another process is making {folder.name}; waiting for it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _made_once(folder, make):
    """Give `folder`, made by `make(temporary folder)` if it is not there yet."""
    if folder.is_dir():
        return folder
    with _locked(folder):
        if folder.is_dir():
            return folder
        temporary = Path(tempfile.mkdtemp(prefix=f"{folder.name}.", dir=folder.parent))
        try:
            make(temporary)
            temporary.rename(folder)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    return folder


def _tool(name, hint):
    path = shutil.which(name)
    if not path:
        raise Missing(f"`{name}` is not on PATH. {hint}")
    return path


def _run(command, **options):
    result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, **options)
    if result.returncode != 0:
        tail = "\n".join(result.stdout.splitlines()[-30:])
        raise Missing(f"`{' '.join(map(str, command))}` failed with {result.returncode}:\n{tail}")
    return result.stdout


def python_environment():
    """The Python interpreter of the environment that holds requirements.txt."""
    if sys.version_info < (3, 10):
        raise Missing(f"Python 3.10 or newer is needed; this is {sys.version.split()[0]}.")
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    folder = cache_root() / f"python-{version}-{_digest(REQUIREMENTS)}"

    def make(_temporary):
        # A virtual environment cannot be moved, so it is made in place below the
        # lock, and the marker that `_made_once` looks for is renamed last.
        target = Path(f"{folder}.venv")
        say(f"installing the Python packages into {target}")
        shutil.rmtree(target, ignore_errors=True)
        try:
            _run([sys.executable, "-m", "venv", str(target)])
        except Missing as failure:
            raise Missing(f"{failure}\nThe venv module may be missing: install python3-venv (Debian, Ubuntu).") from None
        _run([str(target / "bin" / "python"), "-m", "pip", "install", "--disable-pip-version-check", "-q",
              "-r", str(REQUIREMENTS)])

    _made_once(folder, make)
    return Path(f"{folder}.venv") / "bin" / "python"


def _build_module(module, programs):
    source = HERE / "go" / module
    folder = cache_root() / _digest(source / "go.mod", source / "go.sum", *sorted(source.rglob("*.go")))

    def make(temporary):
        go = _tool("go", "Install Go 1.26 or newer: https://go.dev/doc/install (it fetches the patch release that it needs itself).")
        for program, package in programs.items():
            say(f"building {program} (once per machine{'; this one takes some minutes' if program == 'kube-apiserver' else ''})")
            _run([go, "build", "-trimpath", "-ldflags", "-s -w", "-o", str(temporary / program), package],
                 cwd=source)

    return _made_once(folder, make)


# As Debian and others call it; a browser that is there already serves.
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def browser():
    """The path of a Chromium, for the test of the page that `-o html` makes. Debian's package where there is none."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found:
        return found
    hint = "Install Chromium; on Debian and Ubuntu: apt-get install chromium"
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise Missing(f"no Chromium is on PATH. {hint}")
    say("installing chromium (once per machine)")
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    _run(["apt-get", "update"], env=quiet)
    _run(["apt-get", "install", "-y", "--no-install-recommends", "chromium"], env=quiet)
    return _tool("chromium", hint)


def programs():
    """The path of every Go program, built if need be. KUBEBUILDER_ASSETS wins where it has one."""
    found = {}
    assets = os.environ.get("KUBEBUILDER_ASSETS")
    for name in ENVTEST if assets else ():
        candidate = Path(assets) / name
        if not os.access(candidate, os.X_OK):
            raise Missing(f"KUBEBUILDER_ASSETS is {assets}, but {candidate} is not there. Unset it, or complete the folder.")
        found[name] = candidate
    for module, wanted in MODULES.items():
        if not all(name in found for name in wanted):
            folder = _build_module(module, wanted)
            found.update({name: folder / name for name in wanted if name not in found})
    return {name: str(path) for name, path in found.items()}


def node_program(name):
    """The path of one Node program, installed with the packages that its lock file pins."""
    source = HERE / "node" / name
    files = [source / file for file in ("package.json", "package-lock.json", NODE[name])]
    folder = cache_root() / f"node-{name}-{_digest(*files)}"

    def make(temporary):
        _tool("node", "Install Node 20 or newer: https://nodejs.org")
        npm = _tool("npm", "Install npm; it comes with Node: https://nodejs.org")
        say(f"installing the packages of {name}")
        for file in files:
            shutil.copy(file, temporary)
        _run([npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=temporary)

    return str(_made_once(folder, make) / NODE[name])


def program(name):
    """The path of one program, built or installed if need be."""
    if name in NODE:
        return node_program(name)
    for module, wanted in MODULES.items():
        if name in wanted:
            return str(_build_module(module, wanted) / name)
    raise Missing(f"the bed has no program `{name}`")
