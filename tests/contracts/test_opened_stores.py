"""What opening a store does: processes at once, kills, migrations, files that are no store."""

import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from features.errors import ConfigError
from serving.errors import StoreError
from serving.runs.store import RunStore
from serving.store.protocol import ChurnFilter
from tests.support.scores import run_info, score_tables

_PUBLISH_AND_DIE = """
import os, signal, sys
from sqlalchemy import event
from sqlalchemy.engine import Engine
from serving.runs.store import RunStore
from tests.support.scores import run_info, score_tables

info, tables = run_info("run-2"), score_tables(40, seed=2)

def publish(url, left):
    def die(*_):
        nonlocal left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    store = RunStore(url)
    event.listen(Engine, "before_cursor_execute", die)
    event.listen(Engine, "commit", die)
    store.publish(info, *tables)

# each attempt is a fork; all imports, the migrations' too, are done before
RunStore(sys.argv[1]).close()
for step in sys.stdin:
    child = os.fork()
    if child == 0:
        publish(sys.argv[1], int(step))
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


@pytest.mark.slow
def test_a_kill_at_any_step_of_publishing_leaves_the_last_run(tmp_path):
    url = f"sqlite:///{tmp_path}/regulars.db"
    store = RunStore(url)
    store.publish(run_info(), *score_tables(30))
    publisher = subprocess.Popen(
        [sys.executable, "-c", _PUBLISH_AND_DIE, url],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        bufsize=1,
        env={**os.environ, "PYTHONPATH": str(Path.cwd())},
    )
    with publisher:
        for step in range(1, 100):
            publisher.stdin.write(f"{step}\n")
            code = int(publisher.stdout.readline())
            if code == 0:
                break
            assert code == -signal.SIGKILL
            page = store.churn_list(ChurnFilter(), sort="clv", limit=1_000)
            assert (page.run.info.run_id, len(page.documents)) == ("run-1", 30)
        publisher.stdin.close()
    assert step > 5
    page = store.churn_list(ChurnFilter(), sort="clv", limit=1_000)
    assert (page.run.info.run_id, len(page.documents)) == ("run-2", 40)
    store.close()


def test_processes_that_start_together_on_nothing_all_succeed(tmp_path):
    url = f"sqlite:///{tmp_path}/new/folder/regulars.db"
    script = "import sys; from serving.runs.store import RunStore; RunStore(sys.argv[1]).close()"

    def start(_):
        command = [sys.executable, "-W", "error", "-c", script, url]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(start, range(8)))
    assert [outcome.stderr for outcome in outcomes if outcome.returncode] == []


def test_sqlite_keeps_what_it_has_acknowledged(tmp_path):
    store = RunStore(f"sqlite:///{tmp_path}/regulars.db")
    with store.engine.connect() as connection:
        pragmas = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    store.close()
    full = 2
    assert pragmas == {
        "journal_mode": "wal",
        "synchronous": full,
        "foreign_keys": 1,
        "busy_timeout": 30_000,
    }


def test_the_migrations_make_the_tables_that_the_code_expects(tmp_path):
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    from serving.store.tables import metadata

    store = RunStore(f"sqlite:///{tmp_path}/regulars.db")
    with store.engine.connect() as connection:
        differences = compare_metadata(MigrationContext.configure(connection), metadata)
    store.close()
    assert differences == []


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("nonsense", "cannot be read"),
        ("nosuch://host/name", "cannot be read"),
        ("sqlite://", "in memory"),
        ("sqlite:///:memory:", "in memory"),
    ],
)
def test_an_address_that_cannot_be_used_is_a_config_error(url, message):
    with pytest.raises(ConfigError, match=message):
        RunStore(url)


def test_a_file_that_is_no_store_is_refused(tmp_path):
    path = tmp_path / "regulars.db"
    path.write_bytes(b"not a database " * 100)
    with pytest.raises(StoreError, match="not a database"):
        RunStore(f"sqlite:///{path}")


def test_a_store_of_a_newer_release_is_refused(tmp_path):
    url = f"sqlite:///{tmp_path}/regulars.db"
    store = RunStore(url)
    with store.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    store.close()
    with pytest.raises(StoreError, match="newer release"):
        RunStore(url)
