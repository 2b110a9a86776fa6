"""Runs that come under load, and disks that are full: nothing mixed, nothing lost."""

from contextlib import closing

import pytest

from serving.server.stores import open_stores
from tests.support.ingest import kept_lines
from tests.support.servers import UNHURRIED, running_server
from tests.support.storms import full_disk, publish_numbered, read_through_runs, send_orders


@pytest.fixture
def url(tmp_path):
    address = f"sqlite:///{tmp_path}/regulars.db"
    publish_numbered(address, 1)
    return address


def test_runs_that_come_under_load_are_seen_whole_and_in_order(url):
    with running_server(url, script=UNHURRIED) as (address, _):
        found = read_through_runs(address, url, swaps=6, requests=400)
    assert found.errors == []
    assert found.mixed == []
    assert found.requests >= 400
    assert "run-7" in found.runs


def test_a_full_disk_refuses_orders_loses_none_and_is_forgotten_when_there_is_room(url):
    with running_server(url) as (address, process):
        before = send_orders(address, range(3))
        with full_disk(process, most=150_000):
            during = send_orders(address, range(3, 60))
            assert set(during.values()) == {202, 503}
            assert send_orders(address, range(60, 63)) == dict.fromkeys(range(60, 63), 503)
        refused = [number for number, status in during.items() if status == 503]
        after = send_orders(address, refused)
    assert set(before.values()) == set(after.values()) == {202}
    acknowledged = {**before, **during, **after}
    lines = [(f"o{number}", line) for number in acknowledged for line in (1, 2)]
    assert sorted(kept_lines(url)) == sorted(lines)
    with closing(open_stores(url)) as stores:
        assert stores.scores.latest_run().info.run_id == "run-1"
