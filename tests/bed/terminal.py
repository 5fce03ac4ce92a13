#!/usr/bin/env python3
"""Runs a command on a terminal of its own, shows its output, and ends as the command does.

terminal.py HOW COMMAND… : `resize` makes the terminal smaller and larger until the command ends; `hang-up` takes it away when stdin ends, as when a
window is closed.
"""

import fcntl
import os
import pty
import select
import signal
import struct
import sys
import termios

SIZES = [(24, 80), (5, 20), (50, 200), (1, 1)]
LOOK_SECONDS = 0.01


def main():
    how, command = sys.argv[1], sys.argv[2:]
    child, terminal = pty.fork()
    if child == 0:
        # Tests that go on in the background are begun with these ignored.
        for number in (signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)
        os.execv(command[0], command)
    turn, watched = 0, [terminal, sys.stdin.fileno()]
    while True:
        readable, _, _ = select.select(watched, [], [], LOOK_SECONDS)
        if how == "resize":
            rows, columns = SIZES[turn % len(SIZES)]
            turn += 1
            fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        if sys.stdin.fileno() in readable and not os.read(sys.stdin.fileno(), 1):
            watched = [terminal]
            if how == "hang-up":
                os.close(terminal)
                break
        if terminal in readable:
            try:
                read = os.read(terminal, 65536)
            except OSError:
                # Linux tells the end of the other side so.
                break
            if not read:
                break
            sys.stdout.buffer.write(read.replace(b"\r\n", b"\n"))
    sys.stdout.buffer.flush()
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    # A signal as a shell tells it.
    return status if status >= 0 else 128 - status


if __name__ == "__main__":
    sys.exit(main())
