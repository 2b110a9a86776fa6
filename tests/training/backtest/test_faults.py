"""kill −9 and simultaneous starts, in a small size; `make bench` has the full one."""

import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_killed_at_any_step_readers_see_the_old_or_the_new_whole():
    sizes = ("--trainings", "1", "--publications", "6", "--starts", "1")
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "benchmarks.faults_train", *sizes],
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "publications killed: 6" in done.stdout
    assert "8 processes starting on empty stores, 1 times: 0 failures" in done.stdout
