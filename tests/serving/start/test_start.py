"""Setting a shop up: who is let in, what is shown, what is asked, what is written."""

import re
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from features.settings.loading import load_settings
from serving.jobs.job import JobEnd
from serving.jobs.kinds import work
from serving.jobs.place import WorkPlace
from serving.jobs.store import JobStore
from serving.server.lifecycle import ServerLifecycle
from serving.settings import Serve, Settings
from serving.start.door import OneTimeLink
from serving.start.server import can_start, start_application
from serving.start.service import ShopStart
from serving.store.database import open_database

CASES = Path(__file__).parents[2] / "cases"
NOW = datetime(2026, 3, 4, tzinfo=UTC)
CALLED = {"Host": "127.0.0.1"}


class Start:
    """A folder without settings, its page, and a worker that works when it is told to."""

    def __init__(self, root):
        self.config = root / "regulars.toml"
        self.place = WorkPlace.of(self.config)
        self.engine = open_database(self.place.store_url)
        self.store = JobStore(self.engine)
        self.link = OneTimeLink()
        self.settled = []
        app = start_application(
            ShopStart(self.place, self.store, lambda: None),
            self.link,
            Serve(upload_bytes=2**20),
            ServerLifecycle(),
            lambda: self.settled.append(True),
        )
        self.client = TestClient(
            app,
            base_url="http://127.0.0.1",
            raise_server_exceptions=False,
            follow_redirects=False,
        )

    def opened(self):
        assert self.client.get(f"/start?token={self.link.token}").status_code == 303
        return self

    def work(self):
        """What the worker does with the job that waits."""
        job = self.store.begin_next("w", NOW)
        end = work(self.place, job, lambda _: None)
        self.store.end(job, "w", end, NOW)
        return self.store.job(job.job_id)

    def send(self, file):
        answer = self.client.post("/start/file", files={"orders": (file.name, file.read_bytes())})
        assert answer.status_code == 303, answer.text
        return self.work()

    def page(self):
        return self.client.get("/start")

    def text(self):
        return re.sub(r"\s+", " ", re.sub("<[^>]+>", " ", self.page().text.partition("<main")[2]))


@pytest.fixture
def start(tmp_path):
    begun = Start(tmp_path)
    yield begun
    begun.engine.dispose()


def test_the_link_lets_one_browser_in_once(start):
    assert start.page().status_code == 403
    assert "Open the link from the terminal" in start.page().text
    assert start.client.get("/start?token=x").status_code == 403
    opened = start.client.get(f"/start?token={start.link.token}")
    assert opened.headers["location"] == "/start"
    assert "HttpOnly" in opened.headers["set-cookie"]
    assert start.page().status_code == 200
    assert start.client.get("/").headers["location"] == "/start"
    another = TestClient(start.client.app, base_url="http://127.0.0.1", follow_redirects=False)
    assert another.get(f"/start?token={start.link.token}").status_code == 403
    assert another.post("/start/cancel").status_code == 403
    assert another.get("/static/style.css").status_code == 200
    assert another.get("/healthz").json() == {"status": "ok"}


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Host": "evil.example"},
    ],
)
def test_other_sites_can_send_nothing(start, headers):
    start.opened()
    answer = start.client.post("/start/cancel", headers=headers)
    assert answer.status_code in {403, 421}
    assert start.client.post("/start/cancel").status_code == 303


def test_an_export_of_a_shop_system_is_understood_and_its_settings_are_written(start):
    start.opened()
    assert "Which orders shall be read?" in start.text()
    look = start.send(CASES / "systems" / "shopify" / "orders_export_1.csv")
    assert look.state == "done", look.outcome
    text = start.text()
    report = look.outcome["report"]
    assert "This is an export of Shopify" in text
    assert f"{report['rows_read']} rows: {report['orders']} orders of" in text
    assert "The lines of an order add up to “Total” in 100% of" in text
    for order in look.outcome["first_orders"]:
        assert order["order_id"] in text
        assert f"{order['total']:,.2f}" in text
    settled = start.client.post("/start/settle")
    (run,) = start.store.unfinished()
    assert settled.headers["location"] == f"/jobs/{run.job_id}"
    assert start.settled == [True]
    settings = load_settings(start.config, Settings)
    assert settings.data.transactions == "data/orders/*.csv"
    assert WorkPlace.of(start.config) == start.place
    # the server that follows answers there; until then the page says what goes on
    assert "The shop is being opened" in start.client.get(settled.headers["location"]).text
    # what was shown of customers is kept no longer
    assert [job.kind for job in start.store.jobs(10)] == ["run"]


def test_what_is_wrong_is_corrected_by_choices_and_read_again(start):
    start.opened()
    look = start.send(CASES / "german-statuses" / "orders.csv")
    page = start.client.get("/start", headers={"Accept-Language": "zh"}).text
    assert "各列的含义" in page
    understanding = look.outcome["understanding"]
    word = next(
        number for number, word in enumerate(understanding["words"]) if word["verdict"] == "none"
    )
    assert f'name="word.{word}"' in page
    assert page.count('name="field.') == 19
    read = {field["name"]: field["columns"][0] for field in understanding["fields"]}
    sent = {
        "field.quantity": "",
        "field.customer_id": read["customer_id"],
        f"word.{word}": "purchase",
        "currency": "chf",
        "timezone": "Europe/Zurich",
    }
    assert start.client.post("/start/answers", data=sent).status_code == 303
    again = start.work()
    assert again.arguments["location"] == look.outcome["location"]
    seen = again.outcome["understanding"]
    assert seen["currency"] == "CHF"
    assert "quantity" not in {field["name"] for field in seen["fields"]}
    name = understanding["words"][word]["word"]
    assert {w["verdict"] for w in seen["words"] if w["word"] == name} == {"purchase"}
    # more orders count than before
    assert again.outcome["report"]["orders"] > look.outcome["report"]["orders"]
    # a correction stays when something else is corrected, and can be taken back
    back = {"field.quantity": read["quantity"]}
    start.client.post("/start/answers", data=back)
    third = start.work()
    assert third.arguments["answers"]["timezone"] == "Europe/Zurich"
    assert third.arguments["answers"]["left_out"] == []
    assert third.arguments["columns"] == {"quantity": read["quantity"]}
    wrong = start.client.post("/start/answers", data={"currency": "12", "timezone": "Mars"})
    assert wrong.status_code == 422
    assert "three letters" in wrong.text
    assert "Europe/London" in wrong.text
    odd = start.client.post("/start/database", data={"address": "mysql://x", "table": "orders"})
    assert odd.status_code == 422
    assert "postgresql://" in odd.text


def test_columns_that_nobody_can_tell_are_asked_for_in_plain_words(start, tmp_path):
    start.opened()
    file = tmp_path / "orders.csv"
    lines = [f"k{n % 30},2025-{n % 12 + 1:02d}-{n % 28 + 1:02d},x{n}" for n in range(300)]
    file.write_text("who,day,note\n" + "\n".join(lines))
    look = start.send(file)
    assert "amount" in look.outcome["open"]
    text = start.text()
    assert "Some columns must be named" in text
    assert "Which column holds the money: of the line or of the whole order?" in text
    assert "Train and score" not in text
    refused = start.client.post("/start/settle")
    assert refused.status_code == 422
    assert not start.config.exists()


def test_orders_that_are_plainly_misread_are_stopped_until_somebody_says_why(start, tmp_path):
    start.opened()
    file = tmp_path / "orders.csv"
    lines = ["kunde,bestellung,datum,betrag"]
    lines += [f"k{n % 30},b{n},2025-{n % 12 + 1:02d}-{n % 28 + 1:02d},-{n}.50" for n in range(200)]
    file.write_text("\n".join(lines))
    look = start.send(file)
    refusing = [f for f in look.outcome["report"]["findings"] if f["severity"] == "refuses"]
    assert refusing
    assert "Must be settled" in start.text()
    assert start.client.post("/start/settle").status_code == 422
    assert not start.config.exists()


def test_a_file_that_cannot_be_read_says_why_and_how_to_go_on(start, tmp_path):
    start.opened()
    file = tmp_path / "orders.csv"
    file.write_bytes(b"%PDF-1.7")
    assert start.send(file).state == "failed"
    text = start.text()
    assert "The orders cannot be read: data/orders/orders.csv: is not a text file" in text
    assert "Read this file" in text
    # the next file takes the place of the one that cannot be read
    look = start.send(CASES / "german-statuses" / "orders.csv")
    assert start.client.post("/start/settle").status_code == 303
    settings = load_settings(start.config, Settings)
    assert settings.data.transactions == look.outcome["location"]


def test_a_look_that_was_killed_after_its_file_was_placed_is_taken_up_again(start):
    file = CASES / "german-statuses" / "orders.csv"
    start.opened()
    start.client.post("/start/file", files={"orders": (file.name, file.read_bytes())})
    job = start.store.begin_next("w", NOW)
    first = work(start.place, job, lambda _: None)
    # the worker was killed before it could say so
    start.store.take_up("w2", NOW)
    look = start.work()
    assert look.attempts == 2
    assert (look.state, look.outcome["location"]) == ("done", first.outcome["location"])
    assert start.client.post("/start/settle").status_code == 303
    orders = start.place.data / "orders"
    assert [path.name for path in orders.iterdir()] == ["orders.csv"]
    assert not list(start.place.data.glob("orders-*"))


def test_a_look_can_be_cancelled_and_another_file_taken(start):
    start.opened()
    file = CASES / "german-statuses" / "orders.csv"
    start.client.post("/start/file", files={"orders": (file.name, file.read_bytes())})
    assert "It begins in a moment." in start.text()
    assert 'data-live="on"' in start.page().text
    start.client.post("/start/cancel")
    assert "The last look was cancelled." in start.text()
    job = start.store.add("look", {}, by="local", at=NOW)
    start.store.begin_next("w", NOW)
    start.store.end(job, "w", JobEnd("failed", {"problems": ["no"]}), NOW)
    assert "Which orders shall be read?" in start.client.get("/start?new=1").text


def test_a_shop_is_set_up_only_where_there_is_none(tmp_path):
    config = tmp_path / "regulars.toml"
    assert can_start(config)
    assert not can_start(tmp_path / "nowhere" / "regulars.toml")
    shutil.copy(CASES / "german-statuses" / "regulars.toml", tmp_path / "other.toml")
    assert not can_start(config)
    (tmp_path / "other.toml").rename(config)
    assert not can_start(config)
