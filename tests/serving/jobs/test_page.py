"""The pages of jobs: they ask for jobs, take files in pieces, and say what is wrong."""

import re
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from serving.jobs.desk import JobDesk
from serving.jobs.job import JobEnd
from serving.jobs.order_files import SENT, OrderFiles
from serving.jobs.timetable import Timetable
from serving.jobs.upload import MEGABYTE
from tests.serving.conftest import NOW, client_of
from tests.support.people import Shop
from tests.support.stores import fresh_stores

CSV = "customer,order,date,amount\n" + "".join(f"c{n},o{n},2026-01-0{n},{n}\n" for n in range(1, 8))


class Woken:
    times = 0

    def __call__(self):
        self.times += 1


@pytest.fixture
def desk(tmp_path):
    (tmp_path / "orders").mkdir()
    return JobDesk(
        store=fresh_stores().jobs,
        wake=Woken(),
        zone=ZoneInfo("Europe/London"),
        order_files=OrderFiles(tmp_path, "orders/*.csv"),
        data=tmp_path / "data",
        upload_bytes=2 * MEGABYTE,
    )


@pytest.fixture
def client(desk):
    return client_of(fresh_stores(), jobs=desk)


def test_a_run_is_asked_for_once_and_seen(client, desk):
    answer = client.post("/jobs")
    (job,) = desk.store.unfinished()
    assert answer.status_code == 303
    assert answer.headers["location"] == f"/jobs/{job.job_id}"
    assert client.post("/jobs").headers["location"] == answer.headers["location"]
    assert desk.wake.times == 1
    assert 'data-live="on"' in client.get("/jobs").text
    page = client.get(answer.headers["location"])
    assert "It waits for the worker." in page.text
    assert '<noscript><meta http-equiv="refresh"' in page.text
    # one that trains is more than one that need not
    client.post("/jobs", data={"train": "yes"})
    assert [job.arguments for job in desk.store.unfinished()] == [{}, {"train": True}]


def test_a_running_job_shows_its_steps_and_log_and_can_be_cancelled(client, desk):
    client.post("/jobs")
    job = desk.store.begin_next("w", NOW - timedelta(seconds=42))
    desk.store.tell(job, [(NOW, "fitted <churn>")], "train")
    page = client.get(f"/jobs/{job.job_id}").text
    assert "42 s" in page
    assert "fitted &lt;churn&gt;" in page
    assert re.findall(r'<li class="(\w+)"', page) == [
        "over",
        "over",
        "on",
        "ahead",
        "ahead",
        "ahead",
    ]
    assert client.post(f"/jobs/{job.job_id}/cancel").status_code == 303
    assert "It is being cancelled." in client.get(f"/jobs/{job.job_id}").text


@pytest.mark.parametrize("language", ["en", "zh"])
def test_an_ended_job_says_what_came_of_it(client, desk, language):
    for end in (
        JobEnd("done", {"outcome": "published", "problems": []}),
        JobEnd("stopped", {"outcome": "stopped", "problems": ["net money is below 0"]}),
        JobEnd("failed", {"problems": ["no such file"]}),
    ):
        job = desk.store.add("run", {}, by="timetable", at=NOW)
        desk.store.begin_next("w", NOW)
        desk.store.end(job, "w", end, NOW)
        page = client.get(f"/jobs/{job.job_id}", headers={"Accept-Language": language})
        assert page.status_code == 200
        assert 'data-live="off"' in page.text
        assert all(problem in page.text for problem in end.outcome["problems"])
        assert ('/churn-list">' in page.text.partition("<main")[2]) == (end.state == "done")
    listed = client.get("/jobs", headers={"Accept-Language": language}).text
    assert listed.count('<th scope="row">') == 3
    assert "no such file" in listed


def test_a_gate_is_opened_for_one_run_by_saying_why(client, desk):
    gates = ["money_jumped: an order brings 3 times as much.", "orders_dropped: 20 % are gone."]
    job = desk.store.add("run", {}, by="timetable", at=NOW)
    desk.store.begin_next("w", NOW)
    desk.store.end(job, "w", JobEnd("stopped", {"outcome": "stopped", "problems": gates}), NOW)
    page = client.get(f"/jobs/{job.job_id}").text
    codes = re.findall(r'name="gate" value="(\w+)"', page)
    assert codes == ["money_jumped", "orders_dropped"]
    client.post("/jobs", data={"gate": [*codes, "no_gate"], "reason": " new prices "})
    (asked,) = desk.store.unfinished()
    assert asked.arguments == {"accepted": dict.fromkeys(codes, "new prices")}
    # what cannot be accepted is not asked about
    other = desk.store.add("run", {}, by="timetable", at=NOW)
    desk.store.begin_next("w", NOW)
    desk.store.begin_next("w", NOW)
    desk.store.end(other, "w", JobEnd("stopped", {"problems": ["nothing is left"]}), NOW)
    assert 'name="gate"' not in client.get(f"/jobs/{other.job_id}").text


def test_who_asked_is_named_and_only_admins_are_shown_what_they_may_do(desk):
    shop = Shop(fresh_stores(), jobs=desk)
    admin = shop.browser_of(shop.add("Ada <3", "admin"))
    marketer = shop.browser_of(shop.add("Ben", "marketer"))
    running = admin.post("/jobs").headers["location"]
    assert "by <bdi>Ada &lt;3</bdi></p>" in admin.get(running).text
    for path, forms in (("/jobs", 4), (running, 1)):
        assert admin.get(path).text.count('<form method="post"') == forms
        page = marketer.get(path).text
        assert (page.count('<form method="post"'), "Ada &lt;3" in page) == (0, path == running)
    assert "need the role admin" in marketer.get("/jobs").text
    admin.post(f"{running}/cancel")
    assert "<bdi>Ada &lt;3</bdi>" in marketer.get("/jobs").text


def test_unknown_jobs_and_servers_without_a_worker_have_pages(client):
    assert client.get("/jobs/job_none").status_code == 404
    without = client_of(fresh_stores())
    assert "regulars run" in without.get("/jobs").text
    assert without.post("/jobs").status_code == 503


def test_a_timetable_is_kept_and_the_next_run_named(client, desk):
    sent = {"every": "week", "weekday": "4", "hour": "6"}
    assert client.post("/jobs/timetable", data=sent).status_code == 303
    assert desk.store.timetable() == Timetable("week", 4, 6)
    # NOW is Wednesday, 4 March 2026
    assert "Next run: 6 Mar 2026 06:00 (Europe/London)" in client.get("/jobs").text
    odd = client.post("/jobs/timetable", data={"every": "day", "hour": "77"})
    assert odd.status_code == 422
    assert 'role="alert"' in odd.text
    assert desk.store.timetable() == Timetable("week", 4, 6)


def sent_files(desk):
    folder = desk.data / SENT
    return list(folder.iterdir()) if folder.exists() else []


def test_a_file_of_orders_is_kept_and_a_job_takes_it_in(client, desk):
    answer = client.post(
        "/jobs/orders", files={"orders": ("../May.csv", CSV)}, data={"mode": "replace"}
    )
    (job,) = desk.store.unfinished()
    (file,) = sent_files(desk)
    assert answer.headers["location"] == f"/jobs/{job.job_id}"
    assert (job.kind, job.arguments) == ("take_in", {"file": str(file), "mode": "replace"})
    assert file.name.endswith("~May.csv")
    assert file.read_text() == CSV


@pytest.mark.parametrize(
    ("name", "content", "status", "words"),
    [
        ("May.xlsx", b"PK", 422, "The orders are read from *.csv"),
        ("May.pdf", b"%PDF", 422, "Orders come as CSV"),
        ("May.csv", b"0" * (2 * MEGABYTE + 1), 413, "The file is larger than 2 MB"),
        ("May.csv", b"0" * (6 * MEGABYTE), 413, "The file is larger than 2 MB"),
        ("", b"", 422, "Choose a file first."),
    ],
)
def test_what_cannot_be_taken_is_said_in_one_sentence_and_leaves_nothing(
    client, desk, name, content, status, words
):
    answer = client.post("/jobs/orders", files={"orders": (name, content)})
    assert answer.status_code == status
    assert words in answer.text.partition('role="alert">')[2].partition("</p>")[0]
    assert sent_files(desk) == []
    assert desk.store.unfinished() == []


def test_a_form_comes_whole_wherever_it_is_cut(client, desk):
    body = (
        b'--xyz\r\nContent-Disposition: form-data; name="mode"\r\n\r\nreplace\r\n'
        b'--xyz\r\nContent-Disposition: form-data; name="orders"; filename="May.csv"\r\n'
        b"Content-Type: text/csv\r\n\r\n" + CSV.encode() + b"\r\n--xyz--\r\n"
    )
    headers = {"Content-Type": "multipart/form-data; boundary=xyz"}
    for size in (1, 7, 50):
        pieces = (body[start : start + size] for start in range(0, len(body), size))
        assert client.post("/jobs/orders", content=pieces, headers=headers).status_code == 303
    assert [file.read_text() for file in sent_files(desk)] == [CSV] * 3
    assert {job.arguments["mode"] for job in desk.store.unfinished()} == {"replace"}
    cut = client.post("/jobs/orders", content=body[:120], headers=headers)
    assert cut.status_code == 422
    assert "did not arrive whole" in cut.text
    assert client.post("/jobs/orders", content=b"x").status_code == 422
    assert len(sent_files(desk)) == 3
