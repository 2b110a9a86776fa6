"""Files of order lines: on disk before the answer, judged as requests are, each line once."""

import gzip
import json
import os
from datetime import timedelta

import pytest

from serving.errors import StoreError
from serving.imports import api
from serving.imports.importer import LINES_AT_ONCE, Importer
from serving.imports.jobs import MOST_UNFINISHED, ImportFolder
from serving.live.orders import LiveOrders
from serving.live.transactions_api import NewLine, incoming_line
from serving.settings import Serve
from tests.serving.conftest import NOW, client_of
from tests.support.scores import run_info, score_tables
from tests.support.stores import copied, fresh_runs

NDJSON = {"Content-Type": "application/x-ndjson"}
LINE = {
    "customer_id": "a",
    "order_id": "o1",
    "line": 1,
    "ordered_at": "2026-03-03T10:00:00Z",
    "amount": 4.5,
}


def ndjson(*lines):
    return "".join(f"{json.dumps(line)}\n" for line in lines).encode()


def many(count):
    return [{**LINE, "order_id": f"o{number // 2}", "line": number % 2} for number in range(count)]


class Shop:
    """A client of a server that takes imports, and what takes them in."""

    def __init__(self, stores, path):
        self.stores, self.folder, self.now, self.counted = stores, ImportFolder(path), NOW, []
        self.settings = Serve(import_bytes=4 * 2**20)
        self.client = client_of(
            stores, imports=self.folder, settings=self.settings, clock=lambda: self.now
        )
        self.orders = LiveOrders(
            stores.live,
            scores=stores.scores,
            scorer=None,
            erased=lambda ids: {"gone"} & set(ids),
            clock=lambda: self.now,
        )

    def importer(self):
        return Importer(
            self.folder, self.orders, clock=lambda: self.now, count_lines=self.counted.extend
        )

    def send(self, body, **headers):
        return self.client.post("/v1/imports", content=body, headers={**NDJSON, **headers})

    def job(self, answer):
        return self.client.get(answer.headers["location"]).json()

    def files(self):
        return sorted(path.suffix for path in self.folder.path.glob("imp_*"))


@pytest.fixture(scope="module")
def published():
    runs = fresh_runs()
    runs.publish(run_info(), *score_tables(ids=["a", "b"]))
    return runs


@pytest.fixture
def shop(published, tmp_path):
    return Shop(copied(published), tmp_path / "imports")


@pytest.mark.parametrize("encoding", ["gzip", "identity"])
def test_a_file_is_kept_then_taken_in_whole(shop, encoding):
    body = ndjson(*many(2_500))
    sent = gzip.compress(body) if encoding == "gzip" else body
    answer = shop.send(sent, **{"Content-Encoding": encoding})
    assert answer.status_code == 202
    assert shop.job(answer) == answer.json()
    assert (answer.json()["status"], answer.json()["lines"]) == ("waiting", 2_500)
    assert answer.json()["bytes"] == len(body)
    shop.importer().take_in()
    job = shop.job(answer)
    assert (job["status"], job["lines_read"], job["bytes_read"]) == ("done", 2_500, len(body))
    assert job["outcomes"] == {"accepted": 2_500}
    assert shop.stores.live.counts().lines == len(shop.counted) == 2_500
    # lines name customers, figures do not
    assert shop.files() == [".json"]
    assert shop.client.get("/v1/imports").json() == {"imports": [job]}


def test_lines_are_judged_as_those_of_requests_are(shop):
    lines = [
        LINE,
        {**LINE, "amount": 9.0},
        {**LINE, "amount": 9.0, "corrects": True},
        {**LINE, "order_id": "o2", "customer_id": "gone"},
        {**LINE, "order_id": "o3", "ordered_at": "2036-03-03T10:00:00Z"},
        {**LINE, "customer_id": "b"},
        {**LINE, "order_id": "o4", "customer_id": " a "},
        LINE,
    ]
    beside = copied(shop.stores.scores)
    of_request = Shop(beside, shop.folder.path).orders
    answer = shop.send(ndjson(*lines))
    for line in lines:
        of_request.take([incoming_line(NewLine.model_validate(line, strict=True))])
    shop.importer().take_in()
    job = shop.job(answer)
    assert sum(job["outcomes"].values()) == job["lines"] == len(lines)
    assert job["refused"] == {"differs": 2, "erased": 1, "in_future": 1, "other_customer": 1}
    assert [line.place for line in shop.stores.live.lines()] == [
        line.place for line in beside.live.lines()
    ]


def test_what_cannot_be_read_is_counted_and_told_by_its_line(shop):
    unreadable = [b"{", b"[]", b'{"line": NaN}', ndjson({**LINE, "line": "1"}).strip()]
    body = b"\n".join([ndjson(LINE).strip(), b"", *unreadable, ndjson({**LINE, "line": 2})])
    answer = shop.send(body)
    shop.importer().take_in()
    job = shop.job(answer)
    assert job["outcomes"] == {"accepted": 2, "unreadable": 4, "blank": 1}
    assert sorted({problem["line"] for problem in job["problems"]}) == [3, 4, 5, 6]
    assert job["problems"][-1]["location"] == ["line"]


def test_a_block_whose_state_was_not_saved_counts_once(shop):
    answer = shop.send(ndjson(*many(LINES_AT_ONCE + 7)))
    killed = shop.importer()
    (job,) = shop.folder.unfinished()
    with shop.folder.lines_of(job.import_id).open("rb") as file:
        killed._after(job, [next(file) for _ in range(LINES_AT_ONCE)])
    shop.importer().take_in()
    assert shop.job(answer)["outcomes"] == {"accepted": LINES_AT_ONCE + 7}


def test_a_server_that_stops_goes_on_behind_the_last_block(shop):
    answer = shop.send(ndjson(*many(2 * LINES_AT_ONCE)))
    stopping = shop.importer()
    stopping._closing.set()
    stopping.take_in()
    half = shop.job(answer)
    assert (half["status"], half["lines_read"]) == ("running", LINES_AT_ONCE)
    shop.importer().take_in()
    assert shop.job(answer)["outcomes"] == {"accepted": 2 * LINES_AT_ONCE}


def test_an_import_is_found_only_when_its_lines_are_there(shop, monkeypatch):
    save = ImportFolder.save

    def looked_for_at_once(folder, job):
        save(folder, job)
        if job.status == "waiting":
            shop.importer().take_in()

    monkeypatch.setattr(ImportFolder, "save", looked_for_at_once)
    assert shop.job(shop.send(ndjson(LINE)))["outcomes"] == {"accepted": 1}


def test_lines_of_an_import_that_was_finished_go_after_a_kill(shop, monkeypatch):
    shop.send(ndjson(LINE))
    with monkeypatch.context() as killed:
        killed.setattr(ImportFolder, "finish", ImportFolder.save)
        shop.importer().take_in()
    assert shop.files() == [".json", ".ndjson"]
    shop.importer().take_in()
    assert shop.files() == [".json"]
    assert shop.stores.live.counts().lines == 1


def test_a_store_that_is_gone_is_waited_for(shop, monkeypatch):
    def gone(*_arguments, **_options):
        raise StoreError("gone")

    answer = shop.send(ndjson(LINE))
    with monkeypatch.context() as away:
        away.setattr(shop.stores.live, "accept", gone)
        with pytest.raises(StoreError):
            shop.importer().take_in()
    assert shop.job(answer)["status"] == "waiting"
    shop.importer().take_in()
    assert shop.job(answer)["outcomes"] == {"accepted": 1}


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"", {}, 400),
        (ndjson(LINE), {"Content-Type": "application/json"}, 415),
        (ndjson(LINE), {"Content-Encoding": "br"}, 415),
        (gzip.compress(ndjson(LINE))[:-3], {"Content-Encoding": "gzip"}, 400),
        (b"a" * 70_000, {}, 400),
        (b"\n" + b"a" * 70_000 + b"\n", {}, 400),
        (gzip.compress(ndjson(*many(40_000))), {"Content-Encoding": "gzip"}, 413),
        (ndjson(*many(40_000)), {}, 413),
    ],
    # names of their own: packed bytes hold the time at which they were packed
    ids=["empty", "json", "br", "cut off", "long", "long line", "many packed", "many"],
)
def test_what_does_not_fit_is_refused_and_leaves_nothing(shop, body, headers, status):
    assert shop.send(body, **headers).status_code == status
    assert shop.files() == []


def test_files_are_bounded_in_lines_and_in_number(shop, monkeypatch):
    monkeypatch.setattr(api, "MOST_LINES", 3)
    assert shop.send(ndjson(*many(3))).status_code == 202
    assert shop.send(ndjson(*many(5))).status_code == 413
    for _ in range(MOST_UNFINISHED - 1):
        assert shop.send(ndjson(LINE)).status_code == 202
    refused = shop.send(ndjson(LINE))
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "60")


@pytest.mark.parametrize("name", ["imp_0", "..", "%2e%2e%2fsecret", "imp_" + "0" * 24])
def test_unknown_imports_are_not_found(shop, name):
    (shop.folder.path.parent / "secret.json").write_text("{}")
    assert shop.client.get(f"/v1/imports/{name}").status_code == 404


def test_without_a_folder_no_import_is_taken(published):
    client = client_of(published)
    answer = client.post("/v1/imports", content=ndjson(LINE), headers=NDJSON)
    assert (answer.status_code, answer.json()["type"]) == (503, "urn:regulars:problem:no-room")


def test_a_folder_that_cannot_be_written_is_said(shop):
    shop.folder.path.write_text("a file")
    assert shop.send(ndjson(LINE)).status_code == 503


def test_what_is_old_goes(shop):
    answer = shop.send(ndjson(LINE))
    shop.importer().take_in()
    half = shop.folder.path / "imp_half.part"
    untold = shop.folder.path / "imp_untold.ndjson"
    for path in (half, untold):
        path.write_bytes(b"{")
        os.utime(path, (NOW.timestamp(), NOW.timestamp()))
    shop.now = NOW + timedelta(days=8)
    shop.importer().take_in()
    assert shop.client.get(answer.headers["location"]).status_code == 404
    assert shop.files() == []
