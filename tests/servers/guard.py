"""Waits for the end of a test process, then ends its server and removes the server's folder.

Run as a program with the folder as argument. The test process holds the other end of standard
input, so even its SIGKILL is noticed.
"""

from __future__ import annotations

import shutil
import signal
import sys

from tests.servers import processes


def main(folder: str) -> None:
    """Wait, sweep, remove."""
    # Ctrl-C at the terminal is for the test process; this one acts when that has ended.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.stdin.buffer.read()
    try:
        processes.sweep(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main(sys.argv[1])
