"""The engine opens where its bar cannot be turned off, as in a notebook without ipywidgets."""

import duckdb

from features.settings.engine import Engine
from features.sql import engine


class WithoutBar:
    """A connection as a notebook without ipywidgets has it."""

    def __init__(self, connection):
        self._connection = connection

    def execute(self, query, *arguments):
        if "enable_progress_bar" in query:
            raise duckdb.InvalidInputException("required package 'ipywidgets' is missing")
        return self._connection.execute(query, *arguments)

    def __getattr__(self, name):
        return getattr(self._connection, name)


def test_an_engine_opens_where_no_bar_can_be_turned_off(monkeypatch):
    connect = duckdb.connect
    monkeypatch.setattr(
        duckdb, "connect", lambda *given, **more: WithoutBar(connect(*given, **more))
    )
    with engine(Engine()) as connection:
        (zone,) = connection.execute("SELECT current_setting('TimeZone')").fetchone()
    assert zone == "UTC"
