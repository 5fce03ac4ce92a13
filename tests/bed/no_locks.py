#!/usr/bin/env python3
"""Runs a command for which no file system has locks, as NFS without its lock service: flock(2) says ENOLCK.

no_locks.py COMMAND… : by a seccomp filter, which needs no rights and holds for the command alone.
"""

import ctypes
import errno
import os
import platform
import struct
import sys

PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 38, 22, 2
SECCOMP_RET_ERRNO, SECCOMP_RET_ALLOW = 0x00050000, 0x7FFF0000
# From linux/bpf_common.h: load a word, compare with a constant, return a constant.
LOAD, JUMP_IF_EQUAL, RETURN = 0x20, 0x15, 0x06
FLOCK = {"x86_64": 73, "aarch64": 32}


def _instruction(code, if_so=0, else_=0, value=0):
    return struct.pack("HBBI", code, if_so, else_, value)


def main():
    filter_ = b"".join((
        _instruction(LOAD),
        _instruction(JUMP_IF_EQUAL, 0, 1, FLOCK[platform.machine()]),
        _instruction(RETURN, value=SECCOMP_RET_ERRNO | errno.ENOLCK),
        _instruction(RETURN, value=SECCOMP_RET_ALLOW),
    ))
    held = ctypes.create_string_buffer(filter_)
    program = struct.pack("HxxxxxxP", len(filter_) // 8, ctypes.addressof(held))
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    for arguments in ((PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), (PR_SET_SECCOMP, SECCOMP_MODE_FILTER, program, 0, 0)):
        if prctl(*arguments):
            print(f"no_locks.py: this machine has no seccomp, which the test needs: {os.strerror(ctypes.get_errno())}", file=sys.stderr)
            return 1
    os.execv(sys.argv[1], sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
