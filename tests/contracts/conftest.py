import pytest
from sqlalchemy import delete

from serving.server.stores import open_stores
from serving.store.tables import metadata
from tests.support.postgres import needed_binaries, running_postgres
from tests.support.stores import fresh_stores


@pytest.fixture(scope="session")
def postgres_url():
    binaries = needed_binaries()
    with running_postgres(binaries) as server:
        yield server.url()


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.slow)])
def stores(request):
    """Empty stores in each kind of database."""
    match request.param:
        case "sqlite":
            yield fresh_stores()
        case "postgres":
            opened = open_stores(request.getfixturevalue("postgres_url"))
            with opened.scores.engine.begin() as connection:
                for table in reversed(metadata.sorted_tables):
                    connection.execute(delete(table))
            yield opened
            opened.scores.close()
