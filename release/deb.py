"""The package for Debian and Ubuntu, by their own `dpkg-deb`."""

import hashlib
import os
import pathlib
import shutil
import subprocess
import tempfile

from release.files import File, compressed

ARCHITECTURES = {"x86_64-unknown-linux-gnu": "amd64", "aarch64-unknown-linux-gnu": "arm64"}
CONTROL = """\
Package: eksact
Version: {version}
Architecture: {architecture}
Maintainer: The eksact contributors
Installed-Size: {kibibytes}
Depends: ca-certificates
Section: admin
Priority: optional
Description: plan and apply who may do what on Amazon EKS
 eksact reads an eksctl-compatible file, finds out what exists in AWS and in
 Kubernetes, shows the difference as a plan, and applies exactly that plan.
"""
COMPLETIONS = {
    "eksact.bash": "usr/share/bash-completion/completions/eksact",
    "_eksact": "usr/share/zsh/vendor-completions/_eksact",
    "eksact.fish": "usr/share/fish/vendor_completions.d/eksact.fish",
}


def placed(files):
    """Where the files of the tar package are on a Debian system."""
    where = {"usr/bin/eksact": files["eksact"]}
    for name, path in COMPLETIONS.items():
        where[path] = files[f"completions/{name}"]
    for name, file in files.items():
        folder, _, base = name.rpartition("/")
        if folder == "man":
            where[f"usr/share/man/man1/{base}.gz"] = File(compressed(file.data))
        elif folder == "schemas":
            where[f"usr/share/eksact/{base}"] = file
    documents = "usr/share/doc/eksact"
    for name in ("README.md", "NOTICE", "THIRD-PARTY"):
        where[f"{documents}/{name}"] = files[name]
    where[f"{documents}/changelog.gz"] = File(compressed(files["CHANGELOG.md"].data))
    licences = b"eksact is licensed under MIT or Apache-2.0, at your option.\n\n" + files["LICENSE-MIT"].data
    licences += b"\nThe text of the Apache License 2.0 is in /usr/share/common-licenses/Apache-2.0 on Debian systems.\n"
    licences += b"The work of others in it: NOTICE and THIRD-PARTY beside this file.\n"
    where[f"{documents}/copyright"] = File(licences)
    return where


def build(path, files, version, target, epoch):
    """Writes the package to `path`."""
    if not shutil.which("dpkg-deb"):
        raise SystemExit("error: the .deb needs dpkg-deb, from the package dpkg of your distribution")
    where = placed(files)
    sums = "".join(f"{hashlib.md5(file.data).hexdigest()}  {name}\n" for name, file in sorted(where.items()))
    kibibytes = sum(len(file.data) for file in where.values()) // 1024
    control = CONTROL.format(version=version, architecture=ARCHITECTURES[target], kibibytes=kibibytes)
    where |= {"DEBIAN/control": File(control.encode()), "DEBIAN/md5sums": File(sums.encode())}
    with tempfile.TemporaryDirectory() as made:
        stage = pathlib.Path(made) / "stage"
        for name, file in where.items():
            to = stage / name
            to.parent.mkdir(parents=True, exist_ok=True)
            to.write_bytes(file.data)
            to.chmod(file.mode)
        for each in (stage, *stage.rglob("*")):
            if each.is_dir():
                each.chmod(0o755)
            os.utime(each, (epoch, epoch))
        # More threads cut the compressed stream in other places.
        command = ["dpkg-deb", "--root-owner-group", "-Zxz", "--threads-max=1", "--build", str(stage), str(path)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env={**os.environ, "SOURCE_DATE_EPOCH": str(epoch)})
