"""Runs a command on a terminal of its own, answers its question, and ends as the command does.

terminal.py ANSWER COMMAND... : once a question that ends with `[y/N] `, or asks for an MFA code, stands on the terminal, ANSWER is typed:
some text (a line end is added), EOF (Ctrl-D) or INTERRUPT (Ctrl-C). The terminal's output goes to stdout.
"""

import os
import pty
import re
import signal
import sys

QUESTION = re.compile(rb"(\[y/N\] |MFA code for \S+: )\Z")
KEYS = {"EOF": b"\x04", "INTERRUPT": b"\x03"}


def main() -> int:
    answer, command = sys.argv[1], sys.argv[2:]
    child, terminal = pty.fork()
    if child == 0:
        # Tests that go on in the background are begun with these ignored.
        for number in (signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)
        os.execv(command[0], command)
    seen, answered = b"", False
    while True:
        try:
            read = os.read(terminal, 65536)
        except OSError:  # Linux tells the end of the other side so.
            break
        if not read:
            break
        seen += read
        if not answered and QUESTION.search(seen):
            answered = True
            os.write(terminal, KEYS.get(answer, answer.encode() + b"\n"))
    sys.stdout.buffer.write(seen.replace(b"\r\n", b"\n"))
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    # A signal as a shell tells it.
    return status if status >= 0 else 128 - status


if __name__ == "__main__":
    sys.exit(main())
