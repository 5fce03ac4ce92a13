"""Plays the jobs of a GitHub workflow from its own file, with what GitHub and AWS would do beside it made on this machine.

`run:` steps run as they are, by the runner's shells. Of the actions, this repository's own is played from action.yml; checkout, the
cache and artifacts are a folder copied. `gh` and `curl` are stand-ins (`stand_ins/`) over the same state.
"""

import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

import yaml

HERE = pathlib.Path(__file__).resolve().parent
TOKEN = re.compile(r"'(?:[^']|'')*'|[A-Za-z_][\w.-]*(?:\(\))?|==|!=|&&|\|\||[()!]|\d+")
WORDS = {"&&": " and ", "||": " or ", "!": " not ", "true": "True", "false": "False"}
# What each of them does on the runner is this machine's affair, not the flow's.
NOTHING = ("aws-actions/configure-aws-credentials",)


class Failed(Exception):
    """A step that failed: its name and all it said."""


class Hub:
    """What GitHub keeps: branches, pull requests, comments, reviews, issues, artifacts. The stand-in for `gh` reads and writes it."""

    def __init__(self, folder, releases):
        self.folder, self.path, self.releases = folder, folder / "hub.json", releases
        folder.mkdir(parents=True)
        self.write({"comments": [], "reviews": [], "pulls": [], "runs": [], "issues": [], "labels": []})

    def read(self):
        return json.loads(self.path.read_text())

    def write(self, state):
        self.path.write_text(json.dumps(state, indent=1))

    def add(self, what, entry):
        state = self.read()
        state[what].append(entry)
        self.write(state)


class Scope:
    """The values that `${{ … }}` can name."""

    def __init__(self, **roots):
        self.roots = roots

    def lookup(self, path):
        value = self.roots
        for key in path.split("."):
            value = value.get(key, "") if isinstance(value, dict) else ""
        return value

    def evaluate(self, expression, failed=False):
        def word(found):
            text = found[0]
            if text.startswith("'"):
                return repr(text[1:-1].replace("''", "'"))
            if text == "always()":
                return "True"
            if text in WORDS or text in ("==", "!=", "(", ")") or text.isdigit():
                return WORDS.get(text, text)
            return repr(self.lookup(text))

        if failed and "always()" not in expression:
            return False
        return eval(TOKEN.sub(word, expression), {"__builtins__": {}})  # an expression of our own files

    def filled(self, text):
        return re.sub(r"\$\{\{(.*?)\}\}", lambda found: str(self.evaluate(found[1].strip())), str(text))


class Job:
    """One job of one event."""

    def __init__(self, workflow, name, event, hub, environment, commit):
        self.document = yaml.safe_load(pathlib.Path(workflow).read_text())
        self.job = self.document["jobs"][name]
        self.hub, self.commit = hub, commit
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix=f"{name}-", dir=hub.folder))
        self.temp, self.workspace = self.folder / "temp", self.folder / "workspace"
        self.temp.mkdir()
        self.workspace.mkdir()
        self.scripts = 0
        self.summary = self.folder / "summary.md"
        self.path = []
        self.environment = environment
        self.said = ""
        github = {
            "token": "stand-in",
            "repository": "OWNER/infrastructure",
            "server_url": "https://github.com",
            "sha": commit["sha"],
            **event,
        }
        self.variables = {
            "GITHUB_REPOSITORY": github["repository"],
            "GITHUB_SHA": commit["sha"],
            "GITHUB_STEP_SUMMARY": str(self.summary),
            "RUNNER_OS": "Linux",
            "RUNNER_ARCH": "X64",
            "RUNNER_TEMP": str(self.temp),
            "HUB": str(hub.path),
            "HUB_RELEASES": str(hub.releases),
        }
        self.roots = {"github": github, "runner": {"temp": str(self.temp), "os": "Linux"}}

    def is_wanted(self):
        return bool(Scope(**self.roots).evaluate(self.job["if"]))

    def play(self):
        """Runs the steps; raises what failed first, after the steps that run always."""
        number, event = len(self.hub.read()["runs"]) + 1, self.roots["github"]["event_name"]
        self.hub.add("runs", {"databaseId": number, "commit": self.commit["sha"], "event": event, "folder": str(self.folder)})
        env = {name: Scope(**self.roots).filled(value) for name, value in self.document.get("env", {}).items()}
        self.steps(self.job["steps"], {**self.roots, "env": env}, env)

    def steps(self, steps, roots, env):
        outputs, failure = {}, None
        for step in steps:
            scope = Scope(**roots, steps=outputs)
            if not scope.evaluate(str(step.get("if", "always()" if not failure else "false")).strip(), failed=failure is not None):
                continue
            try:
                made = self.step(step, scope, env)
            except Failed as error:
                made, failure = getattr(error, "outputs", {}), failure or error
            if "id" in step:
                outputs[step["id"]] = {"outputs": made}
        if failure:
            failure.outputs = outputs
            raise failure
        return outputs

    def step(self, step, scope, env):
        own = {**env, **{name: scope.filled(value) for name, value in step.get("env", {}).items()}}
        if "run" in step:
            return self.shell(step, own)
        inputs = {name: scope.filled(value) for name, value in step.get("with", {}).items()}
        action = step["uses"].partition("@")[0]
        if action == "actions/checkout":
            shutil.copytree(self.commit["folder"], self.workspace, dirs_exist_ok=True)
        elif action == "actions/upload-artifact":
            shutil.copytree(inputs["path"], self.folder / "artifacts" / inputs["name"])
        elif action == "actions/cache":
            self.cache(inputs)
        elif action == "OWNER/eksact":
            return self.own_action(inputs, env)
        elif action not in NOTHING:
            raise AssertionError(f"this runner does not know {action}")
        return {}

    def cache(self, inputs):
        """Brings back what an earlier run left; what this run leaves is taken when its archive has been checked."""
        kept = self.hub.folder / "cache" / inputs["key"]
        path = pathlib.Path(inputs["path"])
        if kept.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(kept, path)
        self.keep = (path, kept)

    def own_action(self, inputs, env):
        action = yaml.safe_load((HERE.parent.parent / "action.yml").read_text())
        unknown = inputs.keys() - action["inputs"].keys()
        assert not unknown, f"the action has no input {unknown}"
        github = {**self.roots["github"], "action_repository": "OWNER/eksact"}
        roots = {"github": github, "runner": self.roots["runner"]}
        defaults = {name: Scope(**roots).filled(value.get("default", "")) for name, value in action["inputs"].items()}
        roots["inputs"] = {**defaults, **inputs}
        try:
            outputs, failure = self.steps(action["runs"]["steps"], roots, env), None
        except Failed as error:
            outputs, failure = error.outputs, error
        path, kept = self.keep
        if path.exists():
            kept.parent.mkdir(exist_ok=True)
            shutil.copy(path, kept)
        made = {name: Scope(steps=outputs).filled(value["value"]) for name, value in action["outputs"].items()}
        if failure:
            failure.outputs = made
            raise failure
        return made

    def shell(self, step, env):
        """Bash as the runner calls it: with `pipefail` only where the step names its shell."""
        self.scripts += 1
        output, path = self.temp / f"output-{self.scripts}", self.temp / f"path-{self.scripts}"
        output.write_text("")
        path.write_text("")
        script = self.temp / "step.sh"
        script.write_text(step["run"])
        command = ["bash", "--noprofile", "--norc", "-eo", "pipefail"] if step.get("shell") == "bash" else ["bash", "-e"]
        search = [str(HERE / "stand_ins"), *reversed(self.path), "/usr/local/bin", "/usr/bin", "/bin"]
        done = subprocess.run(
            [*command, str(script)],
            cwd=self.workspace,
            env={
                **self.variables,
                **self.environment,
                "HOME": str(self.temp),
                **env,
                "GITHUB_OUTPUT": str(output),
                "GITHUB_PATH": str(path),
                "PATH": os.pathsep.join(search),
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        self.said += done.stdout
        self.path += path.read_text().splitlines()
        made = dict(line.split("=", 1) for line in output.read_text().splitlines())
        if done.returncode != 0:
            failure = Failed(f"{step.get('name', 'a step')} ended with {done.returncode}:\n{done.stdout}")
            failure.outputs = made
            raise failure
        return made
