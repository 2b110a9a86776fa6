"""Orders and kill −9: what was acknowledged is there, once."""

from contextlib import closing

from serving.server.stores import open_stores
from tests.support.ingest import kept_lines, send_through_kills
from tests.support.scores import run_info, score_tables
from tests.support.servers import running_server

KILLS = 4


def test_kills_lose_no_acknowledged_line_and_double_none(tmp_path):
    url = f"sqlite:///{tmp_path}/regulars.db"
    with closing(open_stores(url)) as stores:
        stores.scores.publish(run_info(), *score_tables(ids=[f"c{n}" for n in range(5)]))
    told = send_through_kills(lambda: running_server(url), kills=KILLS, seconds=0.6, seed=7)
    kept = kept_lines(url)
    assert told.kills == KILLS
    assert len(told.acknowledged) > 2 * KILLS
    customers = {f"c{int(order[1:]) % 20}" for order, _ in told.acknowledged}
    assert len(kept) == len(set(kept))
    # the one that was being sent at a kill is retried with its key, so both are the same
    assert set(kept) == told.acknowledged
    with closing(open_stores(url)) as stores:
        assert stores.live.counts().waiting == len(customers)
