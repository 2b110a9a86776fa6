"""Contact files and audiences: who is in them, by what address, and who is left out."""

import csv
import io
import json
from hashlib import sha256

import pandas as pd
import pytest
from click.testing import CliRunner

from serving.campaigns.files.platforms import google_mail, international, meta_mail
from serving.churn_list.lists import csv_bytes
from serving.commands.main import main
from serving.contacts.address_book import AddressBook
from serving.privacy.erasure import CustomerFiles, erase
from tests.serving.conftest import NOW, client_of
from tests.support.economics import ECONOMICS
from tests.support.scores import run_info, score_tables
from tests.support.shop import shop_settings, write_config
from tests.support.stores import copied, fresh_runs, stores_beside
from tests.support.workbooks import sheets_of

CUSTOMERS = {
    "path": "customers.csv",
    "customer_id": "id",
    "consent": "may",
    "name": "name",
    "contact": "reach",
    "phone": "tel",
    "language": "tongue",
    "calling_code": "44",
}
ANSWERS = ("yes", "no", "")


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """A campaign of 60, and the shop's table, in which a third has refused or says nothing since."""
    folder = tmp_path_factory.mktemp("shop")
    scores, products = score_tables(90)
    runs = fresh_runs()
    runs.publish(run_info(economics=ECONOMICS), scores, products)
    ids = list(scores["customer_id"])
    table = pd.DataFrame(
        {
            "id": ids,
            "may": [ANSWERS[n % 3] for n in range(90)],
            "name": [f"=Ann {n}" for n in range(90)],
            "reach": [f"Ann.{n}@Gmail.com" if n % 2 else "12 High Street" for n in range(90)],
            "tel": ["020 7946 0000" if n % 5 == 0 else "" for n in range(90)],
            "tongue": ["de"] * 90,
        }
    )
    table.to_csv(folder / "customers.csv", index=False)
    settings = shop_settings(
        folder,
        data={"customers": CUSTOMERS},
        store={"url": f"sqlite:///{runs.engine.url.database}"},
    )
    write_config(settings)
    stores = stores_beside(runs)
    client = client_of(stores, address_book=AddressBook.of(settings))
    made = client.post("/v1/campaigns", json={"name": "Back", "contacts": 48, "hold_out": 0.2})
    assert made.status_code == 201, made.text
    return client, stores, made.json(), table.set_index("id"), settings


def size_of(campaign):
    return next(arm["members"] for arm in campaign["arms"] if arm["contacted"])


def contacts(client, campaign, query=""):
    answer = client.get(f"/v1/campaigns/{campaign['campaign_id']}/contacts?{query}")
    assert answer.status_code == 200, answer.text
    return answer


def test_those_drawn_are_in_the_file_or_left_out(shop, tmp_path):
    client, stores, campaign, table, _ = shop
    drawn = {
        member.customer_id
        for member in stores.campaigns.members(campaign["campaign_id"], arm="treated")
    }
    answers = table.loc[sorted(drawn), "may"]
    page = contacts(client, campaign, "limit=2").json()
    assert page["total"] == (answers == "yes").sum()
    assert page["left_out"] == {
        "refused": (answers == "no").sum(),
        "without_consent": (answers == "").sum(),
        "erased": 0,
    }
    assert page["total"] + sum(page["left_out"].values()) == len(drawn) == size_of(campaign)
    rest = contacts(client, campaign, f"limit=10000&offset={page['next_offset']}").json()
    rows = page["contacts"] + rest["contacts"]
    assert {row["customer_id"] for row in rows} == set(answers.index[answers == "yes"])
    assert len({row["code"] for row in rows}) == len(rows) == page["total"]
    assert rest["next_offset"] is None
    for row in rows:
        own = table.loc[row["customer_id"]]
        assert (row["name"], row["language"], row["arm"]) == (own["name"], "de", "treated")
        assert row["email"] == (own["reach"] if "@" in own["reach"] else None)
        assert row["phone"] == (own["tel"] or None)
    nowhere = [row for row in rows if row["email"] is None and row["phone"] is None]
    assert page["without_address"] == len(nowhere)
    answer = contacts(client, campaign, "format=xlsx&lang=zh")
    (tmp_path / "contacts.xlsx").write_bytes(answer.content)
    sheet, notes = sheets_of(tmp_path / "contacts.xlsx")
    assert [row[0] for row in sheet[1:]] == [row["customer_id"] for row in rows]
    assert sheet[0][:3] == ["客户", "名称", "电子邮件"]
    assert {row[5] for row in sheet[1:]} == {"联系组"}
    assert ["抽中触达的客户数", len(drawn)] in notes
    assert answer.headers["Regulars-Left-Out"].startswith(f"refused={page['left_out']['refused']},")
    text = contacts(client, campaign, "format=csv").content.decode("utf-8-sig")
    lines = list(csv.DictReader(io.StringIO(text)))
    assert [line["code"] for line in lines] == [row["code"] for row in rows]
    assert all(line["name"].startswith("'=") for line in lines)


def test_offers_and_reasons_are_those_of_the_scores(shop):
    client, _, campaign, _, _ = shop
    for row in contacts(client, campaign, "limit=5").json()["contacts"]:
        customer = client.get(f"/v1/customers/{row['customer_id']}").json()
        offered = client.get(f"/v1/customers/{row['customer_id']}/recommendations?limit=3").json()
        names = [one["product_name"] or one["product_id"] for one in offered["recommendations"]]
        assert [row[f"offer_{n}"] for n in (1, 2, 3)] == (names + [None] * 3)[:3]
        texts = [reason["text"]["en"] for reason in customer["reasons"]]
        assert row["reason"] in {*texts, None}


@pytest.mark.parametrize("platform", ["meta", "google"])
def test_audiences_are_hashes_of_those_in_the_contact_file(shop, platform):
    client, stores, campaign, _, _ = shop
    rows = contacts(client, campaign, "limit=10000").json()["contacts"]
    answer = contacts(client, campaign, f"format={platform}")
    header, *lines = csv.reader(io.StringIO(answer.text))
    assert header == {"meta": ["email", "phone"], "google": ["Email", "Phone"]}[platform]
    write = {"meta": meta_mail, "google": google_mail}[platform]
    sign = {"meta": "", "google": "+"}[platform]
    expected = sorted(
        [
            sha256(write(row["email"]).encode()).hexdigest() if row["email"] else "",
            sha256(f"{sign}442079460000".encode()).hexdigest() if row["phone"] else "",
        ]
        for row in rows
        if row["email"] or row["phone"]
    )
    assert sorted(lines) == expected
    assert stores.audit.entries(1)[0].count == len(expected)
    whole = client.get(f"/v1/churn-list?format={platform}")
    assert len(whole.text.splitlines()) - 1 >= len(expected)
    assert whole.headers["Regulars-Left-Out"] == "refused=30, without-consent=30, erased=0"


def test_erased_members_are_counted_and_without_addresses_an_audience_is_refused(shop, tmp_path):
    _, stores, campaign, *_ = shop
    stores = copied(stores.scores)
    nobody = AddressBook(keeps_consent=False, calling_code=None, read=lambda _: {})
    client = client_of(stores, address_book=nobody)
    first = contacts(client, campaign, "limit=1").json()["contacts"][0]["customer_id"]
    erase([first], stores.erasures, CustomerFiles(key=tmp_path / "key", derived=()), NOW)
    page = contacts(client, campaign).json()
    assert page["left_out"] == {"refused": 0, "without_consent": 0, "erased": 1}
    assert page["total"] == page["without_address"] == size_of(campaign) - 1
    assert first not in {row["customer_id"] for row in page["contacts"]}
    campaign_id = campaign["campaign_id"]
    for path in (
        f"/v1/campaigns/{campaign_id}/contacts?format=meta",
        "/v1/churn-list?format=google",
    ):
        refused = client.get(path)
        assert refused.status_code == 422
        assert "No mail address and no phone number is known" in refused.json()["detail"]
    held_out = client.get(f"/v1/campaigns/{campaign_id}/contacts?arm=hold_out")
    assert held_out.status_code == 422


def test_the_server_reads_addresses_in_a_process_beside_it(shop):
    *_, table, settings = shop
    book = AddressBook.of(settings, beside=settings.root / "regulars.toml")
    ids = list(table.index[:4])
    assert book.read(ids) == AddressBook.of(settings).read(ids)


def test_the_command_writes_the_same(shop, tmp_path):
    client, _, campaign, _, settings = shop
    config = ["--config", str(settings.root / "regulars.toml"), "--json"]
    output = tmp_path / "contacts.csv"
    command = ["campaigns", "contacts", campaign["campaign_id"], "--output", str(output), *config]
    done = CliRunner().invoke(main, command)
    assert done.exit_code == 0, done.output
    assert output.read_bytes() == contacts(client, campaign, "format=csv").content
    page = contacts(client, campaign).json()
    answer = json.loads(done.stdout)
    assert (answer["customers"], answer["left_out"]) == (page["total"], page["left_out"])
    hashed = CliRunner().invoke(main, [*command, "--for", "meta"])
    assert hashed.exit_code == 0
    assert output.read_bytes() == contacts(client, campaign, "format=meta").content


@pytest.mark.parametrize(
    ("written", "code", "digits"),
    [
        ("+49 (0)30 901820", None, "4930901820"),
        ("0049 30 901820", "44", "4930901820"),
        ("(415) 555-2671", "1", "14155552671"),
        ("1-415-555-2671", "1", "14155552671"),
        ("06 698 12345", "39", "390669812345"),
        ("12345", "44", None),
        ("020 7946 0000", None, None),
    ],
)
def test_numbers_are_written_internationally(written, code, digits):
    assert international(written, code) == digits


def test_an_address_of_somebody_who_refused_is_in_no_file(shop, tmp_path):
    *_, table, _ = shop
    ids = list(table.index[:6])  # may: yes, no, "", yes, no, ""
    own = table.reset_index().head(6).assign(tel="+44 20 7946 0000")
    own.loc[:1, "reach"] = ["Shared@Example.org", "shared@example.org "]
    own.to_csv(tmp_path / "customers.csv", index=False)
    book = AddressBook.of(shop_settings(tmp_path, data={"customers": CUSTOMERS}))
    of_one = book.read(ids[:1])[ids[0]]
    assert (of_one.consent, of_one.email, of_one.phone) == (True, None, "+44 20 7946 0000")
    assert book.read(ids)[ids[3]].email == "Ann.3@Gmail.com"


@pytest.mark.parametrize(
    ("cell", "written"),
    [
        ("+44 20 7946 0000", "+44 20 7946 0000"),
        ("+1-415-555-2671", "+1-415-555-2671"),
        ("+49 (30) 901820", "+49 (30) 901820"),
        ("+1 Smith", "'+1 Smith"),
        ("+A1+1234567", "'+A1+1234567"),
        ("-1234567", "'-1234567"),
        ("=1+1", "'=1+1"),
    ],
)
def test_a_phone_number_stays_as_programs_take_it_and_no_text_is_a_formula(cell, written):
    assert next(csv.reader([csv_bytes([[cell]]).decode()])) == [written]
