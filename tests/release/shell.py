"""Shellcheck over the shell that stands in YAML: `run:` of composite actions, `script:` of GitLab jobs.

    shell.py SHELLCHECK FILE…

actionlint does the same for workflows, and reads neither of these.
"""

import subprocess
import sys

import yaml

# GitLab fills these in before the shell sees them.
GITLAB_INPUT = "$[[ inputs."
SCRIPTS = ("before_script", "script", "after_script")


def blocks(document):
    """Each piece of shell, with the name of what it belongs to."""
    for number, step in enumerate(document.get("runs", {}).get("steps", [])):
        if "run" in step:
            yield step.get("name", f"step {number + 1}"), step.get("shell", "bash"), step["run"]
    for name, job in document.items():
        if isinstance(job, dict):
            for key in SCRIPTS:
                if key in job:
                    lines = job[key] if isinstance(job[key], list) else [job[key]]
                    yield f"{name}.{key}", "bash", "\n".join(lines)


def main():
    shellcheck, files = sys.argv[1], sys.argv[2:]
    failed, seen = False, 0
    for path in files:
        with open(path, encoding="utf-8") as file:
            for document in yaml.safe_load_all(file):
                for name, shell, text in blocks(document):
                    seen += 1
                    while GITLAB_INPUT in text:
                        before, _, rest = text.partition(GITLAB_INPUT)
                        text = before + "input" + rest.partition("]]")[2]
                    # ${{ … }} is replaced before the shell reads it: in a script it would be an injection.
                    if "${{" in text:
                        print(f"{path}: {name}: pass ${{{{ … }}}} as a variable of `env`", file=sys.stderr)
                        failed = True
                    # Both runners stop at the first failure.
                    done = subprocess.run([shellcheck, "--shell", shell, "-"], input=f"set -e\n{text}", text=True, check=False, capture_output=True)
                    if done.returncode != 0:
                        print(f"{path}: {name}:\n{done.stdout}{done.stderr}", file=sys.stderr)
                        failed = True
    if not seen:
        sys.exit("error: no shell was found in any of these files")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
