"""Single rows over a connection that is kept: always the present ones, whoever asks."""

import sqlite3
import threading
from contextlib import closing

import pytest
from sqlalchemy import text

from serving.errors import StoreBusy, StoreError
from serving.store.database import open_database
from serving.store.one_row import OneRow


@pytest.fixture
def engine(tmp_path):
    engine = open_database(f"sqlite:///{tmp_path}/regulars.db")
    yield engine
    engine.dispose()


def test_what_others_have_written_is_read(engine):
    rows = OneRow(engine)
    assert rows.read("SELECT count(*) FROM api_keys", ()) == (0,)
    added = "INSERT INTO api_keys VALUES ('a', 'b', 'read', 'c', 'd', NULL, NULL)"
    with engine.begin() as connection:
        connection.execute(text(added))
    assert rows.read("SELECT digest FROM api_keys WHERE key_id = ?", ("a",)) == ("b",)
    assert rows.read("SELECT digest FROM api_keys WHERE key_id = ?", ("b",)) is None


def test_who_comes_while_it_is_in_use_is_answered_too(engine):
    rows = OneRow(engine)
    with rows._in_use:
        assert rows.read("SELECT 7", ()) == (7,)
    assert rows._kept is None


def test_threads_get_their_own_answers(engine):
    rows, found = OneRow(engine), []
    threads = [
        threading.Thread(target=lambda n=n: found.append((n, rows.read("SELECT ?", (str(n),)))))
        for n in range(40)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == [(n, (str(n),)) for n in range(40)]


def test_after_an_error_and_after_the_end_it_is_opened_anew(engine):
    rows = OneRow(engine)
    with pytest.raises(StoreError):
        rows.read("SELECT nothing", ())
    assert rows._kept is None
    assert rows.read("SELECT 1", ()) == (1,)
    engine.dispose()
    assert rows._kept is None
    assert rows.read("SELECT 1", ()) == (1,)


def test_who_cannot_wait_is_told_that_it_is_in_use(engine):
    rows = OneRow(engine)
    assert rows.read_at_once("SELECT 7", ()) == (7,)
    with rows._in_use, pytest.raises(StoreBusy):
        rows.read_at_once("SELECT 7", ())


def test_who_cannot_wait_is_told_that_another_process_holds_the_file(engine, tmp_path):
    rows = OneRow(engine)
    query = ("SELECT count(*) FROM api_keys", ())
    assert rows.read_at_once(*query) == (0,)
    engine.dispose()
    with closing(sqlite3.connect(tmp_path / "regulars.db", isolation_level=None)) as other:
        other.execute("PRAGMA locking_mode=EXCLUSIVE")
        other.execute("BEGIN IMMEDIATE")
        other.execute("UPDATE current SET id = 1")
        with pytest.raises(StoreBusy):
            rows.read_at_once(*query)
        other.execute("ROLLBACK")
    assert rows.read_at_once(*query) == (0,)
