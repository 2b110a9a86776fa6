"""Scoring processes that do what a test wants, and waiting for what they do."""

import sys
import time
from collections.abc import Callable
from pathlib import Path

from serving.live.pipe import CommandProgram
from serving.live.worker import Limits, Worker

QUICK = Limits(
    queue=4, answer_seconds=3.0, start_seconds=8.0, poll_seconds=0.05, back_off_seconds=0.05
)

PROGRAM = """
import json, os, sys, time
plan = open(sys.argv[1]).read().strip()
with open(sys.argv[1] + ".starts", "a") as starts:
    starts.write(plan + "\\n")
def say(message):
    print(json.dumps(message), flush=True)
if plan == "hangs at start":
    time.sleep(60)
if plan == "ends at start":
    os._exit(3)
if plan == "is bad":
    say({"refused": "other numbers"})
    sys.exit(1)
say({"ready": plan})
for line in sys.stdin:
    request = json.loads(line)
    body = request["body"]
    if body.get("do") == "end":
        os._exit(9)
    if body.get("do") == "hang":
        time.sleep(60)
    time.sleep(body.get("seconds", 0))
    if body.get("do") == "refuse":
        say({"id": request["id"], "refused": ["as_of: too early."]})
    elif body.get("do") == "fail":
        say({"id": request["id"], "failed": "KeyError"})
    else:
        say({"id": request["id"], "answer": {"by": plan, "of": body.get("of")}})
"""
"""Does what the first line of the file in its argument says, and what requests ask for."""


def worker_of(plan: Path, limits: Limits = QUICK) -> Worker:
    """A worker whose processes follow `plan`, a file; new ones start when it changes."""
    command = (sys.executable, "-c", PROGRAM, str(plan))
    return Worker(lambda: CommandProgram(command), plan.read_text, limits)


def starts_of(plan: Path) -> list[str]:
    """What each process started so far was told."""
    file = Path(f"{plan}.starts")
    return file.read_text().splitlines() if file.exists() else []


def wait_until(holds: Callable[[], bool], seconds: float = 60.0) -> None:
    """Wait for something to become true; fail when it does not."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            raise AssertionError("it did not happen in time")
        time.sleep(0.01)
