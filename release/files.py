"""What a package has in it: paths, bytes, modes. Every package is made from this, sorted, with one time and owner."""

import gzip
import io
import pathlib
import subprocess
import tarfile
import tempfile
import zipfile
from typing import NamedTuple

SHELLS = {"bash": "eksact.bash", "zsh": "_eksact", "fish": "eksact.fish", "powershell": "_eksact.ps1", "elvish": "eksact.elv"}
PAPERS = ("README.md", "CHANGELOG.md", "LICENSE-MIT", "LICENSE-APACHE", "NOTICE")
SCHEMAS = ("ClusterConfig", "ClusterAccess")


class File(NamedTuple):
    """One entry: a folder where `data` is None."""

    data: bytes | None
    mode: int = 0o644
    owner: int = 0


def program(path):
    return File(pathlib.Path(path).read_bytes(), 0o755)


def folder(mode=0o755, owner=0):
    return File(None, mode, owner)


def said(path, *arguments):
    """What the program prints, with nothing of this machine in its environment."""
    environment = {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent"}
    return subprocess.run([str(path), *arguments], stdout=subprocess.PIPE, check=True, env=environment).stdout


def completions(path):
    return {f"completions/{name}": File(said(path, "completion", shell)) for shell, name in SHELLS.items()}


def manual(path):
    with tempfile.TemporaryDirectory() as where:
        said(path, "--quiet", "man", where)
        return {f"man/{page.name}": File(page.read_bytes()) for page in sorted(pathlib.Path(where).iterdir())}


def schemas(path):
    return {f"schemas/{kind}.schema.json": File(said(path, "schema", "--kind", kind)) for kind in SCHEMAS}


def papers(root, third_party):
    own = {name: File((root / name).read_bytes()) for name in PAPERS}
    return {**own, "THIRD-PARTY": File(third_party.encode())}


def tar(files, epoch):
    """A tar file's bytes. Folders come first by their names, as an unpacker needs them."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, file in sorted(files.items()):
            entry = tarfile.TarInfo(name)
            entry.mode, entry.mtime = file.mode, epoch
            entry.uid = entry.gid = file.owner
            if file.data is None:
                entry.type = tarfile.DIRTYPE
                archive.addfile(entry)
            else:
                entry.size = len(file.data)
                archive.addfile(entry, io.BytesIO(file.data))
    return made.getvalue()


def compressed(data):
    """gzip without a name and a time."""
    return gzip.compress(data, compresslevel=9, mtime=0)


def zipped(files, epoch):
    """A zip file's bytes, for Windows."""
    import time

    made = io.BytesIO()
    # Its times have no zone and begin in 1980.
    when = max(time.gmtime(epoch)[:6], (1980, 1, 1, 0, 0, 0))
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, file in sorted(files.items()):
            entry = zipfile.ZipInfo(name, when)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system, entry.external_attr = 3, (0o100000 | file.mode) << 16
            archive.writestr(entry, file.data)
    return made.getvalue()
