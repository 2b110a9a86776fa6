"""Whatever a column holds, `init` and `check` answer or refuse in a sentence."""

import csv
import io
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from features.errors import RegularsError
from features.orders.log import check_orders
from features.proposal import propose
from tests.support.shop import shop_settings

ROWS = 24
PLAIN = {
    "Order ID": [f"{500 + n}" for n in range(ROWS)],
    "Order Date": [f"2024-{1 + n % 12:02d}-{1 + n:02d} 10:00:00" for n in range(ROWS)],
    "Customer ID": [f"C{n % 7:03d}" for n in range(ROWS)],
    "SKU": [f"SKU-{n % 5}" for n in range(ROWS)],
    "Quantity": [str(1 + n % 3) for n in range(ROWS)],
    "Amount": [f"{5 + n}.50" for n in range(ROWS)],
}
COLUMNS = {"customer_id": "Customer ID", "order_id": "Order ID", "ordered_at": "Order Date",
           "product_id": "SKU", "quantity": "Quantity", "amount": "Amount"}  # fmt: skip

_TOKENS = [
    *("1", "12.5", "1.200", "1,200", "-3", "0", "1e308", "1e-400", "NaN", "inf", "-0", "9" * 400),
    *("٢", "１２", "५०%", "½", "Ⅻ", "$5", "€", "(3)", "()", ")(", "'", '"', '=""', '="1"', "=1+1"),
    *("2024-03-01", "13/01/2024", "0000-00-00", "9999-12-31", "2024-02-30", "1/1/1", "99999999"),
    *(
        "10:30 PM",
        "下午",
        "三月",
        "Mar 5, 2024",
        "45294.5",
        "1704318507",
        "1704318507000",
        "T",
        "Z",
    ),
    *("null", "paid", "已取消", "refunded", "test", "a@b.c", "A@B.C ", "\u00a0", "\ufeff", "\x00"),
    *(
        "\x01",
        "\x1a",
        "\u202e",
        "\u2028",
        "e\u0301",
        "🎁",
        "\U0010ffff",
        "a\nb",
        "a\r\nb",
        ";;;;;;;",
    ),
]
_CELLS = st.sampled_from(_TOKENS) | st.text(max_size=12) | st.just("")
_CONTENT = st.lists(_CELLS, min_size=1, max_size=6)


def written(columns: dict[str, list[str]], sign: str) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, delimiter=sign, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(zip(*columns.values(), strict=True))
    return text.getvalue().encode("utf-8", "replace")


@settings(max_examples=5, suppress_health_check=[HealthCheck.too_slow])
@given(content=_CONTENT, name=st.sampled_from([*PLAIN, "Postcode", "Status", "Discount", ""]),
       sign=st.sampled_from([",", ";", "\t"]), formats=st.sampled_from([None, "excel", "%d %b %Y %p"]))  # fmt: skip
@example(content=["١١٠١١", "١١٠٢٤"], name="Postcode", sign=",", formats=None)
@example(content=["²"], name="Quantity", sign=",", formats=None)
@example(content=["1e308", "9" * 400], name="Amount", sign=",", formats="excel")
@example(content=["9" * 30], name="Order Date", sign=",", formats="epoch_seconds")
@example(content=["-1e300"], name="Order Date", sign=",", formats="epoch_milliseconds")
def test_no_traceback_whatever_a_column_holds(content, name, sign, formats):
    cells = [content[n % len(content)] for n in range(ROWS)]
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        (folder / "orders.csv").write_bytes(written({**PLAIN, name: cells}, sign))
        configurations = [
            {
                "transactions": "orders.csv",
                "columns": COLUMNS,
                **({"date_format": formats} if formats else {}),
            }
        ]
        try:
            proposal = propose(str(folder / "orders.csv"), relative_to=folder)
            configurations.append(proposal.settings["data"])
        except RegularsError as error:
            assert str(error)  # noqa: PT017 - either outcome is right
        for data in configurations:
            try:
                with check_orders(shop_settings(folder, data=data)) as report:
                    assert report.rows_read == report.rows_used + report.rows_quarantined == ROWS
            except RegularsError as error:
                assert str(error)  # noqa: PT017 - either outcome is right
