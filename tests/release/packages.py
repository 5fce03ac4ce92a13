"""The packages: made twice with the same bytes, unpacked, and the README's main job done with what was in them.

    packages.py PROGRAM            # packages made around a debug program: part of scripts/test
    packages.py --released DIST    # what scripts/release made: each must do the job in less than two seconds

The Python is that of `scripts/lint --python`, which has the judges.
"""

import hashlib
import importlib.machinery
import importlib.util
import json
import os
import pathlib
import re
import shutil
import stat
import subprocess
import sys
import tarfile
import tempfile
import time
import unittest

import embedded

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
EPOCH = 1_700_000_000
LIMIT = 2.0
PLACE = tempfile.TemporaryDirectory(prefix="eksact-packages-")


def script():
    """scripts/release as a module; it has no `.py`."""
    sys.dont_write_bytecode = True
    loader = importlib.machinery.SourceFileLoader("release", str(ROOT / "scripts/release"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("release", loader))
    loader.exec_module(module)
    return module


def around(program):
    """A small program that is the debug program: packages are then made in no time."""
    path = pathlib.Path(PLACE.name) / "bin" / "eksact"
    path.parent.mkdir(exist_ok=True)
    path.write_text(f'#!/bin/sh\nexec "{program}" "$@"\n')
    path.chmod(0o755)
    return path


def made(program, name):
    release = script()
    dist = pathlib.Path(PLACE.name) / name
    dist.mkdir()
    release.packages(ROOT, dist, program, EPOCH)
    release.assemble(ROOT, dist, "OWNER/eksact", EPOCH)
    return dist


class Packages(unittest.TestCase):
    """What must hold of `dist`, whoever made it."""

    dist: pathlib.Path
    is_released = False

    def setUp(self):
        self.place = pathlib.Path(tempfile.mkdtemp(dir=PLACE.name))
        self.version = script().crates.version(ROOT)

    def the(self, pattern):
        found = list(self.dist.glob(pattern))
        self.assertEqual(len(found), 1, f"{pattern} in {sorted(path.name for path in self.dist.iterdir())}")
        return found[0]

    def main_job(self, program, before=()):
        """`eksact apply -f examples/quickstart.yaml --sandbox --yes`, in an empty folder, then a plan without changes."""
        shutil.copy(ROOT / "examples/quickstart.yaml", self.place / "quickstart.yaml")
        begun = time.monotonic()
        lines = (["apply", "-f", "quickstart.yaml", "--sandbox", "--yes"], ["plan", "-f", "quickstart.yaml", "--sandbox", "--detailed-exitcode"])
        for line in lines:
            environment = {"HOME": str(self.place), "PATH": "/nonexistent"} if not before else {}
            done = subprocess.run([*before, str(program), *line], cwd=self.place, env=environment, capture_output=True, text=True, check=False)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            seconds = time.monotonic() - begun
            if self.is_released:
                print(f"{self.id().rpartition('.')[2]}: {line[0]} after {seconds:.3f} s")
                self.assertLess(seconds, LIMIT)

    def test_archive_does_the_main_job(self):
        with tarfile.open(self.the("*.tar.gz")) as archive:
            for entry in archive:
                self.assertEqual((entry.uid, entry.gid, entry.uname), (0, 0, ""), entry.name)
            archive.extractall(self.place, filter="data")
        folder = self.place / self.the("*.tar.gz").name.removesuffix(".tar.gz")
        self.main_job(folder / "eksact")
        pages = {path.name for path in (folder / "man").iterdir()}
        self.assertLessEqual({"eksact.1", "eksact-plan.1", "eksact-create-iamserviceaccount.1"}, pages)
        self.assertEqual(len(list((folder / "completions").iterdir())), 5)
        json.loads((folder / "schemas/ClusterConfig.schema.json").read_text())
        if self.is_released:
            self.names_its_crates(folder / "eksact")
        licences = (folder / "THIRD-PARTY").read_text()
        for word in ("ring 0.", "tokio 1.", "aws-sdk-iam 1.", "The GNU C Library"):
            self.assertIn(word, licences)

    def names_its_crates(self, program):
        """Every crate of the bill of materials is in the list in the program itself, where scanners look."""
        listed = {(each["name"], each["version"]) for each in embedded.crates(program)}
        bill = json.loads(self.the("*.cdx.json").read_text())["components"]
        required = {(each["name"], each["version"]) for each in bill if each["scope"] == "required" and each["purl"].startswith("pkg:cargo/")}
        self.assertGreater(len(required), 100)
        self.assertLessEqual(required, listed)

    def test_deb_does_the_main_job(self):
        package = self.the("*.deb")
        subprocess.run(["dpkg-deb", "--extract", package, self.place / "root"], check=True)
        self.main_job(self.place / "root/usr/bin/eksact")
        fields = subprocess.run(["dpkg-deb", "--field", package], check=True, capture_output=True, text=True).stdout
        for line in ("Package: eksact", f"Version: {self.version}", "Depends: ca-certificates"):
            self.assertIn(line, fields.splitlines())
        listed = subprocess.run(["dpkg-deb", "--contents", package], check=True, capture_output=True, text=True).stdout
        for path in ("usr/share/man/man1/eksact-plan.1.gz", "usr/share/bash-completion/completions/eksact", "usr/share/doc/eksact/copyright"):
            self.assertIn(f" ./{path}\n", listed)
        self.assertEqual({line.split()[1] for line in listed.splitlines()}, {"root/root"})

    def test_image_does_the_main_job(self):
        layout = self.place / "layout"
        with tarfile.open(self.the("*-oci.tar")) as archive:
            archive.extractall(layout, filter="data")

        def blob(descriptor):
            data = (layout / "blobs" / descriptor["digest"].replace(":", "/")).read_bytes()
            self.assertEqual(f"sha256:{hashlib.sha256(data).hexdigest()}", descriptor["digest"])
            self.assertEqual(len(data), descriptor["size"])
            return data

        self.assertEqual(json.loads((layout / "oci-layout").read_text()), {"imageLayoutVersion": "1.0.0"})
        (top,) = json.loads((layout / "index.json").read_text())["manifests"]
        manifest = json.loads(blob(top))
        config = json.loads(blob(manifest["config"]))
        (layer,) = manifest["layers"]
        root = self.place / "root"
        unpacked = self.place / "layer.tar"
        import gzip

        unpacked.write_bytes(gzip.decompress(blob(layer)))
        self.assertEqual(config["rootfs"]["diff_ids"], [f"sha256:{hashlib.sha256(unpacked.read_bytes()).hexdigest()}"])
        self.assertEqual(config["config"]["User"], "65532:65532")
        self.assertEqual(config["config"]["Entrypoint"], ["/usr/bin/eksact"])
        with tarfile.open(unpacked) as archive:
            owners = {entry.name: (entry.uid, stat.S_IMODE(entry.mode)) for entry in archive}
            archive.extractall(root, filter="tar")
        self.assertEqual((owners["home/eksact"], owners["work"], owners["tmp"]), ((65532, 0o700), (65532, 0o755), (0, 0o1777)))
        authorities = (root / "etc/ssl/certs/ca-certificates.crt").read_text()
        self.assertGreater(authorities.count("-----BEGIN CERTIFICATE-----"), 100)
        if not self.is_released:
            return self.main_job(root / "usr/bin/eksact")
        if os.geteuid() != 0:
            self.fail("run this as root: the image's own file system is entered with chroot")
        # As the engine would: its user, its folder, its variables, its devices, and nothing of this machine's file system.
        (root / "dev").mkdir()
        for name, minor in (("null", 3), ("random", 8), ("urandom", 9)):
            os.mknod(root / "dev" / name, stat.S_IFCHR | 0o666, os.makedev(1, minor))
            (root / "dev" / name).chmod(0o666)
        self.place = root / "work"
        os.chown(self.place, 65532, 65532)
        os.chown(root / "home/eksact", 65532, 65532)
        inside = pathlib.Path(PLACE.name) / "inside.py"
        inside.write_text(
            "import os, sys\n"
            "os.chroot(sys.argv[1]); os.chdir('/work'); os.setgroups([]); os.setgid(65532); os.setuid(65532)\n"
            f"os.execve(sys.argv[2], sys.argv[2:], dict(each.split('=', 1) for each in {config['config']['Env']!r}))\n"
        )
        self.main_job("/usr/bin/eksact", before=(sys.executable, str(inside), str(root)))

    def test_checksums_hold(self):
        subprocess.run(["sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS"], cwd=self.dist, check=True)
        named = {line.split("  ")[1] for line in (self.dist / "SHA256SUMS").read_text().splitlines()}
        self.assertEqual(named | {"SHA256SUMS"}, {path.name for path in self.dist.iterdir()})

    def test_bill_of_materials_is_cyclonedx(self):
        from cyclonedx.schema import SchemaVersion
        from cyclonedx.validation.json import JsonStrictValidator

        text = self.the("*.cdx.json").read_text()
        self.assertIsNone(JsonStrictValidator(SchemaVersion.V1_6).validate_str(text))
        document = json.loads(text)
        components = {each["name"]: each for each in document["components"]}
        self.assertEqual(components["tokio"]["scope"], "required")
        self.assertEqual(components["serde_derive"]["scope"], "excluded")
        self.assertFalse({"proptest", "insta", "rcgen"} & components.keys(), "what only tests need is not in the program")
        known = {document["metadata"]["component"]["bom-ref"], *(each["bom-ref"] for each in document["components"])}
        for each in document["dependencies"]:
            self.assertLessEqual({each["ref"], *each["dependsOn"]}, known)

    def test_indexes_name_the_archive(self):
        import yaml

        archive = self.the("*.tar.gz")
        checksum = hashlib.sha256(archive.read_bytes()).hexdigest()
        (platform,) = yaml.safe_load((self.dist / "krew.yaml").read_text())["spec"]["platforms"]
        self.assertEqual(platform["sha256"], checksum)
        self.assertTrue(platform["uri"].endswith(f"/v{self.version}/{archive.name}"))
        with tarfile.open(archive) as packed:
            names = packed.getnames()
        for each in platform["files"]:
            pattern = each["from"].replace("*", ".*")
            self.assertTrue(any(re.fullmatch(pattern, name) for name in names), each)
        formula = (self.dist / "eksact.rb").read_text()
        self.assertEqual(re.findall('sha256 "(.*)"', formula), [checksum])
        self.assertNotIn("$", formula)
        if shutil.which("ruby"):
            subprocess.run(["ruby", "-c", self.dist / "eksact.rb"], check=True, stdout=subprocess.DEVNULL)

    def test_second_run_gives_the_same_bytes(self):
        if self.is_released:
            self.skipTest("scripts/release --check does that")
        before = os.umask(0o077)
        try:
            again = made(Packages.program, "again")
        finally:
            os.umask(before)
        for path in self.dist.iterdir():
            self.assertEqual(path.read_bytes(), (again / path.name).read_bytes(), path.name)


def main():
    arguments = sys.argv[1:]
    if len(arguments) == 2 and arguments[0] == "--released":
        Packages.dist, Packages.is_released = pathlib.Path(arguments[1]).resolve(), True
    elif len(arguments) == 1:
        Packages.program = around(pathlib.Path(arguments[0]).resolve())
        Packages.dist = made(Packages.program, "dist")
    else:
        sys.exit(__doc__)
    unittest.main(argv=sys.argv[:1])


if __name__ == "__main__":
    main()
