"""A process that has imported everything and forks a server for each line it reads: imports take seconds, a fork none.

A line is JSON: `command` as Python takes it (a script, `-m` and a module, `-c` and code), `env`, `log`. The answer is the
number of the new process.
"""

import json
import os
import runpy
import signal
import sys
import tempfile

import gradio.mcp  # noqa: F401
import uvicorn  # noqa: F401

import spir.app.layout
import spir.app.server.health
import spir.app.theme  # noqa: F401


def run(command: list[str]) -> None:
    """What `python` and these arguments would do."""
    sys.argv = command
    if command[0] == "-m":
        runpy.run_module(command[1], run_name="__main__", alter_sys=True)
    elif command[0] == "-c":
        exec(command[1], {"__name__": "__main__"})
    else:
        runpy.run_path(command[0], run_name="__main__")


def server(command: list[str], env: dict[str, str], log: str) -> None:
    """The life of the forked process."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.update(env)
    tempfile.tempdir = None
    out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(out, 1)
    os.dup2(out, 2)
    sys.stdout.reconfigure(line_buffering=True)
    run(command)


def main() -> None:
    # Whoever ends is gone at once.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    while line := sys.stdin.readline():
        asked = json.loads(line)
        number = os.fork()
        if not number:
            server(**asked)
            return
        print(number, flush=True)


if __name__ == "__main__":
    main()
