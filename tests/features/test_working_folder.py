"""Working folders: gone at the end, and those of killed processes with the next."""

import signal
import subprocess
import sys

import pytest

from features.errors import ConfigError
from features.settings.engine import Engine
from features.sql import remove_abandoned, working_folder

KILLED = """
import os, signal, sys
from pathlib import Path
from features.settings.engine import Engine
from features.sql import working_folder
with working_folder(Engine(folder=Path(sys.argv[1]))) as folder:
    (folder / "lines.parquet").write_text("orders of customers")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_a_killed_process_left_is_removed_and_what_is_in_use_stays(tmp_path):
    limits = Engine(folder=tmp_path)
    with working_folder(limits) as in_use:
        (in_use / "mine").write_text("")
        done = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], check=False)
        assert done.returncode == -signal.SIGKILL
        assert len(list(tmp_path.rglob("lines.parquet"))) == 1
        with working_folder(limits) as other:
            assert other != in_use
            assert not list(tmp_path.rglob("lines.parquet"))
        assert (in_use / "mine").exists()
        assert remove_abandoned(limits) == 0
    assert list(tmp_path.iterdir()) == []


def test_the_folder_is_the_owners_alone(tmp_path):
    with working_folder(Engine(folder=tmp_path)) as folder:
        assert folder.stat().st_mode & 0o077 == 0
        assert list(folder.iterdir()) == []


def test_no_place_is_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(ConfigError, match=r"no place to work in .* Set engine\.folder"),
        working_folder(Engine(folder=tmp_path / "file" / "x")),
    ):
        pass
