#!/usr/bin/env python3
"""Runs a command that finds one folder on a bad disk, and leaves the folder as the command left it.

poor_disk.py HOW FOLDER COMMAND… : HOW is `full` (a small tmpfs with the folder's content, and not a byte free), `read-only`, or `closed` (as it is, but
with permissions that hold for root too). As root or in a user namespace; where the machine allows neither it ends with 1 and says so.
"""

import ctypes
import os
import shutil
import subprocess
import sys
from pathlib import Path

CLONE_NEWNS, CLONE_NEWUSER = 0x00020000, 0x10000000
MS_RDONLY, MS_REMOUNT, MS_BIND, MS_REC, MS_PRIVATE = 0x1, 0x20, 0x1000, 0x4000, 0x40000
PR_CAPBSET_DROP, CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH = 24, 1, 2
SIZE = "64k"
LIBC = ctypes.CDLL(None, use_errno=True)


def _check(what, result):
    if result:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def _separate():
    user, group = os.getuid(), os.getgid()
    _check("unshare", LIBC.unshare(CLONE_NEWNS | (CLONE_NEWUSER if user else 0)))
    if user:
        for name, text in (("setgroups", "deny"), ("uid_map", f"0 {user} 1"), ("gid_map", f"0 {group} 1")):
            with open(f"/proc/self/{name}", "w", encoding="ascii") as file:
                file.write(text)
    _check("make mounts private", LIBC.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None))


def _fill(folder):
    """Take what is free, to the last page."""
    with open(folder / "filling", "wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(1024))
        except OSError:
            # It is full, which was wanted.
            pass


def _full(folder, command):
    below = os.open(folder, os.O_PATH | os.O_DIRECTORY)
    under = Path(f"/proc/self/fd/{below}")
    _check("mount tmpfs", LIBC.mount(b"tmpfs", os.fsencode(folder), b"tmpfs", 0, f"size={SIZE},mode=0700".encode()))
    shutil.copytree(under, folder, dirs_exist_ok=True)
    _fill(folder)
    code = subprocess.call(command)
    (folder / "filling").unlink()
    for entry in under.iterdir():
        if entry.is_dir():
            shutil.rmtree(entry)
        else:
            entry.unlink()
    shutil.copytree(folder, under, dirs_exist_ok=True)
    return code


def main():
    how, folder, command = sys.argv[1], Path(sys.argv[2]), sys.argv[3:]
    try:
        if how == "closed":
            # What root execs has the capabilities of the bounding set, and no others.
            for capability in (CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH) if os.getuid() == 0 else ():
                _check("drop a capability", LIBC.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0))
            return subprocess.call(command)
        _separate()
        if how == "full":
            return _full(folder, command)
        name = os.fsencode(folder)
        _check("mount the folder", LIBC.mount(name, name, None, MS_BIND, None))
        _check("mount it read-only", LIBC.mount(None, name, None, MS_BIND | MS_REMOUNT | MS_RDONLY, None))
        return subprocess.call(command)
    except OSError as failure:
        print(f"poor_disk.py: this machine does not allow a disk of one's own, which the test needs (root, or user namespaces): {failure}",
              file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
