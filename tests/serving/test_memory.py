"""What is free goes back to the system while a process runs."""

import subprocess
import sys

import pytest

FRAGMENTED = """
import asyncio, os
from serving.memory import RegularGiveBack, give_back_regularly, hold_little

def resident_mb():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE") / 2**20

async def beside_a_loop():
    giving = asyncio.create_task(give_back_regularly(0.001))
    while resident_mb() > peak - 30:
        await asyncio.sleep(0.001)
    giving.cancel()

hold_little()
blocks = [bytes(bytearray(os.urandom(8_000))) for _ in range(5_000)]
peak = resident_mb()
pinned = blocks[-1]  # what lies below it is free, and not at the end of the heap
del blocks
WORK
print(peak - resident_mb())
"""
WAYS = {
    "an event loop": "asyncio.run(asyncio.wait_for(beside_a_loop(), 20))",
    "a scorer": "RegularGiveBack(seconds=0).after_work()",
}


@pytest.mark.skipif(sys.platform != "linux", reason="of glibc alone")
@pytest.mark.parametrize("work", WAYS.values(), ids=WAYS)
def test_what_is_free_is_given_back_while_a_process_runs(work: str) -> None:
    script = FRAGMENTED.replace("WORK", work)
    given_mb = float(subprocess.check_output([sys.executable, "-c", script]))
    # of 40 MB
    assert given_mb > 30
