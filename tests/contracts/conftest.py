import pytest
from sqlalchemy import delete

from serving.server.stores import memory_stores, open_stores
from serving.store.tables import metadata
from tests.support.postgres import needed_binaries, running_postgres


@pytest.fixture(scope="session")
def postgres_url():
    binaries = needed_binaries()
    with running_postgres(binaries) as server:
        yield server.url()


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def stores(request, tmp_path):
    """Empty stores of each kind."""
    yield from _opened(request, tmp_path)


@pytest.fixture(params=["sqlite", "postgres"])
def databases(request, tmp_path):
    """Empty stores of those kinds that outlive the process."""
    yield from _opened(request, tmp_path)


def _opened(request, tmp_path):
    match request.param:
        case "memory":
            yield memory_stores()
        case "sqlite":
            opened = open_stores(f"sqlite:///{tmp_path}/regulars.db")
            yield opened
            opened.scores.close()
        case "postgres":
            opened = open_stores(request.getfixturevalue("postgres_url"))
            with opened.scores._engine.begin() as connection:
                for table in reversed(metadata.sorted_tables):
                    connection.execute(delete(table))
            yield opened
            opened.scores.close()
