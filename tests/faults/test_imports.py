"""A server that is killed −9 while a file of order lines is taken in."""

import json
import time

from serving.server.stores import open_stores
from tests.support.faults import ask
from tests.support.ingest import kept_lines
from tests.support.scores import run_info, score_tables
from tests.support.servers import running_server

LINES = 12_000
KILLS = 3

SCRIPT = """
import sys
from pathlib import Path
from serving.imports.jobs import ImportFolder
from serving.server.server import serve
from serving.server.stores import open_stores
serve("127.0.0.1", int(sys.argv[2]), stores=open_stores(sys.argv[1]),
      bundle_info={"bundle_id": "b-1", "models": {}}, imports=ImportFolder(Path("FOLDER")))
"""


def line(number):
    return {
        "customer_id": f"c{number % 50}",
        "order_id": f"o{number // 3}",
        "line": number % 3,
        "ordered_at": "2026-03-02T10:00:00Z",
        "amount": 1.5,
    }


def state(address, path):
    return json.loads(ask(address, path)[1])


def test_kills_lose_no_line_of_an_import_and_double_none(tmp_path):
    url = f"sqlite:///{tmp_path}/regulars.db"
    stores = open_stores(url)
    stores.scores.publish(run_info(), *score_tables(40))
    stores.close()
    script = SCRIPT.replace("FOLDER", str(tmp_path / "imports"))
    body = "\n".join(json.dumps(line(number)) for number in range(LINES)).encode()
    with running_server(url, script=script) as (address, process):
        headers = {"Content-Type": "application/x-ndjson"}
        status, answer, told = ask(
            address, "/v1/imports", method="POST", body=body, headers=headers
        )
        assert status == 202
        assert json.loads(answer)["lines"] == LINES
        process.kill()
    seen = [0]
    for _ in range(KILLS):
        with running_server(url, script=script) as (address, process):
            deadline = time.monotonic() + 60
            while (lines := state(address, told["Location"])["lines_read"]) <= seen[-1]:
                assert time.monotonic() < deadline
            seen.append(lines)
            process.kill()
    assert seen == sorted(set(seen))
    with running_server(url, script=script) as (address, _):
        deadline = time.monotonic() + 120
        while (job := state(address, told["Location"]))["status"] != "done":
            assert time.monotonic() < deadline
    assert job["outcomes"] == {"accepted": LINES}
    places = kept_lines(url)
    assert len(places) == len(set(places)) == LINES
