"""Runs one command and says in one JSON line how it went: exit code, wall-clock seconds, processor seconds, peak memory in MiB.

    python3 peak.py OUTPUT PROGRAM [ARGUMENT …]

What the command prints goes to the file OUTPUT. The peak is the kernel's own account of that one process (wait4, ru_maxrss). It counts
the moment between fork and exec too, when the child is still this interpreter: some 10 MiB, below what is measured here.
"""

import json
import os
import sys
import time

KIB_PER_MIB = 1024


def main():
    output, program, *arguments = sys.argv[1:]
    with open(output, "wb") as sink:
        redirect = [(os.POSIX_SPAWN_DUP2, sink.fileno(), descriptor) for descriptor in (1, 2)]
        begun = time.monotonic()
        child = os.posix_spawn(program, [program, *arguments], os.environ, file_actions=redirect)
        _, status, usage = os.wait4(child, 0)
        seconds = time.monotonic() - begun
    print(json.dumps({
        "exit": os.waitstatus_to_exitcode(status),
        "seconds": seconds,
        "processor_seconds": usage.ru_utime + usage.ru_stime,
        "peak_mebibytes": usage.ru_maxrss / KIB_PER_MIB,
    }))


if __name__ == "__main__":
    main()
