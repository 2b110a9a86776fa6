"""The same orders, written as many systems write them: `init` and `check` read the same figures."""

import random
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest

from features.errors import DataError
from features.orders.log import check_orders
from features.proposal import propose
from tests.support.shop import shop_settings

CUSTOMERS, ORDERS = 30, 240
_DRAW = random.Random(11)  # noqa: S311
TIMES = sorted(
    datetime(2023, 2, 1)  # noqa: DTZ001 - the time on the wall of the shop
    + timedelta(days=_DRAW.randint(0, 420), seconds=_DRAW.randint(30_000, 80_000))
    for _ in range(ORDERS)
)
PRICES = [12.5 + 37.25 * n for n in range(40)]
CUSTOMER_OF = [f"C{_DRAW.randint(1, CUSTOMERS):03d}" for _ in range(ORDERS)]
LINES = [
    (
        order,
        TIMES[order],
        CUSTOMER_OF[order],
        product,
        _DRAW.randint(1, 3),
    )
    for order in range(ORDERS)
    for product in _DRAW.sample(range(40), _DRAW.randint(1, 3))
]
REVENUE = sum(PRICES[product] * pieces for *_, product, pieces in LINES)


def plain_date(time: datetime) -> object:
    return time.strftime("%Y-%m-%d %H:%M:%S")


def plain_amount(amount: float) -> object:
    return f"{amount:.2f}"


def frame(
    date: Callable[[datetime], object] = plain_date,
    amount: Callable[[float], object] = plain_amount,
    date_name: str = "Order Date",
) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "Order ID": f"{5000 + order}",
                date_name: date(time),
                "Customer ID": customer,
                "SKU": f"SKU-{product:03d}",
                "Product Name": f"Thing number {product}",
                "Quantity": pieces,
                "Amount": amount(PRICES[product] * pieces),
            }
            for order, time, customer, product, pieces in LINES
        ]
    )


def read(file: Path):
    proposal = propose(str(file), relative_to=file.parent)
    with check_orders(shop_settings(file.parent, data=proposal.settings["data"])) as report:
        assert not report.refusals, report.refusals
        return report, proposal


def holds_the_orders(
    file: Path, *, cents: bool = True, days: tuple[datetime, datetime] | None = None
):
    report, proposal = read(file)
    assert report.rows_used == len(LINES)
    assert report.orders == ORDERS
    right = REVENUE if cents else sum(round(PRICES[p] * n) * 1000 for *_, p, n in LINES)
    assert report.revenue == pytest.approx(right, abs=0.01)
    first, last = days or (TIMES[0], TIMES[-1])
    assert (report.first_day, report.last_day) == (first.date(), last.date())
    return proposal


DE = [
    "Januar",
    "Februar",
    "März",
    "April",
    "Mai",
    "Juni",
    "Juli",
    "August",
    "September",
    "Oktober",
    "November",
    "Dezember",
]
FR = [
    "janv.",
    "févr.",
    "mars",
    "avr.",
    "mai",
    "juin",
    "juil.",
    "août",
    "sept.",
    "oct.",
    "nov.",
    "déc.",
]
ES = [
    "enero",
    "febrero",
    "marzo",
    "abril",
    "mayo",
    "junio",
    "julio",
    "agosto",
    "septiembre",
    "octubre",
    "noviembre",
    "diciembre",
]
EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001

DATES: dict[str, Callable[[datetime], object]] = {
    "am and pm": lambda t: t.strftime("%Y-%m-%d %I:%M:%S %p"),
    "american": lambda t: f"{t.month}/{t.day}/{t.year} {t.strftime('%I:%M %p').lstrip('0')}",
    "american, small letters": lambda t: t.strftime("%m/%d/%Y %I:%M:%S %p").lower(),
    "british": lambda t: t.strftime("%d/%m/%Y %H:%M"),
    "german": lambda t: t.strftime("%d.%m.%Y %H:%M"),
    "two digits of a year": lambda t: t.strftime("%d.%m.%y"),
    "dots, year first": lambda t: t.strftime("%Y.%m.%d %H:%M"),
    "slashes, year first": lambda t: t.strftime("%Y/%m/%d %H:%M"),
    "english month": lambda t: t.strftime("%b %d, %Y"),
    "english month and clock": lambda t: t.strftime("%b %d, %Y %I:%M:%S %p"),
    "german month": lambda t: f"{t.day}. {DE[t.month - 1]} {t.year}",
    "french month": lambda t: f"{t.day} {FR[t.month - 1]} {t.year}",
    "spanish month": lambda t: f"{t.day} de {ES[t.month - 1]} de {t.year}",
    "spanish month, short": lambda t: f"{t.day:02d}-{ES[t.month - 1][:3]}-{t.year}",
    "chinese": lambda t: f"{t.year}年{t.month}月{t.day}日",
    "chinese with clock": lambda t: f"{t.year}年{t.month:02d}月{t.day:02d}日 {t:%H:%M:%S}",
    "spreadsheet": lambda t: f"{(t - datetime(1899, 12, 30)).total_seconds() / 86400:.6f}",  # noqa: DTZ001
    "spreadsheet, days": lambda t: str((t - datetime(1899, 12, 30)).days),  # noqa: DTZ001
    "epoch": lambda t: str(int((t - EPOCH).total_seconds())),
    "epoch in milliseconds": lambda t: str(int((t - EPOCH).total_seconds()) * 1000),
    "with offset": lambda t: t.strftime("%Y-%m-%dT%H:%M:%S+00:00"),
    "arabic digits": lambda t: t.strftime("%Y-%m-%d").translate(
        {ord("0") + n: 0x660 + n for n in range(10)}
    ),
}


@pytest.mark.parametrize("way", DATES)
def test_dates(tmp_path, way):
    frame(DATES[way]).to_csv(tmp_path / "orders.csv", index=False)
    holds_the_orders(tmp_path / "orders.csv")


def grouped(amount: float, marks: str = ",.") -> str:
    return f"{amount:,.2f}".translate(str.maketrans(",.", marks))


AMOUNTS: dict[str, Callable[[float], object]] = {
    "dollars": lambda a: f"${a:,.2f}",
    "euros behind": lambda a: f"{grouped(a, '.,')} €",
    "euros, thin blanks": lambda a: grouped(a, "\u202f,") + "\u00a0€",
    "francs": lambda a: f"CHF {grouped(a, chr(39) + '.')}",
    "crowns": lambda a: f"{grouped(a, ' ,')} kr",
    "zloty": lambda a: f"{grouped(a, ' ,')} zł",
    "reais": lambda a: f"R$ {grouped(a, '.,')}",
    "pounds": lambda a: f"£{a:,.2f}",
    "wide yen": lambda a: f"￥{a:,.2f}",
    "code behind": lambda a: f"{a:.2f} USD",
    "decimal comma": lambda a: f"{a:.2f}".replace(".", ","),
    "arabic digits": lambda a: f"{a:.2f}".translate({ord("0") + n: 0x660 + n for n in range(10)}),
    "devanagari digits": lambda a: f"{a:.2f}".translate(
        {ord("0") + n: 0x966 + n for n in range(10)}
    ),
}


@pytest.mark.parametrize("way", AMOUNTS)
def test_amounts(tmp_path, way):
    frame(amount=AMOUNTS[way]).to_csv(tmp_path / "orders.csv", index=False, sep=";")
    holds_the_orders(tmp_path / "orders.csv")


@pytest.mark.parametrize("mark", [".", ","])
def test_groups_without_decimals(tmp_path, mark):
    """Prices of some currencies have no decimals: 38.500 beside 950."""

    def amount(value: float) -> object:
        return f"{round(value):,}".replace(",", mark)

    frame(amount=amount).to_csv(tmp_path / "orders.csv", index=False, sep=";")
    report, _ = read(tmp_path / "orders.csv")
    assert report.revenue == sum(round(PRICES[product] * pieces) for *_, product, pieces in LINES)


@pytest.mark.parametrize(
    ("encoding", "sign", "name"),
    [
        ("utf-16", "\t", "orders.txt"),
        ("utf-8-sig", ";", "Orders.CSV"),
        ("gb18030", ",", "orders.csv"),
        ("cp1252", ";", "orders.csv"),
        ("utf-8", "|", "orders.txt"),
        ("utf-16-le", ",", "orders.csv"),
    ],
)
def test_encodings_and_separators(tmp_path, encoding, sign, name):
    words = {"gb18030": "羊毛围巾", "cp1252": "Größe"}.get(encoding, "wool")
    lines = frame()
    lines["Product Name"] = words + " " + lines["Product Name"]
    (tmp_path / name).write_bytes(lines.to_csv(index=False, sep=sign).encode(encoding))
    proposal = holds_the_orders(tmp_path / name)
    if encoding in ("gb18030", "cp1252"):
        assert proposal.settings["data"]["encoding"] == encoding


@pytest.mark.parametrize("sheets", [["Orders"], ["2023", "2024"], ["Notes", "Orders"]])
def test_workbooks(tmp_path, sheets):
    lines = frame(date=lambda time: time, amount=lambda amount: amount)
    lines["Order ID"] = "28000000000000" + lines["Order ID"]
    halves = [lines[: len(lines) // 2], lines[len(lines) // 2 :]]
    with pd.ExcelWriter(tmp_path / "orders.xlsx", engine="xlsxwriter") as book:
        for number, sheet in enumerate(sheets):
            if sheet == "Notes":
                pd.DataFrame({"a": ["x"], "b": ["y"], "c": ["z"]}).to_excel(book, sheet_name=sheet)
                continue
            part = halves[number] if sheets == ["2023", "2024"] else lines
            part.to_excel(book, sheet_name=sheet, index=False)
    holds_the_orders(tmp_path / "orders.xlsx")


@pytest.mark.parametrize(
    "written",
    [
        lambda t: (
            t.strftime("%Y-%d-%m %H:%M:%S") if t.day <= 12 else t.strftime("%d/%m/%Y %H:%M:%S")
        ),
        lambda t: (
            f"{t.day}/{t.month}/{t.year} {t:%H:%M}"
            if t.day <= 12
            else t.strftime("%d/%m/%Y %H:%M:%S")
        ),
        lambda t: f"{t.day:02d}.{t.month:02d}.{t.year}" if t.day <= 12 else t.strftime("%m/%d/%Y"),
    ],
)
def test_dates_of_which_a_part_is_swapped_are_refused_by_init(tmp_path, written):
    frame(written).to_csv(tmp_path / "orders.csv", index=False)
    with pytest.raises(DataError) as caught:
        read(tmp_path / "orders.csv")
    assert "'Order Date'" in str(caught.value)
    assert "day and month" in str(caught.value)


def test_utc_in_a_header_is_the_zone_of_its_times(tmp_path):
    frame(date_name="Created (UTC)").to_csv(tmp_path / "orders.csv", index=False)
    proposal = holds_the_orders(tmp_path / "orders.csv")
    assert proposal.settings["data"]["naive_timestamps"] == "utc"
