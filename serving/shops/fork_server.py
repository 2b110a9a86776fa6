"""The process that scorers are forked from: it has loaded all that they share, and no shop.

    python -m serving.shops

Standard input is a socket. A message is a line of JSON, `{"config": path}`, with two open ends of
pipes beside it: where the new process reads its requests and where it writes its answers, as
`serving.live.process` does. The reply is the number of the process. A fork takes milliseconds and
shares the memory of every library, where a process of its own takes seconds and 110 MB. The end of
the socket is the end of this process; those forked end with their own pipes.
"""

import gc
import json
import os
import signal
import socket
import sys
from importlib import import_module
from pathlib import Path

from features.engines.live import live_engine
from serving.live import process

LOADED_BEFORE = ("lightgbm", "tzdata")
"""What a scorer loads only once it has a shop."""

USUAL_MINOR_UNITS = 100
"""Of most currencies: the engine that counts in them is compiled once for all shops."""

MESSAGE_BYTES = 1 << 16
PIPES = 2


def main() -> None:
    """Fork until the socket ends."""
    # Ctrl-C reaches the whole group: the server ends this process when it has finished
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # nobody waits for a process that has ended: the server sees the end of its pipe
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for name in LOADED_BEFORE:
        import_module(name)
    live_engine(USUAL_MINOR_UNITS)
    gc.collect()
    # pages that the collector never writes to stay shared
    gc.freeze()
    with socket.socket(fileno=os.dup(sys.stdin.fileno())) as control:
        while _fork_one(control):
            pass
    # libraries that complain of what is left at the end of a process have nobody to tell
    sys.stderr.flush()
    os._exit(0)


def _fork_one(control: socket.socket) -> bool:
    """Fork a scorer for the next message; False where none comes any more."""
    message, pipes, _, _ = socket.recv_fds(control, MESSAGE_BYTES, PIPES)
    if not message:
        return False
    config = Path(json.loads(message)["config"])
    pid = os.fork()
    if pid == 0:
        _score(config, control, *pipes)
    for pipe in pipes:
        os.close(pipe)
    control.sendall(f"{pid}\n".encode())
    return True


def _score(config: Path, control: socket.socket, requests: int, answers: int) -> None:
    """Be a scorer, in the process that was forked, and end with it."""
    status = 1
    try:
        control.close()
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.dup2(requests, sys.stdin.fileno())
        os.dup2(answers, sys.stdout.fileno())
        os.close(requests)
        os.close(answers)
        status = process.run(config)
    finally:
        # what the forking process would do at its end is not to be done here
        os._exit(status)
