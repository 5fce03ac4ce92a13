"""The crates that a program is made of, as Cargo resolves them for one target."""

import json
import pathlib
import re
import subprocess
import tomllib
from typing import NamedTuple

LINE = re.compile(r"^(\d+)(\S+) v(\S+?)(?: \(.*?\))*\t(.*?)\t(.*?)(?: \(\*\))?$")


class Crate(NamedTuple):
    """One crate: what Cargo.toml says of it, and whether it is in the program or only made it."""

    name: str
    version: str
    licence: str
    repository: str
    folder: pathlib.Path
    checksum: str
    is_in_program: bool
    needs: tuple

    @property
    def key(self):
        return (self.name, self.version)


def _cargo(root, *arguments):
    return subprocess.run(["cargo", *arguments], cwd=root, stdout=subprocess.PIPE, check=True, text=True).stdout


def _tree(root, target, edges):
    """Each crate's fields and what it needs. `cargo metadata` would add up the features that only tests ask for."""
    text = _cargo(root, "tree", "--locked", "--package", "eksact", "--target", target, "--edges", edges, "--prefix", "depth", "--format", "\t".join(("{p}", "{l}", "{r}")))
    crates, needs, above = {}, {}, []
    for line in text.splitlines():
        found = LINE.match(line)
        if not found:
            raise SystemExit(f"error: cargo tree said what this script cannot read: {line!r}")
        depth, name, version, licence, repository = int(found[1]), *found.groups()[1:]
        key = (name, version)
        crates.setdefault(key, (licence, repository))
        needs.setdefault(key, set())
        del above[depth:]
        if above:
            needs[above[-1]].add(key)
        above.append(key)
    return crates, needs


def folders(root):
    """Where the source of each crate is, by name and version."""
    metadata = json.loads(_cargo(root, "metadata", "--locked", "--format-version", "1"))
    return {(each["name"], each["version"]): pathlib.Path(each["manifest_path"]).parent for each in metadata["packages"]}


def of_program(root, target):
    """The crates of the program `eksact` for `target`, by name; the workspace's own have no checksum."""
    where = folders(root)
    locked = tomllib.loads((root / "Cargo.lock").read_text())["package"]
    checksums = {(each["name"], each["version"]): each.get("checksum", "") for each in locked}
    in_program, _ = _tree(root, target, "normal,no-proc-macro")
    every, needs = _tree(root, target, "normal,build")
    return [
        Crate(*key, re.sub(r"\s*/\s*", " OR ", licence), repository, where[key], checksums[key], key in in_program, tuple(sorted(needs[key])))
        for key, (licence, repository) in sorted(every.items())
    ]


def version(root):
    """The version that Cargo.toml gives the whole workspace."""
    return tomllib.loads((root / "Cargo.toml").read_text())["workspace"]["package"]["version"]
