"""`regulars init` and `regulars check` as a person types them."""

import json
from pathlib import Path
from typing import Any

import click
import pandas as pd
import pytest
from click.testing import CliRunner, Result

from serving.commands.shop.init import init
from serving.commands.shop.orders import check
from tests.support.shop import COLUMNS, busy_orders, simulate_orders

QUARANTINE = "data/quarantine.parquet"


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(command: click.Command, *arguments: str) -> Result:
    return CliRunner().invoke(command, list(arguments))


def configure(folder: Path, *, more: str = "", **columns: str) -> None:
    mapped = "\n".join(f'{field} = "{name}"' for field, name in {**COLUMNS, **columns}.items())
    text = f'[data]\ntransactions = "orders.parquet"\n{more}\n[data.columns]\n{mapped}\n'
    (folder / "regulars.toml").write_text(text, encoding="utf-8")


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def said(result: Result, code: int) -> list[str]:
    """The lines of a failed command: nothing but clear sentences on standard error."""
    assert result.exit_code == code
    assert isinstance(result.exception, SystemExit)
    assert result.stdout == ""
    lines = result.stderr.splitlines()
    assert lines
    for line in lines:
        assert line.startswith("regulars: ")
        assert "Error" not in line
        assert "Traceback" not in line
    return lines


# check


def test_check_says_what_was_read_used_and_put_aside(folder):
    lines = busy_orders()
    lines.loc[[3, 5], "amount"] = None
    lines.to_parquet(folder / "orders.parquet")
    configure(folder)
    result = run(check)
    assert result.exit_code == 0, result.output
    assert result.stderr == ""
    assert f"{len(lines):,} rows read" in result.stdout
    assert f"{len(lines) - 2:,} used:" in result.stdout
    assert f"2 put aside in {QUARANTINE}" in result.stdout
    assert "bad_amount" in result.stdout
    assert "No customer id" in result.stdout
    assert len(pd.read_parquet(folder / QUARANTINE)) == 2


def test_check_of_clean_orders(folder):
    simulate_orders(customers=5).to_parquet(folder / "orders.parquet")
    configure(folder)
    assert "none put aside" in run(check).stdout


def test_check_for_machines_is_one_json_document(folder):
    busy_orders().to_parquet(folder / "orders.parquet")
    configure(folder)
    result = run(check, "--json")
    answer: dict[str, Any] = json.loads(result.stdout)
    assert answer["rows_read"] == len(busy_orders())
    assert answer["quarantine"] == QUARANTINE
    assert (folder / QUARANTINE).is_file()


def test_check_writes_a_page_that_needs_nothing_else(folder):
    lines = busy_orders()
    lines.loc[lines.index[-1], "product"] = "<script>alert(1)</script>"
    lines.loc[lines.index[-1], "name"] = "<b>Test</b> product"
    lines.to_parquet(folder / "orders.parquet")
    configure(folder)
    result = run(check, "--html", "deep/report.html")
    assert "Wrote deep/report.html." in result.stdout
    page = (folder / "deep/report.html").read_text()
    assert f"{len(lines):,}" in page
    assert "missing_id" in page
    for forbidden in ("<script", "<b>Test", "http", "src=", "url("):
        assert forbidden not in page


def test_a_page_that_cannot_be_written(folder):
    simulate_orders(customers=5).to_parquet(folder / "orders.parquet")
    configure(folder)
    (folder / "taken").write_text("mine")
    (line,) = said(run(check, "--html", "taken/report.html"), 2)
    assert "Choose another --html." in line


def test_every_problem_of_every_file_at_once(folder):
    simulate_orders(customers=5).to_parquet(folder / "orders.parquet")
    configure(folder, amount="Amount")
    (folder / "cards.csv").write_text("card,who,since\nx,y,z\n")
    more = (
        '[data.products]\npath = "nowhere.csv"\nproduct_id = "sku"\n'
        '[data.identities]\npath = "cards.csv"\ncard_id = "number"\ncustomer_id = "person"\n'
    )
    with (folder / "regulars.toml").open("a") as stream:
        stream.write(more)
    lines = said(run(check), 1)
    for line, wanted in zip(
        lines,
        (
            "Set data.columns.amount in",
            "nowhere.csv: no such file. Set data.products.path in",
            "no column 'number' (have: card, who, since). Set data.identities.card_id in",
            "no column 'person' (have: card, who, since). Set data.identities.customer_id in",
        ),
        strict=True,
    ):
        assert wanted in line


def test_the_configuration_may_lie_elsewhere(folder):
    (folder / "shop").mkdir()
    simulate_orders(customers=5).to_parquet(folder / "shop/orders.parquet")
    configure(folder / "shop")
    assert run(check, "--config", "shop/regulars.toml").exit_code == 0
    assert (folder / "shop" / QUARANTINE).is_file()


def test_no_configuration(folder):
    (line,) = said(run(check), 2)
    assert line == (
        "regulars: regulars.toml: no such file. `regulars init FILE` writes one by looking at "
        "your orders."
    )
    assert contents(folder) == {}


def test_unknown_settings_one_line_each(folder):
    configure(folder, more='colour = "red"\ntimezone = "Mars"')
    lines = said(run(check), 2)
    assert len(lines) == 2
    assert any("unknown setting 'data.colour'" in line for line in lines)
    assert any("'Mars' is not an IANA time zone" in line for line in lines)


def test_missing_columns_one_line_each(folder):
    simulate_orders(customers=5).to_parquet(folder / "orders.parquet")
    configure(folder, amount="Amount", order_id="Order")
    lines = said(run(check), 1)
    assert len(lines) == 2
    assert "no column 'Order' (have: customer, order, time" in lines[0]
    assert lines[1].endswith("Set data.columns.amount in regulars.toml.")


@pytest.mark.parametrize(
    ("name", "content", "fault"),
    [
        ("orders.csv", b"", "the file is empty"),
        ("orders.xlsx", b"PK\3\4", "cannot be read as a workbook"),
        ("orders.parquet", b"PAR1 or not", "cannot be read as Parquet"),
        ("orders.csv", b"a,b,c\n1,2,3\n1,2\n", "no column 'customer'"),
        ("orders.csv", b"\xff\xfe\x00a", "no column 'customer'"),
    ],
)
def test_files_that_cannot_be_used(folder, name, content, fault):
    (folder / name).write_bytes(content)
    configure(folder)
    text = (folder / "regulars.toml").read_text().replace("orders.parquet", name)
    (folder / "regulars.toml").write_text(text)
    lines = said(run(check), 1)
    assert fault in lines[0]
    assert sorted(contents(folder)) == sorted([name, "regulars.toml"])


def test_unreadable_dates_are_put_aside_and_counted(folder):
    lines = simulate_orders(customers=5)
    lines["time"] = lines["time"].dt.strftime("%d.%m.%Y %H:%M")
    lines.to_parquet(folder / "orders.parquet")
    configure(folder)
    result = run(check)
    assert result.exit_code == 3
    assert "bad_date" in result.stdout
    assert "data.date_format" in result.stdout
    assert "  0 used" in result.stdout
    nothing, unreadable, hint = result.stderr.splitlines()
    assert "an order of a known customer; most often: an order date that cannot be read" in nothing
    assert "100% of the rows cannot be read" in unreadable
    assert "--accept CODE=REASON" in hint

    configure(folder, more='date_format = "%d.%m.%Y %H:%M"')
    assert "none put aside" in run(check).stdout


def test_a_failing_check_leaves_the_quarantine_of_a_good_one(folder):
    lines = busy_orders()
    lines.loc[0, "amount"] = None
    lines.to_parquet(folder / "orders.parquet")
    configure(folder)
    assert run(check).exit_code == 0
    before = (folder / QUARANTINE).read_bytes()

    (folder / "orders.parquet").write_bytes(b"PAR1 half a file")
    said(run(check), 1)
    configure(folder, amount="nowhere")
    lines.to_parquet(folder / "orders.parquet")
    said(run(check), 1)
    assert contents(folder)[QUARANTINE] == before
    assert len(contents(folder)) == 3


def test_a_quarantine_that_cannot_be_written(folder):
    simulate_orders(customers=5).to_parquet(folder / "orders.parquet")
    configure(folder)
    (folder / "data").write_text("mine")
    (line,) = said(run(check), 2)
    assert "Set store.quarantine" in line
    assert (folder / "data").read_text() == "mine"


# init


def test_init_writes_a_configuration_that_check_accepts(folder):
    simulate_orders(customers=60).to_csv(folder / "orders.csv", index=False)
    result = run(init, "orders.csv")
    assert result.exit_code == 0, result.output
    assert "Wrote regulars.toml.\nNext: regulars check\n" in result.stdout
    checked = json.loads(run(check, "--json").stdout)
    assert checked["rows_used"] == checked["rows_read"] == len(simulate_orders(customers=60))


def test_init_for_machines_is_one_json_document(folder):
    simulate_orders(customers=60).to_parquet(folder / "orders.parquet")
    answer = json.loads(run(init, "orders.parquet", "--json", "--output", "deep/my.toml").stdout)
    assert answer["config"] == "deep/my.toml"
    assert answer["settings"]["data"]["columns"]["customer_id"] == "customer"
    assert (folder / "deep/my.toml").is_file()


def test_init_never_overwrites(folder):
    simulate_orders(customers=60).to_parquet(folder / "orders.parquet")
    (folder / "regulars.toml").write_text("mine")
    (line,) = said(run(init, "orders.parquet"), 2)
    assert "regulars.toml: exists already. Remove it or choose another --output." in line
    assert (folder / "regulars.toml").read_text() == "mine"


def test_init_where_nothing_can_be_written(folder):
    simulate_orders(customers=60).to_parquet(folder / "orders.parquet")
    (folder / "taken").write_text("mine")
    (line,) = said(run(init, "orders.parquet", "--output", "taken/regulars.toml"), 2)
    assert "cannot be written" in line
    assert (folder / "taken").read_text() == "mine"


def test_init_leaves_a_line_open_where_a_column_cannot_be_told(folder):
    (folder / "no_money.csv").write_text("who,when\nann,2024-01-01\nbob,2024-01-02\n")
    result = run(init, "no_money.csv", "--customer", "who", "--date", "when")
    assert result.exit_code == 0
    assert "lines left open: fill in data.columns.amount" in result.stdout
    assert '# amount = ""' in (folder / "regulars.toml").read_text(encoding="utf-8")
    (line,) = said(run(check), 2)
    assert "amount" in line


def test_init_shows_the_first_orders_as_they_are_read(folder):
    simulate_orders(customers=60).to_csv(folder / "orders.csv", index=False)
    result = run(init, "orders.csv")
    assert "The first orders as they are understood" in result.stdout
    (folder / "regulars.toml").unlink()
    answer = json.loads(run(init, "orders.csv", "--json").stdout)
    assert [order["read_as"] for order in answer["first_orders"]] == ["purchase"] * 3
    assert answer["open"] == []


@pytest.mark.parametrize("name", ["missing.csv", "empty.csv", "book.xlsx", "ragged.csv"])
def test_init_of_a_file_that_cannot_be_used(folder, name):
    (folder / "empty.csv").touch()
    (folder / "book.xlsx").write_bytes(b"PK\3\4")
    orders = simulate_orders(customers=60).to_csv(index=False).splitlines()
    (folder / "ragged.csv").write_text("\n".join([*orders[:300], "c1,o1", *orders[300:]]))
    before = contents(folder)
    (line,) = said(run(init, name), 1)
    assert name in line
    assert contents(folder) == before


@pytest.mark.parametrize("command", [init, check], ids=["init", "check"])
def test_wrong_use_ends_with_two(folder, command):
    result = run(command, "--colour", "red")
    assert result.exit_code == 2
    assert "No such option" in result.stderr
    assert contents(folder) == {}
