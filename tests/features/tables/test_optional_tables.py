"""The optional tables: what is read, what is put aside and why, what lands in the engine."""

import json
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner

from features.doctor.report_html import page
from features.engines.build import build_features
from features.errors import ConfigError, DataError
from features.orders.customer_details import customer_details
from features.orders.log import check_orders, read_orders
from features.settings.loading import settings_from
from features.settings.tables import Contacts, Customers, Interactions
from features.sources import FrameSource
from serving.commands.shop.orders import check
from serving.settings import Settings
from tests.support.optional_tables import (
    NO_ITEMS,
    TABLES,
    busy_tables,
    settings_with,
    write_tables,
)
from tests.support.shop import FIRST_DAY, busy_orders, order_lines, shop_settings, write_config

ORDERS = order_lines([("ann", 0, 10.0), ("bob", 5, 20.0), ("ann", 40, 30.0), ("eve", 90, 5.0)])


def events(*rows):
    """Interactions from (who, day or text, what, score, brought)."""
    return pd.DataFrame(
        [
            {
                "who": who,
                "when": FIRST_DAY + pd.Timedelta(days=when, hours=9) if when is not None else None,
                "what": what,
                "score": score,
                "brought": brought,
            }
            for who, when, what, score, brought in rows
        ]
    )


def report_of(root, section, table, **more):
    write_tables({section: table}, root)
    with read_orders(settings_with(root, section, **more), FrameSource(ORDERS)) as log:
        (found,) = log.report.tables
        return found


def aside(report):
    return {reason.reason: (reason.rows, reason.example) for reason in report.put_aside}


def landed(root, section, table, query, **more):
    write_tables({section: table}, root)
    with read_orders(settings_with(root, section, **more), FrameSource(ORDERS)) as log:
        return log.frame(query)


# accounting


def test_every_interaction_is_used_or_put_aside_with_a_reason(tmp_path):
    found = report_of(
        tmp_path,
        "interactions",
        events(
            ("ann", 3, "visit", None, None),
            ("ann", 3, "visit", None, None),
            (None, 3, "visit", None, None),
            ("ann", None, "visit", None, None),
            ("ann", -30_000, "visit", None, None),
            ("ann", 3, "sneeze", None, None),
            ("ann", 3, None, None, None),
            ("bob", 3, "satisfaction", 10.0, None),
            ("bob", 3, "satisfaction", 10.5, None),
            ("bob", 3, "satisfaction", -1.0, None),
            ("bob", 3, "satisfaction", None, None),
            ("ann", 3, "referral", None, None),
            ("ann", 3, "referral", None, "ann"),
            ("ann", 3, "referral", None, "bob"),
            ("stranger", 3, "referral", None, "bob"),
            ("stranger", 3, "referral", None, "nobody"),
            ("stranger", 3, "visit", None, None),
            ("ann", 3, "mail", None, None),
        ),
    )
    assert (found.rows_read, found.rows_used, found.rows_put_aside) == (18, 7, 11)
    assert aside(found) == {
        "missing_customer": (1, "events.parquet, row 3"),
        "missing_date": (1, "events.parquet, row 4"),
        "impossible_date": (1, "events.parquet, row 5"),
        "unknown_kind": (2, "events.parquet, row 6"),
        "bad_score": (3, "events.parquet, row 9"),
        "referral_of_nobody": (2, "events.parquet, row 12"),
        "unknown_customer": (1, "events.parquet, row 16"),
    }
    (note,) = found.notes
    assert note.startswith("data.interactions: 1 rows are of people who have bought nothing")
    kept = pd.read_parquet(tmp_path / "data" / "quarantine-interactions.parquet")
    assert kept["reason"].value_counts().to_dict() == {
        n: rows for n, (rows, _) in aside(found).items()
    }
    assert {"who", "when", "what", "source_row"} <= set(kept.columns)


def test_every_contact_is_used_or_put_aside_with_a_reason(tmp_path):
    (tmp_path / "sent.csv").write_text(
        "who,when,campaign,cost,arm\n"
        "ann,2024-01-05,spring,0.50,mail\n"
        "ann,2024-01-06,spring,,mail\n"
        "ann,yesterday,spring,0.50,mail\n"
        "bob,2024-01-05,spring,-1,mail\n"
        "bob,2024-01-05,spring,dear,mail\n"
        "bob,2024-01-05,spring,0.50,Control\n"
        "nobody,2024-01-05,spring,0.50,mail\n"
    )
    settings = settings_with(tmp_path, "contacts", contacts={"path": "sent.csv"})
    with read_orders(settings, FrameSource(ORDERS)) as log:
        (found,) = log.report.tables
        rows = log.frame("SELECT day, cost, arm, is_control FROM contacts ORDER BY day, arm")
    assert (found.rows_read, found.rows_used) == (7, 3)
    assert {reason: rows for reason, (rows, _) in aside(found).items()} == {
        "bad_date": 1,
        "bad_cost": 2,
        "unknown_customer": 1,
    }
    assert rows["cost"].fillna(-1).to_list() == [50, 50, -1]
    assert rows["is_control"].to_list() == [True, False, False]


def test_customers_of_whom_rows_say_different_things_are_put_aside(tmp_path):
    people = pd.DataFrame(
        {
            "id": ["ann", "ann", "bob", "bob", None, "stranger", "eve"],
            "may": ["yes", "yes", "yes", "no", "yes", "yes", "perhaps"],
            "mail": "x@example.org",
            "Age": ["31", "31", "40", "40", "1", "2", "old"],
            "Region": ["Nord", "Nord", "Nord", "Nord", "Nord", "Nord", "Ost"],
        }
    )
    found = report_of(tmp_path, "customers", people)
    assert (found.rows_read, found.rows_used) == (7, 2)
    assert {reason: rows for reason, (rows, _) in aside(found).items()} == {
        "missing_customer": 1,
        "contradiction": 2,
        "duplicate": 1,
        "unknown_customer": 1,
    }
    assert found.notes == (
        "data.customers.consent: 1 values are neither yes nor no and say nothing.",
        "data.customers.attributes.age: 1 values are no numbers and say nothing.",
        "data.customers.levels.region: 1 values are none of the levels.",
    )


def test_overlapping_files_count_once_and_two_visits_of_a_day_twice(tmp_path):
    first = events(*[("ann", 3, "visit", None, None)] * 2, ("bob", 4, "visit", None, None))
    second = events(("ann", 3, "visit", None, None), ("eve", 5, "visit", None, None))
    first.to_parquet(tmp_path / "events-1.parquet")
    second.to_parquet(tmp_path / "events-2.parquet")
    settings = settings_with(
        tmp_path, "interactions", interactions={**NO_ITEMS, "path": "events-*.parquet"}
    )
    with read_orders(settings, FrameSource(ORDERS)) as log:
        (found,) = log.report.tables
    assert (found.rows_read, found.rows_used) == (5, 4)
    assert aside(found) == {"duplicate": (1, "events-2.parquet, row 1")}


def test_a_busy_shop_loses_strangers_only(tmp_path):
    orders = busy_orders()
    write_tables(busy_tables(orders), tmp_path)
    with read_orders(settings_with(tmp_path, *TABLES), FrameSource(orders)) as log:
        assert [table.table for table in log.report.tables] == list(TABLES)
        for table in log.report.tables:
            assert {reason.reason for reason in table.put_aside} <= {"unknown_customer"}
            assert table.rows_used + table.rows_put_aside == table.rows_read > 0


# what lands in the engine


def test_words_of_the_file_are_kinds_whatever_their_case(tmp_path):
    table = events(
        ("ann", 1, "STORE VISIT", None, None),
        ("ann", 2, " Complaint ", None, None),
        ("ann", 3, "mail", None, None),
    )
    rows = landed(
        tmp_path, "interactions", table, "SELECT day, kind FROM interactions ORDER BY day"
    )
    assert rows["kind"].to_list() == ["visit", "complaint", "other"]


def test_referrals_of_strangers_count_and_spend_begins_with_the_referral(tmp_path):
    table = events(
        ("ann", 5, "referral", None, "bob"),
        ("ann", 50, "referral", None, "eve"),
        ("bob", 60, "referral", None, "eve"),
        ("bob", 6, "referral", None, "a stranger"),
        ("another stranger", 7, "referral", None, "ann"),
    )
    write_tables({"interactions": table}, tmp_path)
    with read_orders(settings_with(tmp_path, "interactions"), FrameSource(ORDERS)) as log:
        found = build_features(log, log.end)
    assert found["referrals"].to_dict() == {"ann": 2, "bob": 1, "eve": 0}
    assert found["referral_spend"].to_dict() == {"ann": 20.0 + 5.0, "bob": 0.0, "eve": 0.0}
    assert found["referred"].to_dict() == {"ann": 1, "bob": 1, "eve": 1}


def test_who_was_held_out_was_not_contacted(tmp_path):
    table = pd.DataFrame(
        {
            "who": ["ann", "bob", "eve"],
            "when": FIRST_DAY + pd.Timedelta(days=85),
            "campaign": "spring",
            "cost": 2.0,
            "arm": ["mail", "CONTROL", "left out"],
        }
    )
    more = {"contacts": {"control_arms": ["control", "left out"]}}
    write_tables({"contacts": table}, tmp_path)
    with read_orders(settings_with(tmp_path, "contacts", **more), FrameSource(ORDERS)) as log:
        found = build_features(log, log.end)
    assert found["contacts_30d"].to_dict() == {"ann": 1, "bob": 0, "eve": 0}
    assert found["contact_cost_365d"].to_dict() == {"ann": 2.0, "bob": 0.0, "eve": 0.0}
    assert found["days_since_last_contact"].isna().to_dict() == {
        "ann": False,
        "bob": True,
        "eve": True,
    }


def test_times_are_days_of_the_shop(tmp_path):
    (tmp_path / "events.csv").write_text(
        "who,when,what,score,brought\nann,2024-01-05T03:00:00Z,visit,,\nann,2024-01-05 03:00,visit,,\n"
    )
    settings = shop_settings(
        tmp_path,
        data={
            "timezone": "America/New_York",
            "interactions": {**TABLES["interactions"], **NO_ITEMS, "path": "events.csv"},
        },
    )
    with read_orders(settings, FrameSource(ORDERS)) as log:
        rows = log.frame("SELECT day - 19723 AS day, minute FROM interactions ORDER BY day")
    assert rows.to_numpy().tolist() == [[3, 22 * 60], [4, 3 * 60]]


def test_a_table_may_write_its_dates_in_its_own_way(tmp_path):
    (tmp_path / "sent.csv").write_text("who,when,campaign,cost,arm\nann,05.02.2024,a,1,b\n")
    more = {"path": "sent.csv", "date_format": "%d.%m.%Y"}
    settings = settings_with(tmp_path, "contacts", contacts=more)
    with read_orders(settings, FrameSource(ORDERS)) as log:
        assert log.frame("SELECT day - 19723 AS day FROM contacts")["day"].to_list() == [35]


def test_cards_are_the_customers_whose_they_are(tmp_path):
    pd.DataFrame({"card": ["card 1"], "person": ["ann"]}).to_csv(
        tmp_path / "cards.csv", index=False
    )
    table = events(("card 1", 3, "visit", None, None), ("bob", 4, "referral", None, "card 1"))
    write_tables({"interactions": table}, tmp_path)
    identities = {"path": "cards.csv", "card_id": "card", "customer_id": "person"}
    settings = shop_settings(
        tmp_path, data={"interactions": TABLES["interactions"], "identities": identities}
    )
    with read_orders(settings, FrameSource(ORDERS)) as log:
        found = build_features(log, log.end).loc["ann"]
    assert found["days_since_last_visit"] == 91 - 3
    assert found["referred"] == 1


def test_ids_that_passed_through_a_float_column_are_the_same_ids(tmp_path):
    orders = order_lines([("17", 0, 10.0), ("18", 5, 20.0)])
    table = events((17.0, 3, "visit", None, None), (None, 3, "visit", None, None))
    write_tables({"interactions": table}, tmp_path)
    with read_orders(settings_with(tmp_path, "interactions"), FrameSource(orders)) as log:
        assert log.report.tables[0].rows_used == 1


def test_who_customers_are_is_told_apart_from_the_features(tmp_path):
    people = pd.DataFrame(
        {
            "id": ["eve", "ann", "bob", "stranger"],
            "may": [True, False, None, True],
            "called": ["Eve Dallas", "Ann", None, "x"],
            "mail": ["eve@example.org", "ann@example.org", None, "x"],
            "Age": [1, 2.5, None, 4],
            "Region": ["Nord", "Süd", "Ost", "Nord"],
        }
    )
    write_tables({"customers": people}, tmp_path)
    settings = settings_with(tmp_path, "customers", customers={"name": "called"})
    with read_orders(settings, FrameSource(ORDERS)) as log:
        details = customer_details(log)
        columns = build_features(log, log.end).columns
    assert list(details.columns) == ["consent", "name", "contact", "age", "region"]
    assert details["consent"].isna().to_dict() == {"ann": False, "bob": True, "eve": False}
    assert details["consent"].dropna().to_dict() == {"ann": False, "eve": True}
    assert details["name"].dropna().to_dict() == {"ann": "Ann", "eve": "Eve Dallas"}
    assert details["contact"].to_dict()["ann"] == "ann@example.org"
    assert details["age"].dropna().to_dict() == {"ann": 2.5, "eve": 1.0}
    assert details["region"].dropna().to_dict() == {"ann": "south", "eve": "north"}
    assert not {"consent", "name", "contact"} & set(columns)


def test_without_a_table_nothing_is_known_of_customers(tmp_path):
    with read_orders(shop_settings(tmp_path), FrameSource(ORDERS)) as log:
        details = customer_details(log)
    assert details.empty
    assert details.dtypes.astype(str).to_dict() == {
        "consent": "boolean",
        "name": "str",
        "contact": "str",
    }


def test_the_page_of_the_doctor_tells_of_the_tables(tmp_path):
    table = events(("<ann>", 3, "quote", None, None), ("ann", 3, "?", None, None))
    write_tables({"interactions": table}, tmp_path)
    with check_orders(settings_with(tmp_path, "interactions"), FrameSource(ORDERS)) as report:
        shown = page(report, Path("quarantine.parquet"))
    assert "Table interactions" in shown
    assert "2 rows read" in shown
    assert "1 put aside" in shown
    assert "<code>unknown_kind</code>" in shown
    assert "1 rows are of people who have bought nothing" in shown


def test_the_fingerprint_tells_tables_apart_and_row_order_not(tmp_path):
    table = events(("ann", 3, "visit", None, None), ("bob", 4, "quote", None, None))

    def fingerprint(some):
        write_tables({"interactions": some}, tmp_path)
        with read_orders(settings_with(tmp_path, "interactions"), FrameSource(ORDERS)) as log:
            return log.fingerprint

    with read_orders(shop_settings(tmp_path), FrameSource(ORDERS)) as log:
        without = log.fingerprint
    assert fingerprint(table) == fingerprint(table.iloc[::-1])
    assert fingerprint(table).startswith(f"{without}-")
    assert fingerprint(table) != fingerprint(table.iloc[:1])


# what cannot be used


def test_all_missing_columns_of_a_table_are_named_with_their_settings(tmp_path):
    table = pd.DataFrame({"id": ["ann"], "may": [True], "mail": [""], "Region": ["Nord"]})
    with pytest.raises(DataError) as problem:
        report_of(tmp_path, "customers", table, customers={"consent": "consent"})
    have = "(have: id, may, mail, Region)"
    assert [line.partition(": ")[2] for line in problem.value.problems] == [
        f"no column 'consent' {have}. Set data.customers.consent in regulars.toml.",
        f"no column 'Age' {have}. Set data.customers.attributes.age in regulars.toml.",
    ]


def test_a_table_that_is_not_there_is_named_with_its_setting(tmp_path):
    settings = settings_with(tmp_path, "contacts")
    with (
        pytest.raises(DataError, match=r"no such file. Set data.contacts.path in regulars.toml"),
        read_orders(settings, FrameSource(ORDERS)),
    ):
        pass


@pytest.mark.parametrize(
    ("section", "change", "said"),
    [
        ("interactions", {"kinds": {"x": "sneeze"}}, "data.interactions.kinds.x"),
        ("interactions", {"visited": "x"}, "unknown setting 'data.interactions.visited'"),
        ("customers", {"levels": {"sex": {"f": "f"}}}, "sex: no such attribute"),
        ("customers", {"levels": {"region": {}}}, "data.customers.levels.region"),
        ("customers", {"attributes": {"Age!": "Age"}}, "data.customers.attributes"),
        (
            "customers",
            {
                "attributes": {"a": "A", "a_b": "B"},
                "levels": {"a": {"b_c": "1"}, "a_b": {"c": "2"}},
            },
            "two levels would give features of one name",
        ),
    ],
)
def test_a_configuration_that_cannot_be_used_is_refused(tmp_path, section, change, said):
    values = shop_settings(tmp_path).model_dump(exclude={"root"})
    values["data"][section] = {**TABLES[section], **change}
    with pytest.raises(ConfigError, match=said):
        settings_from(values, Settings, root=tmp_path)


@pytest.mark.parametrize("section", [Interactions, Contacts, Customers])
def test_every_setting_is_documented(section):
    page = (Path(__file__).parents[3] / "docs" / "settings.md").read_text(encoding="utf-8")
    assert not {name for name in section.model_fields if f"`{name}`" not in page}


def test_check_counts_the_tables_too(tmp_path):
    ORDERS.to_parquet(tmp_path / "orders.parquet")
    table = events(("ann", 3, "visit", None, None), ("ann", 3, "sneeze", None, None))
    write_tables({"interactions": table}, tmp_path)
    config = write_config(settings_with(tmp_path, "interactions"))
    said = CliRunner().invoke(check, ["--config", str(config)])
    assert "events.parquet: 2 rows read, 1 used" in said.stdout
    assert "1 put aside: unknown_kind" in said.stdout
    document = CliRunner().invoke(check, ["--config", str(config), "--json"])
    (found,) = json.loads(document.stdout)["tables"]
    assert (found["table"], found["rows_used"]) == ("interactions", 1)
