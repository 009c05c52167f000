"""The floor under codecell: fork a warm interpreter, compile, exec, wait.

    python3 -I barefork.py MODULE...

imports the modules and writes "ready". For every line "N" on stdin it forks N
times, one after the other, and writes one line: a JSON list of the nanoseconds
that each took. No jail, no limits, no protocol: what no design with a process
for each run can get below.
"""

import ast  # noqa: F401  what the server's own interpreter has imported as well
import importlib
import json
import os
import sys
import time
import traceback  # noqa: F401

PROGRAM = "print(42)"


def once() -> int:
    """Runs PROGRAM in a child of this process; returns the nanoseconds it took."""
    began = time.perf_counter_ns()
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.dup2(write, 1)
        exec(compile(PROGRAM, "<program>", "exec"), {"__name__": "__main__"})
        sys.stdout.flush()
        os._exit(0)
    os.close(write)
    output = b""
    while chunk := os.read(read, 4096):
        output += chunk
    os.close(read)
    _, status = os.waitpid(pid, 0)
    took = time.perf_counter_ns() - began
    if status != 0 or output != b"42\n":
        raise RuntimeError(f"status {status}, output {output!r}")
    return took


def main() -> None:
    for name in sys.argv[1:]:
        importlib.import_module(name)
    print("ready", flush=True)
    for line in sys.stdin:
        print(json.dumps([once() for _ in range(int(line))]), flush=True)


main()
