"""Who was erased is in no file of a PostgreSQL cluster; `tests.serving.privacy.test_erasure` has SQLite."""

from datetime import UTC, datetime

from serving.privacy.erasure import CustomerFiles, erase
from serving.server.stores import open_stores
from tests.contracts.test_live import keep, line, score_of
from tests.support.postgres import PostgresServer, needed_binaries, running_postgres
from tests.support.scores import run_info, score_tables

AT = datetime(2026, 3, 4, tzinfo=UTC)
GONE = [f"kanarienvogel-{number}" for number in range(100)]
STAY = [f"stays-{number}" for number in range(100)]


def hits(server: PostgresServer) -> set[str]:
    """Files that name somebody; without the log of the cluster, which is its owner's to keep."""
    with server.session() as session:
        session.execute("CHECKPOINT")
    files = [path for path in (server.folder / "data").rglob("*") if path.is_file()]
    return {
        path.name
        for path in files
        if path.parent.name != "pg_wal" and b"kanarienvogel" in path.read_bytes()
    }


def test_no_byte_of_a_hundred_customers_is_left_in_postgresql(tmp_path):
    with running_postgres(needed_binaries()) as server:
        stores = open_stores(server.url())
        for number in (1, 2):
            tables = score_tables(ids=[*GONE, *STAY], seed=number)
            stores.scores.publish(run_info(f"run-{number}"), *tables)
        keep(stores, *(line(f"o{number}", 1, one) for number, one in enumerate(GONE)))
        past = stores.live.past(GONE[0])
        stores.live.save(past, score_of(past))
        with server.session() as session:
            session.execute("ANALYZE")
        assert len(hits(server)) > 10
        files = CustomerFiles(key=tmp_path / "erasure.key", derived=())
        erase(GONE, stores.erasures, files, AT)
        assert hits(server) == set()
        stores.close()
