"""Money beside the line's: inside the amount, of the whole order, with parts of a cent."""

from pathlib import Path

import pandas as pd
import pytest

from features.errors import ConfigError
from features.orders.log import check_orders
from features.settings.feature_settings import FeatureSettings
from features.settings.loading import settings_from

COLUMNS = {"customer_id": "who", "ordered_at": "day", "order_id": "no", "amount": "paid"}


def figures(
    lines: pd.DataFrame, folder: Path, *, rules: dict[str, object], **data: object
) -> dict[str, object]:
    lines.to_csv(folder / "orders.csv", index=False)
    columns = COLUMNS | dict(data.pop("columns", {}))
    values = {"transactions": "orders.csv", "columns": columns, "rules": rules, **data}
    settings = settings_from({"data": values}, FeatureSettings, root=folder)
    with check_orders(settings) as report:
        return report.to_dict()


def lines(**columns: list[object]) -> pd.DataFrame:
    count = len(next(iter(columns.values())))
    usual = {"who": [f"c{number}" for number in range(count)], "day": ["2024-03-01"] * count,
             "no": list(range(count)), "paid": ["10.00"] * count}  # fmt: skip
    return pd.DataFrame(usual | columns)


def test_shipping_that_is_inside_is_taken_off(tmp_path):
    log = lines(paid=["14.95", "24.95", "4.95"], post=["4.95", "4.95", ""])
    columns = {"shipping": "post"}
    read = figures(log, tmp_path, rules={}, columns=columns, shipping="included")
    assert read["revenue"] == pytest.approx(10.00 + 20.00 + 4.95)


def test_tax_and_shipping_of_an_order_are_spread_once(tmp_path):
    log = lines(
        who=["a", "a", "b"], no=[1, 1, 2], paid=["30.00", "10.00", "12.00"], post=["6.00", "6.00", "2.00"],
        vat=["4.00", "4.00", "0.00"],
    )  # fmt: skip
    columns = {"shipping": "post", "tax": "vat"}
    rules = {"order_level": ["post", "vat"]}
    read = figures(log, tmp_path, rules=rules, columns=columns, shipping="included", tax="included")
    assert read["revenue"] == pytest.approx(40 - 6 - 4 + 12 - 2)


@pytest.mark.parametrize("further", ["10.01", ""])
def test_an_amount_of_the_whole_order_is_shared_to_the_cent(tmp_path, further):
    log = lines(who=["a"] * 3 + ["b"], no=[1, 1, 1, 2], paid=["10.01", further, further, "5.00"])
    log["sku"] = ["x", "y", "z", "x"]
    read = figures(log, tmp_path, rules={"order_level": ["paid"]}, columns={"product_id": "sku"})
    assert read["revenue"] == pytest.approx(15.01)
    assert (read["orders"], read["rows_used"]) == (2, 4)


def test_parts_of_a_cent_are_kept_where_the_settings_say_so(tmp_path):
    log = lines(paid=["0.104"] * 5)
    assert figures(log, tmp_path, rules={})["revenue"] == pytest.approx(0.50)
    kept = figures(log, tmp_path, rules={}, money_digits=3)
    assert kept["revenue"] == pytest.approx(0.52)


def test_a_row_with_nothing_where_something_must_be_is_no_purchase(tmp_path):
    log = lines(paid_on=["2024-03-01", "", "2024-03-02"])
    read = figures(log, tmp_path, rules={"none_when_empty": ["paid_on"]})
    assert read["revenue"] == pytest.approx(20)
    assert [count["reason"] for count in read["quarantined"]] == ["cancelled_column"]


def test_of_several_columns_the_first_that_names_somebody_counts(tmp_path):
    log = lines(who=["0", "a", "shop", ""], mail=["x@mail.test", "", "y@mail.test", "x@mail.test"])
    rules = {"anonymous_customers": ["0", "shop"]}
    read = figures(log, tmp_path, rules=rules, columns={"customer_id": ["who", "mail"]})
    assert read["customers"] == len({"x@mail.test", "a", "y@mail.test"})


def test_shipping_inside_needs_its_column(tmp_path):
    with pytest.raises(ConfigError, match=r"data\.columns\.shipping"):
        figures(lines(paid=["1.00"]), tmp_path, rules={}, shipping="included")
