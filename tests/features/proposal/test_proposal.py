"""`regulars init`: small files that imitate the quirks of real exports."""

import gzip
import tomllib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.errors import ConfigError
from features.orders.log import check_orders
from features.proposal import Proposal, propose
from features.settings.feature_settings import FeatureSettings
from features.settings.loading import settings_from
from serving.settings import Settings

START = pd.Timestamp("2022-01-03")


def shop(
    *, customers: int = 120, products: int = 60, days: int = 500, seed: int = 7
) -> pd.DataFrame:
    """Order lines of customers who come back, with prices that belong to products."""
    rng = np.random.default_rng(seed)
    price = rng.integers(100, 3_000, products) / 100
    lines = []
    for order in range(customers * 6):
        customer = int(rng.integers(customers))
        when = START + pd.Timedelta(
            minutes=int(rng.integers(days)) * 1_440 + int(rng.integers(9 * 60, 19 * 60))
        )
        for item in rng.choice(products, int(rng.integers(1, 5)), replace=False):
            quantity = int(rng.choice([1, 1, 1, 2, 3, 6]))
            lines.append(
                (
                    12_000 + customer,
                    536_000 + order,
                    20_000 + int(item),
                    when,
                    quantity,
                    price[item],
                )
            )
    frame = pd.DataFrame(
        lines, columns=["customer", "order", "product", "when", "quantity", "price"]
    ).sort_values("when", ignore_index=True)
    frame["total"] = (frame["quantity"] * frame["price"]).round(2)
    return frame


def proposed(frame: pd.DataFrame, folder: Path, name: str = "orders.parquet") -> Proposal:
    if name.endswith(".parquet"):
        frame.to_parquet(folder / name)
    else:
        frame.to_csv(folder / name, index=False)
    return propose(str(folder / name), relative_to=folder)


def columns(proposal: Proposal) -> dict[str, str | list[str]]:
    return dict(proposal.settings["data"]["columns"])


def said(proposal: Proposal, *words: str) -> bool:
    return any(all(word in note for word in words) for note in proposal.notes)


def accepted(proposal: Proposal) -> Settings:
    assert tomllib.loads(proposal.toml) == proposal.settings
    return settings_from(proposal.settings, Settings, root=Path())


def invoices() -> pd.DataFrame:
    """A wholesaler's export: C orders, fee codes, anonymous rows, one main country."""
    frame = shop()
    frame = frame[["order", "product", "quantity", "when", "price", "customer"]].set_axis(
        ["InvoiceNo", "StockCode", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID"], axis=1
    )
    frame["StockCode"] = frame["StockCode"].astype(str) + np.where(frame["StockCode"] % 3, "", "A")
    frame.insert(2, "Description", "LARGE LANTERN NUMBER " + frame["StockCode"])
    frame["Country"] = np.where(np.arange(len(frame)) % 12, "United Kingdom", "France")
    frame["InvoiceNo"] = frame["InvoiceNo"].astype(str)
    back = frame.iloc[::40].copy()
    back["InvoiceNo"] = "C" + back["InvoiceNo"]
    back["Quantity"] *= -1
    odd = [
        ("POST", "POSTAGE", 18.0),
        ("M", "Manual", 7.95),
        ("D", "Discount", 22.0),
        ("C2", "CARRIAGE", 50.0),
        ("BANK CHARGES", "Bank Charges", 82.0),
        ("AMAZONFEE", "AMAZON FEE", 900.0),
        ("PADS", "PADS TO MATCH ALL CUSHIONS", 0.001),
        ("B", "Adjust bad debt", 500.0),
        ("29999", "PACKING CHARGE", 3.0),
        ("DCGSSGIRL", "GIRLS PARTY BAG", 3.29),
        ("gift_0001_20", "Gift Voucher 20.00", 16.67),
        ("20998", "POSTAGE STAMP MUG", 4.0),
    ]
    fees = frame.iloc[: len(odd)].copy()
    fees["StockCode"], fees["Description"], fees["UnitPrice"] = zip(*odd, strict=True)
    frame = pd.concat([frame, back, fees], ignore_index=True)
    frame["CustomerID"] = frame["CustomerID"].astype("Int64")
    frame.loc[::4, "CustomerID"] = pd.NA
    return frame


def test_wholesale_invoices_need_no_edit(tmp_path):
    proposal = proposed(invoices(), tmp_path)
    assert columns(proposal) == {
        "customer_id": "CustomerID",
        "ordered_at": "InvoiceDate",
        "order_id": "InvoiceNo",
        "product_id": "StockCode",
        "product_name": "Description",
        "quantity": "Quantity",
        "unit_price": "UnitPrice",
    }
    data = accepted(proposal).data
    assert data.transactions == "orders.parquet"
    assert data.rules.cancelled_order_prefix == "C"
    assert set(data.rules.ignore_products) == {
        "POST", "M", "D", "C2", "BANK CHARGES", "AMAZONFEE", "PADS", "B", "29999",
    }  # fmt: skip
    assert (data.timezone, data.currency) == ("Europe/London", "GBP")
    assert said(proposal, "Europe/London", "guess")
    assert said(proposal, "25 %", "anonymous")
    assert said(proposal, "DCGSSGIRL", "kept")
    assert '"POST", # POSTAGE: 1 line' in proposal.toml


def test_grocery_log_in_utc(tmp_path):
    frame = shop(days=364)
    frame["when"] += pd.Timedelta(hours=9)
    log = pd.DataFrame({
        "household_id": frame["customer"],
        "store_id": frame["customer"] % 9 + 300,
        "basket_id": frame["order"] + 31_198_000_000,
        "product_id": frame["product"],
        "quantity": frame["quantity"],
        "sales_value": frame["total"],
        "retail_disc": (frame["total"] / 10).round(2),
        "coupon_disc": np.where(frame.index % 5, 0.0, -0.5),
        "week": (frame["when"] - START).dt.days // 7 + 1,
        "transaction_timestamp": frame["when"],
    })  # fmt: skip
    proposal = proposed(log, tmp_path)
    assert columns(proposal) == {
        "customer_id": "household_id",
        "ordered_at": "transaction_timestamp",
        "order_id": "basket_id",
        "product_id": "product_id",
        "quantity": "quantity",
        "amount": "sales_value",
        "discount": ["retail_disc", "coupon_disc"],
        "channel": "store_id",
    }
    assert accepted(proposal).data.rules.ignore_products == ()
    assert said(proposal, "probably UTC", "data.naive_timestamps")
    assert said(proposal, "time zone cannot be told")
    assert said(proposal, "currency cannot be told")


def test_a_count_called_amount_is_the_quantity(tmp_path):
    frame = shop(days=119)
    log = pd.DataFrame({
        "TRANSACTION_DT": frame["when"].dt.normalize(),
        "CUSTOMER_ID": frame["customer"].astype(str).str.zfill(8),
        "PRODUCT_SUBCLASS": (frame["product"] // 10).astype(str),
        "PRODUCT_ID": "4710" + frame["product"].astype(str),
        "AMOUNT": frame["quantity"],
        "ASSET": (frame["total"] * 80).astype(int),
        "SALES_PRICE": (frame["total"] * 100).astype(int),
    })  # fmt: skip
    proposal = proposed(log, tmp_path)
    assert columns(proposal) == {
        "customer_id": "CUSTOMER_ID",
        "ordered_at": "TRANSACTION_DT",
        "product_id": "PRODUCT_ID",
        "category": "PRODUCT_SUBCLASS",
        "quantity": "AMOUNT",
        "amount": "SALES_PRICE",
        "cost": "ASSET",
    }
    assert accepted(proposal).predict.horizon_days == 14
    assert said(proposal, "no time of day")
    assert said(proposal, "no order id")


def test_one_row_per_order(tmp_path):
    frame = shop().drop_duplicates("order")
    log = frame[["customer", "when", "quantity", "total"]].set_axis(
        ["customer_id", "date", "units", "amount"], axis=1
    )
    proposal = proposed(log, tmp_path)
    assert columns(proposal) == {
        "customer_id": "customer_id", "ordered_at": "date", "quantity": "units", "amount": "amount",
    }  # fmt: skip
    assert said(proposal, "no product column")


def test_shop_system_export(tmp_path):
    frame = shop()
    number = frame["order"].rank(method="dense").astype(int) + 1_000
    log = pd.DataFrame({
        "Name": "#" + number.astype(str),
        "Email": "c" + frame["customer"].astype(str) + "@example.org",
        "Paid at": frame["when"].dt.strftime("%Y-%m-%d %H:%M:%S +0100"),
        "Currency": "EUR",
        "Total": frame.groupby("order")["total"].transform("sum").round(2),
        "Created at": frame["when"].dt.strftime("%Y-%m-%d %H:%M:%S +0100"),
        "Lineitem quantity": frame["quantity"],
        "Lineitem name": "Soft cotton shirt " + frame["product"].astype(str),
        "Lineitem price": frame["price"],
        "Lineitem sku": "SHIRT-" + frame["product"].astype(str),
        "Discount Code": "",
    })  # fmt: skip
    proposal = proposed(log, tmp_path, "shop.csv")
    assert columns(proposal) == {
        "customer_id": "Email",
        "ordered_at": "Created at",
        "order_id": "Name",
        "product_id": "Lineitem sku",
        "product_name": "Lineitem name",
        "quantity": "Lineitem quantity",
        "unit_price": "Lineitem price",
        "order_total": "Total",
        "currency": "Currency",
    }
    assert accepted(proposal).data.currency == "EUR"
    assert said(proposal, "Σ lines = 'Total' in 100 %")
    assert said(proposal, "also 'Paid at'")


def european(frame: pd.DataFrame) -> str:
    log = pd.DataFrame({
        "Bestellnummer": frame["order"],
        "Kundennummer": frame["customer"],
        "Bestelldatum": frame["when"].dt.strftime("%d.%m.%Y %H:%M"),
        "Artikelnummer": frame["product"],
        "Artikelbezeichnung": "Blauer Stuhl " + frame["product"].astype(str),
        "Menge": frame["quantity"],
        "Einzelpreis": frame["price"].map("{:.2f}".format).str.replace(".", ","),
        "Land": "Deutschland",
    })  # fmt: skip
    return log.to_csv(index=False, sep=";")


@pytest.mark.parametrize("name", ["bestellungen.csv", "bestellungen.csv.gz"])
def test_european_csv(tmp_path, name):
    content = european(shop()).encode()
    (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith("gz") else content)
    proposal = propose(str(tmp_path / name), relative_to=tmp_path)
    assert columns(proposal) == {
        "customer_id": "Kundennummer",
        "ordered_at": "Bestelldatum",
        "order_id": "Bestellnummer",
        "product_id": "Artikelnummer",
        "product_name": "Artikelbezeichnung",
        "quantity": "Menge",
        "unit_price": "Einzelpreis",
    }
    data = accepted(proposal).data
    assert (data.decimal, data.date_format) == (",", "%d.%m.%Y %H:%M")
    assert (data.timezone, data.currency) == ("Europe/Berlin", "EUR")
    assert said(proposal, "'Einzelpreis'", "comma")


@pytest.mark.parametrize("kind", ["european", "whole numbers", "invoices"])
def test_the_reader_understands_what_was_proposed(tmp_path, kind):
    frame, file = shop(), tmp_path / "orders.csv"
    match kind:
        case "european":
            file.write_text(european(frame), encoding="utf-8")
        case "whole numbers":
            frame["when"] = frame["when"].dt.strftime("%Y%m%d").astype(int)
            frame.to_csv(file, index=False)
        case "invoices":
            invoices().to_csv(file, index=False)
    proposal = propose(str(file), relative_to=tmp_path)
    with check_orders(settings_from(proposal.settings, Settings, root=tmp_path)) as report:
        unread = [count.reason for count in report.quarantined if count.reason.startswith("bad")]
        assert unread == []
        assert report.rows_used > 0.95 * report.rows_read


@pytest.mark.parametrize(
    ("written", "days", "date_format", "ambiguous"),
    [
        ("%d/%m/%Y", 400, "%d/%m/%Y", False),
        ("%m/%d/%Y", 400, "%m/%d/%Y", False),
        ("%d/%m/%Y", 8, "%d/%m/%Y", True),
        ("%m/%d/%Y", 8, "%m/%d/%Y", True),
        ("%Y%m%d", 400, "%Y%m%d", False),
        ("%Y-%m-%d", 400, None, False),
        ("%b %d %Y", 8, "%b %d %Y", False),
        ("%d-%b-%Y", 8, "%d-%b-%Y", False),
    ],
)
def test_dates_as_text(tmp_path, written, days, date_format, ambiguous):
    frame = shop(days=days)
    frame["when"] = frame["when"].dt.strftime(written)
    proposal = proposed(frame, tmp_path, "orders.csv")
    assert columns(proposal)["ordered_at"] == "when"
    assert accepted(proposal).data.date_format == date_format
    assert said(proposal, "reads both as") is ambiguous


def test_dates_as_whole_numbers(tmp_path):
    frame = shop()
    frame["when"] = frame["when"].dt.strftime("%Y%m%d").astype(int)
    assert accepted(proposed(frame, tmp_path)).data.date_format == "%Y%m%d"


def test_values_outrank_names(tmp_path):
    # order and customer are each called like the other; a price that grows is a line total
    log = shop().rename(
        columns={"customer": "order_id", "order": "customer_no", "total": "unit_price"}
    )
    proposal = proposed(log.drop(columns="price"), tmp_path)
    assert columns(proposal)["order_id"] == "customer_no"
    assert columns(proposal)["customer_id"] == "order_id"
    assert columns(proposal)["amount"] == "unit_price"
    assert said(proposal, "'order_id'", "different days")


def test_quantities_are_found_among_many_small_numbers(tmp_path):
    """Of a wide file not every pair of numbers is compared, those named like money are."""
    frame = shop(customers=20).rename(columns={"quantity": "n"})
    rng = np.random.default_rng(1)
    flags = {f"flag_{number}": rng.integers(0, 3, len(frame)) for number in range(40)}
    wide = proposed(frame.assign(**flags), tmp_path)
    assert columns(wide)["quantity"] == columns(proposed(frame, tmp_path))["quantity"] == "n"


def test_price_without_quantity_is_the_amount(tmp_path):
    proposal = proposed(shop().drop(columns=["quantity", "total"]), tmp_path)
    assert columns(proposal)["amount"] == "price"
    assert said(proposal, "no quantity")


def test_both_prices_leave_the_unit_price_as_a_comment(tmp_path):
    proposal = proposed(shop(), tmp_path)
    assert columns(proposal)["amount"] == "total"
    assert '# unit_price = "price"' in proposal.toml


def test_a_rate_is_no_discount(tmp_path):
    frame = shop()
    frame["discount"] = np.where(frame.index % 3, 0.0, 0.15)
    proposal = proposed(frame, tmp_path)
    assert "discount" not in columns(proposal)
    assert said(proposal, "'discount'", "rate")


def test_cost_of_one_piece_is_not_the_cost_of_the_line(tmp_path):
    frame = shop()
    frame["cost"] = (frame["price"] * 0.6).round(2)
    proposal = proposed(frame, tmp_path)
    assert "cost" not in columns(proposal)
    assert said(proposal, "'cost'", "one piece")


@pytest.mark.parametrize(
    ("days", "horizon_days"), [(30, 7), (60, 14), (120, 30), (250, 60), (364, 90), (800, 90)]
)
def test_a_short_log_looks_less_far_ahead(tmp_path, days, horizon_days):
    proposal = proposed(shop(days=days, customers=300), tmp_path)
    assert accepted(proposal).predict.horizon_days == horizon_days
    assert said(proposal, "are predicted ahead") is (horizon_days < 90)


def test_currency_from_a_column_name(tmp_path):
    proposal = proposed(shop().rename(columns={"total": "amount_usd"}), tmp_path)
    assert accepted(proposal).data.currency == "USD"


def test_a_country_with_several_zones_is_a_guess(tmp_path):
    frame = shop()
    frame["country"] = "US"
    proposal = proposed(frame, tmp_path)
    assert accepted(proposal).data.timezone == "America/New_York"
    assert said(proposal, "America/New_York", "guess", "zones")


def test_several_files_and_paths(tmp_path):
    frame, folder = shop(), tmp_path / "orders [old]"
    folder.mkdir()
    for number, part in enumerate(np.array_split(np.arange(len(frame)), 3)):
        frame.iloc[part].to_parquet(tmp_path / f"part-{number}.parquet")
    whole = propose(str(tmp_path / "part-*.parquet"), relative_to=tmp_path)
    assert whole.settings["data"]["transactions"] == "part-*.parquet"
    assert whole.notes[0].startswith(f"{len(frame):,} rows")
    outside = propose(str(tmp_path / "part-*.parquet"), relative_to=folder)
    assert outside.settings["data"]["transactions"] == "../part-*.parquet"


def test_a_file_name_with_brackets_is_no_glob(tmp_path):
    proposal = proposed(shop(), tmp_path, "orders [1].parquet")
    assert proposal.settings["data"]["transactions"] == "orders [[]1].parquet"


def test_the_same_file_gives_the_same_proposal(tmp_path):
    frame = shop()
    assert proposed(frame, tmp_path) == proposed(frame, tmp_path)


@pytest.mark.parametrize(
    ("content", "field"),
    [
        ("customer_id,colour,amount\n7,red,2.5\n8,blue,3.5\n", "ordered_at"),
        ("date,amount\n2024-01-01,2.5\n2024-01-02,3.5\n", "customer_id"),
        ("date,customer_id\n2024-01-01,7\n2024-01-02,8\n", "amount"),
    ],
)
def test_what_cannot_be_told_is_an_open_line(tmp_path, content, field):
    (tmp_path / "orders.csv").write_text(content)
    proposal = propose(str(tmp_path / "orders.csv"), relative_to=tmp_path)
    assert proposal.open_fields == (field,)
    assert f'# {field} = ""' in proposal.toml
    assert said(proposal, "OPEN", f"--{field.split('_')[0].replace('ordered', 'date')}")
    with pytest.raises(ConfigError, match=f"{field}|unit_price"):
        settings_from(proposal.settings, FeatureSettings, root=tmp_path)


def test_a_person_may_name_the_columns(tmp_path):
    frame = shop().rename(columns={"customer": "x1", "when": "x2", "total": "x3"})
    frame.to_parquet(tmp_path / "orders.parquet")
    proposal = propose(
        str(tmp_path / "orders.parquet"),
        relative_to=tmp_path,
        columns={"customer_id": "X1", "ordered_at": "x2", "amount": "x3"},
    )
    mapped = columns(proposal)
    assert (mapped["customer_id"], mapped["ordered_at"], mapped["amount"]) == ("x1", "x2", "x3")
    with pytest.raises(ConfigError, match="no column 'absent'"):
        propose(
            str(tmp_path / "orders.parquet"), relative_to=tmp_path, columns={"amount": "absent"}
        )


def test_orders_without_money_count_where_each_is_worth_1(tmp_path):
    frame = shop()[["customer", "when"]].rename(columns={"customer": "customer_id"})
    assert said(proposed(frame, tmp_path), "OPEN", "add a column 'amount' of 1")
    assert columns(proposed(frame.assign(amount=1), tmp_path))["amount"] == "amount"
    assert "ordered_at" in proposed(frame.drop(columns="when"), tmp_path).open_fields


def test_money_with_signs_is_read(tmp_path):
    frame = shop().drop(columns=["price", "quantity"])
    frame["total"] = "£" + (frame["total"] * 100).map("{:,.2f}".format)
    proposal = proposed(frame, tmp_path, "orders.csv")
    assert columns(proposal)["amount"] == "total"
    assert proposal.settings["data"]["thousands"] == ","
    assert proposal.settings["data"]["currency"] == "GBP"


@pytest.fixture(scope="module")
def small() -> pd.DataFrame:
    return shop(customers=15, products=12)


@settings(max_examples=25)
@given(name=st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=30))
def test_any_column_name_parses_back(tmp_path, small, name):
    taken = {column.casefold() for column in small} | {"source_file", "source_row"}
    if name.casefold() in taken:
        return
    frame = small.rename(columns={"when": name}).assign(**{"cust " + name[::-1]: small["customer"]})
    proposal = proposed(frame, tmp_path)
    assert columns(proposal)["ordered_at"] == name
    accepted(proposal)


@pytest.mark.parametrize(
    ("name", "field", "is_doubtful"),
    [("amount", "amount", True), ("price", "unit_price", False), ("金额", "amount", True)],
)
def test_money_that_does_not_move_with_quantity_is_no_unit_price_for_that(
    tmp_path, name, field, is_doubtful
):
    frame = shop(customers=40).drop(columns=["price", "total"])
    money = np.random.default_rng(3).integers(500, 20_000, len(frame)) / 100
    proposal = proposed(frame.assign(**{name: money}), tmp_path)
    assert columns(proposal)[field] == name
    line, piece = (f"{total:,.2f}" for total in (money.sum(), (money * frame["quantity"]).sum()))
    assert said(proposal, "CHECK", f"'{name}'", line, piece) == is_doubtful
    assert ("(CHECK: its name alone says so" in proposal.toml) == is_doubtful
    assert not said(proposal, "whatever the quantity")


def test_a_steady_price_is_one_whatever_its_name(tmp_path):
    frame = shop(customers=40).drop(columns="total").rename(columns={"price": "amount"})
    proposal = proposed(frame, tmp_path)
    assert columns(proposal)["unit_price"] == "amount"
    assert not said(proposal, "CHECK", "'amount'")
