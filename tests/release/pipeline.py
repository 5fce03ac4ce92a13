"""The flow of examples/ci/github-actions.yml from end to end, played from its own steps and those of action.yml.

    pipeline.py PROGRAM          # the account and the cluster are the sandbox's
    pipeline.py PROGRAM --bed    # the two main stories on test beds: real API server, real authenticator, AWS over TLS

A pull request, its one comment, approval by digest, merge, apply; the same with drift in between; drift by night. The release that
the action installs is made around PROGRAM. The Python is that of `scripts/lint --python`.
"""

import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

import packages
from runner import Failed, Hub, Job

ROOT = packages.ROOT
WORKFLOW = ROOT / "examples/ci/github-actions.yml"
FILE = """\
apiVersion: eksctl.io/v1alpha5
kind: ClusterConfig
metadata: {{name: prod, region: eu-west-1}}
iam:
  withOIDC: true
  serviceAccounts:
    - metadata: {{name: report-reader, namespace: app}}
      attachPolicyARNs: [arn:aws:iam::aws:policy/{}]
"""
READ, WRITE, ALL = "AmazonS3ReadOnlyAccess", "AmazonSQSFullAccess", "AdministratorAccess"


class Pipeline(unittest.TestCase):
    """Each test has a hub, an account and a cluster of its own, whose file is on main and applied."""

    on_bed = False

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(dir=packages.PLACE.name))
        self.hub = Hub(self.folder / "hub", self.releases)
        if self.on_bed:
            self.environment = self.bed()
        else:
            self.environment = {"EKSACT_SANDBOX": "1", "EKSACT_SANDBOX_FILE": str(self.folder / "account.json")}
        self.main = self.commit(READ)
        self.eksact("apply", "-f", self.main["folder"] / "cluster.yaml", "--yes")

    def bed(self):
        """A test bed of the test's own: its variables for a client. It ends with the pipe."""
        command = ["python3", str(ROOT / "tests/bed/bed.py"), "--cluster", "prod", "--region", "eu-west-1"]
        bed = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.addCleanup(bed.communicate)
        return json.loads(bed.stdout.readline())["environment"]

    def commit(self, policy):
        """A commit whose file attaches this policy."""
        text = FILE.format(policy)
        sha = hashlib.sha1(f"{text}{os.urandom(8)}".encode()).hexdigest()
        folder = self.folder / "commits" / sha
        folder.mkdir(parents=True)
        (folder / "cluster.yaml").write_text(text)
        return {"sha": sha, "folder": folder}

    def eksact(self, *arguments, code=0):
        """Someone at a terminal, with the same account."""
        environment = {**self.environment, "HOME": str(self.folder), "PATH": "/usr/bin:/bin"}
        done = subprocess.run([str(packages.Packages.program), *map(str, arguments)], env=environment, capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stdout

    def attach_by_hand(self, policy):
        """Someone in the console of IAM: the role has one more policy than the template of its stack."""
        account = pathlib.Path(self.environment["EKSACT_SANDBOX_FILE"])
        world = json.loads(account.read_text())
        (role,) = (each for each in world["roles"].values() if each["tags"].get("alpha.eksctl.io/iamserviceaccount-name") == "app/report-reader")
        role["managed_policy_arns"].append(f"arn:aws:iam::aws:policy/{policy}")
        account.write_text(json.dumps(world))

    def play(self, name, event, commit):
        """Plays one job, and checks that the event runs no other."""
        workflow = {}
        for other in ("plan", "apply", "drift"):
            job = Job(WORKFLOW, other, event, self.hub, self.environment, commit)
            if job.is_wanted():
                workflow[other] = job
        self.assertEqual(list(workflow), [name])
        workflow[name].play()
        return workflow[name]

    def push(self, commit, number=7):
        """A push to the branch of a pull request."""
        request = {"number": number, "head": {"sha": commit["sha"], "repo": {"full_name": "OWNER/infrastructure"}}}
        return self.play("plan", {"event_name": "pull_request", "event": {"pull_request": request}}, commit)

    def review(self, commit, text, state="APPROVED", association="MEMBER"):
        self.hub.add("reviews", {"pull": 7, "state": state, "commit_id": commit["sha"], "author_association": association, "body": text})

    def merge(self, commit):
        merged = {"sha": hashlib.sha1(commit["sha"].encode()).hexdigest(), "folder": commit["folder"]}
        self.hub.add("pulls", {"number": 7, "head": {"sha": commit["sha"]}, "merge_commit_sha": merged["sha"], "merged_at": "2026-01-01T00:00:00Z"})
        return self.play("apply", {"event_name": "push"}, merged)

    def comments(self):
        return self.hub.read()["comments"]

    def digest(self):
        """As a reviewer copies it from the comment's end."""
        return re.findall("sha256:[0-9a-f]{64}", self.comments()[0]["body"])[-1]

    def policies(self):
        """What the role has."""
        # A plan over each file says what is attached, without a look into the sandbox's own form.
        found = []
        for policy in (READ, WRITE, ALL):
            file = self.folder / "look.yaml"
            file.write_text(FILE.format(policy))
            if "No changes." in self.eksact("plan", "-f", file):
                found.append(policy)
        return found

    def refused(self, play, *words):
        before = self.policies()
        with self.assertRaises(Failed) as failure:
            play()
        self.assertEqual(self.policies(), before, "what is refused changes nothing")
        for word in words:
            self.assertIn(word, str(failure.exception))

    def test_pull_request_is_planned_approved_merged_and_applied(self):
        first = self.commit(ALL)
        self.push(first)
        (comment,) = self.comments()
        self.assertTrue(comment["body"].startswith("<!-- eksact:plan:prod:sha256:"), comment["body"])
        self.assertIn(ALL, comment["body"])
        old = self.digest()
        # The second push says something else, in the same comment.
        second = self.commit(WRITE)
        self.push(second)
        (comment,) = self.comments()
        self.assertEqual(comment["edits"], 1)
        self.assertIn(WRITE, comment["body"])
        self.assertNotIn(ALL, comment["body"])
        self.assertNotEqual(self.digest(), old)
        self.assertEqual(self.policies(), [READ], "a plan changes nothing")
        self.review(second, f"Approved, {self.digest()}")
        job = self.merge(second)
        self.assertIn("Applied: 1 updated.", job.said)
        self.assertEqual(self.policies(), [WRITE])

    def test_drift_between_approval_and_merge_is_refused(self):
        commit = self.commit(WRITE)
        self.push(commit)
        self.review(commit, f"Approved, {self.digest()}")
        self.eksact("update", "iamserviceaccount", "--cluster", "prod", "--namespace", "app", "--name", "report-reader", "--attach-policy-arn", f"arn:aws:iam::aws:policy/{ALL}", "--yes")
        self.refused(lambda: self.merge(commit), "iam-role/app/report-reader")
        self.assertEqual(self.policies(), [ALL])

    def test_approval_of_an_older_push_is_none(self):
        first = self.commit(ALL)
        self.push(first)
        self.review(first, f"Approved, {self.digest()}")
        second = self.commit(WRITE)
        self.push(second)
        self.refused(lambda: self.merge(second), "no approving review")

    def test_approval_of_another_digest_is_refused(self):
        commit = self.commit(WRITE)
        self.push(commit)
        self.review(commit, f"Approved, sha256:{'0' * 64}")
        self.refused(lambda: self.merge(commit), "sha256:" + "0" * 64)

    def test_words_without_an_approval_are_none(self):
        commit = self.commit(WRITE)
        self.push(commit)
        self.review(commit, f"I do not like {self.digest()}", state="CHANGES_REQUESTED")
        self.review(commit, f"Approved, {self.digest()}", association="NONE")
        self.review(commit, "Looks good")
        self.refused(lambda: self.merge(commit), "no approving review")

    def test_plan_that_someone_changed_is_refused(self):
        commit = self.commit(WRITE)
        job = self.push(commit)
        self.review(commit, f"Approved, {self.digest()}")
        plan = job.folder / "artifacts/eksact-plan/plan.eksact"
        text = plan.read_text()
        self.assertIn(WRITE, text)
        plan.write_text(text.replace(WRITE, ALL))
        self.refused(lambda: self.merge(commit))

    def test_push_without_a_pull_request_is_refused(self):
        commit = self.commit(WRITE)
        self.refused(lambda: self.play("apply", {"event_name": "push"}, commit), "without a pull request")

    def test_pull_request_without_changes_needs_no_approval(self):
        commit = self.commit(READ)
        self.push(commit)
        self.merge(commit)
        self.assertEqual(self.policies(), [READ])

    def test_file_with_an_error_fails_the_plan(self):
        commit = self.commit(READ)
        (commit["folder"] / "cluster.yaml").write_text("kind: Nonsense\n")
        with self.assertRaises(Failed):
            self.push(commit)
        self.assertEqual(self.comments(), [])

    def test_fork_runs_nothing(self):
        request = {"number": 7, "head": {"sha": "0", "repo": {"full_name": "someone/else"}}}
        for name in ("plan", "apply", "drift"):
            job = Job(WORKFLOW, name, {"event_name": "pull_request", "event": {"pull_request": request}}, self.hub, self.environment, self.main)
            self.assertFalse(job.is_wanted())

    def test_download_with_another_checksum_is_refused(self):
        releases = self.folder / "releases"
        shutil.copytree(self.releases, releases)
        (archive,) = releases.glob("*.tar.gz")
        archive.write_bytes(archive.read_bytes() + b"\0")
        self.hub.releases = releases
        with self.assertRaises(Failed) as failure:
            self.push(self.commit(WRITE))
        self.assertIn("has the checksum", str(failure.exception))
        self.assertFalse((self.hub.folder / "cache").exists(), "what is refused is not kept")

    def test_drift_opens_one_issue_and_closes_it(self):
        night = {"event_name": "schedule"}
        self.play("drift", night, self.main)
        self.assertEqual(self.hub.read()["issues"], [])
        self.attach_by_hand(ALL)
        self.play("drift", night, self.main)
        self.play("drift", night, self.main)
        (issue,) = self.hub.read()["issues"]
        self.assertEqual(issue["state"], "open")
        self.assertIn(ALL, issue["body"])
        self.eksact("apply", "-f", self.main["folder"] / "cluster.yaml", "--yes")
        self.play("drift", night, self.main)
        self.assertEqual([each["state"] for each in self.hub.read()["issues"]], ["closed"])

    def test_outputs_say_what_the_plan_does(self):
        job = self.push(self.commit(ALL))
        plan = json.loads((job.folder / "artifacts/eksact-plan/plan.json").read_text())
        self.assertEqual(len(plan["changes"]), 1)
        outputs = {}
        for path in job.temp.glob("output-*"):
            outputs |= dict(line.split("=", 1) for line in path.read_text().splitlines())
        self.assertEqual((outputs["changes"], outputs["broadening"], outputs["digest"]), ("1", "1", self.digest()))
        self.assertIn(ALL, job.summary.read_text())


ON_BED = ("test_pull_request_is_planned_approved_merged_and_applied", "test_drift_between_approval_and_merge_is_refused")


def main():
    if len(sys.argv) not in (2, 3) or sys.argv[2:] not in ([], ["--bed"]):
        sys.exit(__doc__)
    Pipeline.on_bed = sys.argv[2:] == ["--bed"]
    packages.Packages.program = packages.around(pathlib.Path(sys.argv[1]).resolve())
    Pipeline.releases = packages.made(packages.Packages.program, "releases")
    unittest.main(argv=sys.argv[:1], defaultTest=[f"Pipeline.{name}" for name in ON_BED] if Pipeline.on_bed else None)


if __name__ == "__main__":
    main()
