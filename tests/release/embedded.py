"""The list of crates that a release writes into the program (cargo-auditable), read back with objcopy and zlib.

    embedded.py    # over a small program that is built as a release is: part of scripts/test

What scripts/release made is looked at by packages.py, with `crates` from here.
"""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import tomllib
import unittest
import zlib

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT))
sys.dont_write_bytecode = True

from release import build  # noqa: E402

SECTION = ".dep-v0"
# A crate without dependencies that the program has, too.
NEEDED = "itoa"


def crates(program):
    """What the list in a program of Linux says: a dictionary for each crate, with `name`, `version`, `source`."""
    with tempfile.TemporaryDirectory() as place:
        section = pathlib.Path(place) / "section"
        copy = pathlib.Path(place) / "copy"
        subprocess.run(["objcopy", "--dump-section", f"{SECTION}={section}", program, copy], check=True)
        return json.loads(zlib.decompress(section.read_bytes()))["packages"]


class Embedded(unittest.TestCase):
    def setUp(self):
        self.place = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory(prefix="eksact-embedded-")))

    def tree(self, version):
        """A program of the same name, profile and flags that needs one crate."""
        tree = self.place / "tree"
        (tree / "src").mkdir(parents=True)
        shutil.copytree(ROOT / ".cargo", tree / ".cargo")
        (tree / build.WITHOUT_TABLES).parent.mkdir()
        shutil.copy(ROOT / build.WITHOUT_TABLES, tree / build.WITHOUT_TABLES)
        profile = tomllib.loads((ROOT / "Cargo.toml").read_text())["profile"]["release"]
        settings = "".join(f"{key} = {json.dumps(profile[key])}\n" for key in ("lto", "codegen-units", "panic", "strip"))
        package = '[package]\nname = "eksact"\nversion = "1.2.3"\nedition = "2024"\n'
        (tree / "Cargo.toml").write_text(f'{package}\n[dependencies]\n{NEEDED} = "={version}"\n\n[profile.release]\n{settings}')
        (tree / "src/main.rs").write_text(f'fn main() {{ println!("{{}}", {NEEDED}::Buffer::new().format(7)); }}\n')
        subprocess.run(["cargo", "generate-lockfile", "--quiet"], cwd=tree, check=True)
        return tree

    def test_list_of_crates_is_in_the_program_and_no_folder_is(self):
        locked = tomllib.loads((ROOT / "Cargo.lock").read_text())["package"]
        version = next(each["version"] for each in locked if each["name"] == NEEDED)
        tree = self.tree(version)
        program = build.program(tree, self.place / "target")
        listed = {each["name"]: each for each in crates(program)}
        self.assertEqual(listed.keys(), {"eksact", NEEDED})
        self.assertTrue(listed["eksact"]["root"])
        self.assertEqual((listed["eksact"]["version"], listed[NEEDED]["version"]), ("1.2.3", version))
        self.assertEqual(listed[NEEDED]["source"], "crates.io")
        done = subprocess.run([program], stdout=subprocess.PIPE, text=True, check=True)
        self.assertEqual(done.stdout, "7\n")
        headers = subprocess.run(["readelf", "--file-header", "--program-headers", program], stdout=subprocess.PIPE, text=True, check=True).stdout
        self.assertNotIn("INTERP", headers, "the program is linked statically with the list as it is without")

        # From other folders, with the tools elsewhere: the same bytes.
        elsewhere = self.place / "elsewhere"
        tools = elsewhere / "cache/eksact-tools" / build.auditable().parent.name
        shutil.copytree(build.auditable(), tools / "bin")
        shutil.move(tree, elsewhere / "tree")
        os.environ["XDG_CACHE_HOME"] = str(elsewhere / "cache")
        again = build.program(elsewhere / "tree", elsewhere / "target")
        self.assertEqual(program.read_bytes(), again.read_bytes())


if __name__ == "__main__":
    unittest.main()
