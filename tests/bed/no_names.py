#!/usr/bin/env python3
"""Runs a command where names are asked for in vain: its name server takes every question and never answers.

no_names.py COMMAND… : in a network and a view of the files of its own, with nothing but a loopback, on whose port 53 this process listens. As root
or in a user namespace; where the machine allows neither it ends with 1 and says so.
"""

import ctypes
import fcntl
import os
import socket
import struct
import sys
import tempfile

CLONE_NEWNS, CLONE_NEWUSER, CLONE_NEWNET = 0x00020000, 0x10000000, 0x40000000
MS_BIND, MS_REC, MS_PRIVATE = 0x1000, 0x4000, 0x40000
SIOCSIFFLAGS, IFF_UP, IFF_RUNNING = 0x8914, 0x1, 0x40
LIBC = ctypes.CDLL(None, use_errno=True)


def _check(what, result):
    if result:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def _separate():
    user, group = os.getuid(), os.getgid()
    _check("unshare", LIBC.unshare(CLONE_NEWNS | CLONE_NEWNET | (CLONE_NEWUSER if user else 0)))
    if user:
        for name, text in (("setgroups", "deny"), ("uid_map", f"0 {user} 1"), ("gid_map", f"0 {group} 1")):
            with open(f"/proc/self/{name}", "w", encoding="ascii") as file:
                file.write(text)


def main():
    try:
        _separate()
        with socket.socket() as any_socket:
            fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", IFF_UP | IFF_RUNNING))
        silent = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        silent.bind(("127.0.0.1", 53))
        # The command inherits it, and nobody reads from it.
        silent.set_inheritable(True)
        with tempfile.NamedTemporaryFile("w") as file:
            file.write("nameserver 127.0.0.1\n")
            file.flush()
            _check("make mounts private", LIBC.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None))
            _check("mount /etc/resolv.conf", LIBC.mount(file.name.encode(), b"/etc/resolv.conf", None, MS_BIND, None))
    except OSError as failure:
        print(f"no_names.py: this machine does not allow a network of one's own, which the test needs (root, or user namespaces): {failure}",
              file=sys.stderr)
        return 1
    os.execvp(sys.argv[1], sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
