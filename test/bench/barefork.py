"""The floor under codecell: fork a warm interpreter, compile, exec, wait.

    python3 -I barefork.py MODULE...

imports the modules and writes "ready". Every line on stdin is an order in JSON:

    code, parse      the program, and whether to parse it only, as for a refusal
    status, want     its exit status, and what it has to print
    times, seconds   how often to run it, one after the other, or for how long
    every            the least seconds from one start to the next: 0 for none

and is answered by one line: a list of the nanoseconds that each run took. No
jail, no limits, no protocol: what no design with a process for each run can get
below.
"""

import ast
import importlib
import json
import linecache
import os
import sys
import time
import traceback

NAME = "main.py"


def child(order: dict) -> None:
    """Runs the program; what it prints goes where a pipe of the parent's is."""
    status = 0
    try:
        if order["parse"]:
            ast.parse(order["code"], NAME)
        else:
            exec(compile(order["code"], NAME, "exec"), {"__name__": "__main__"})
    except BaseException:
        traceback.print_exc()
        status = 1
    sys.stdout.flush()
    os._exit(status)


def once(order: dict) -> int:
    """Runs the program in a child of this process; returns the nanoseconds it took."""
    began = time.perf_counter_ns()
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.dup2(write, 1)
        os.dup2(write, 2)
        child(order)
    os.close(write)
    parts = []
    while part := os.read(read, 1 << 16):
        parts.append(part)
    os.close(read)
    _, status = os.waitpid(pid, 0)
    took = time.perf_counter_ns() - began
    output = b"".join(parts)
    if os.waitstatus_to_exitcode(status) != order["status"] or order["want"].encode() not in output:
        raise RuntimeError(f"status {status}, output {output[-200:]!r}")
    return took


def measure(order: dict) -> list[int]:
    """Runs the program as the order says."""
    linecache.cache[NAME] = (lambda: order["code"],)  # for a traceback, which has no file to read
    began = time.monotonic()
    took: list[int] = []
    while len(took) < order["times"] or time.monotonic() - began < order["seconds"]:
        wait = began + len(took) * order["every"] - time.monotonic()
        if order["every"] and wait > 0:
            time.sleep(wait)
        took.append(once(order))
    return took


def main() -> None:
    for name in sys.argv[1:]:
        importlib.import_module(name)
    print("ready", flush=True)
    for line in sys.stdin:
        print(json.dumps(measure(json.loads(line))), flush=True)


main()
