"""The program for this machine's target, built so that its bytes do not depend on the folders that it is built in."""

import json
import os
import pathlib
import platform
import subprocess


AUDITABLE = "0.7.7"
# The linker's script that leaves the tables for unwinding out.
WITHOUT_TABLES = "release/no-unwinding.ld"


def host():
    """The target triple of this machine's compiler."""
    return _lines("rustc", "-vV")["host"]


def _lines(*command):
    text = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True).stdout
    return dict(line.split(": ", 1) for line in text.splitlines() if ": " in line)


def target_folder(root):
    """Where Cargo builds for `root`."""
    command = ["cargo", "metadata", "--locked", "--no-deps", "--format-version", "1"]
    return pathlib.Path(json.loads(subprocess.run(command, cwd=root, stdout=subprocess.PIPE, check=True).stdout)["target_directory"])


def remapped(into):
    """The compiler's flags that replace this machine's folders. Paths of the workspace itself are relative already."""
    home = pathlib.Path(os.environ.get("CARGO_HOME") or pathlib.Path.home() / ".cargo")
    sysroot = subprocess.run(["rustc", "--print", "sysroot"], stdout=subprocess.PIPE, check=True, text=True).stdout.strip()
    pairs = [(path, "/cargo") for path in sorted((home / "registry/src").iterdir())]
    pairs.append((pathlib.Path(sysroot) / "lib/rustlib/src/rust", f"/rustc/{_lines('rustc', '-vV')['commit-hash']}"))
    pairs.append((into, "/target"))
    return [f"--remap-path-prefix={path}={name}" for path, name in pairs]


def configuration(into):
    """What Cargo is given for a release besides its profile: profiles have no flags."""
    # A panic aborts, so nothing reads the tables for unwinding; the profile of tests needs them.
    flags = ["-C", "force-unwind-tables=no"]
    # Sequences of instructions that stand in several functions of a unit become functions.
    flags += ["-C", "llvm-args=-enable-machine-outliner=always"]
    flags += remapped(into)
    if host() == "x86_64-unknown-linux-gnu":
        # Where the linker is LLVM's. The path is that within the tree, so that it is the same in every folder.
        flags += ["-C", f"link-arg=-Wl,-T,{WITHOUT_TABLES}"]
    # `--config` adds to the flags of .cargo/config.toml; RUSTFLAGS would replace them.
    return ["--config", f"target.{host()}.rustflags={json.dumps(flags)}"]


def auditable():
    """The folder of cargo-auditable, which is installed once where the other tools are."""
    tools = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "eksact-tools"
    root = tools / f"cargo-auditable-{AUDITABLE}"
    if not (root / "bin").is_dir():
        subprocess.run(["cargo", "install", "--quiet", "--debug", "--locked", "--root", root, f"cargo-auditable@{AUDITABLE}"], check=True)
    return root / "bin"


def with_list_of_crates():
    """The variables by which the compiler writes the list of crates into the program, where scanners find it.

    They are those of `cargo auditable build`, but that the program is called by its name: Cargo makes the names of symbols of how it is
    called, and the folder of this machine's tools would change the bytes.
    """
    arguments = {"offline": False, "locked": True, "frozen": False, "config": []}
    return {
        "PATH": os.pathsep.join((str(auditable()), os.environ.get("PATH", ""))),
        "RUSTC_WORKSPACE_WRAPPER": "cargo-auditable",
        "CARGO_AUDITABLE_ORIG_ARGS": json.dumps(arguments),
    }


def program(root, into):
    """Builds the release of the tree at `root` in the folder `into`, and gives the program's path."""
    subprocess.run(["cargo", "fetch", "--locked", "--quiet"], cwd=root, check=True)
    command = ["cargo", "build", "--release", "--locked", "--bin", "eksact", *configuration(into), "--message-format", "json-render-diagnostics"]
    environment = {**os.environ, **with_list_of_crates(), "CARGO_TARGET_DIR": str(into)}
    # What a developer has set must not reach a release.
    for name in ("RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "CARGO_BUILD_RUSTFLAGS", "CARGO_INCREMENTAL"):
        environment.pop(name, None)
    done = subprocess.run(command, cwd=root, env=environment, stdout=subprocess.PIPE, check=True)
    messages = (json.loads(line) for line in done.stdout.splitlines() if line.startswith(b"{"))
    return pathlib.Path([message["executable"] for message in messages if message.get("executable")][-1])


def forget_own_crates(root, into):
    """Takes what was built of the workspace's own crates out of the folder `into`, so that they are built again.

    Cargo knows a crate of the workspace by its place in the tree and by the times of its files: a copy of the tree counts as built.
    """
    asked = ["cargo", "metadata", "--locked", "--no-deps", "--format-version", "1"]
    listed = json.loads(subprocess.run(asked, cwd=root, stdout=subprocess.PIPE, check=True).stdout)
    named = [word for package in listed["packages"] for word in ("--package", package["name"])]
    command = ["cargo", "clean", "--quiet", "--locked", "--release", "--target-dir", into, *named]
    subprocess.run(command, cwd=root, check=True)


def libc_version(target):
    """The GNU C Library that is linked in: that of this machine."""
    return platform.libc_ver()[1] if target.endswith("-linux-gnu") else None
