"""`regulars.toml`: read once, checked whole, every problem said at once."""

from pathlib import Path

import pydantic
import pytest

from features.errors import ConfigError
from features.settings.feature_settings import FeatureSettings
from features.settings.loading import load_settings, settings_from
from features.settings.orders_store import OrdersStore
from serving.settings import Settings
from training.settings import TrainingSettings

COLUMNS_OF_AMOUNT = {"customer_id": "c", "ordered_at": "t", "amount": "a"}

GOOD = """
[data]
transactions = "orders/*.parquet"
timezone = "Europe/London"
currency = "GBP"

[data.columns]
customer_id = "Customer ID"
ordered_at = "InvoiceDate"
quantity = "Quantity"
unit_price = "Price"
"""


def loaded(folder: Path, text: str) -> Settings:
    path = folder / "regulars.toml"
    path.write_text(text, encoding="utf-8")
    return load_settings(path, Settings)


def problems(folder: Path, text: str) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as caught:
        loaded(folder, text)
    return caught.value.problems


def with_columns(**columns: object) -> Settings:
    return settings_from(
        {"data": {"transactions": "o.csv", "columns": columns}}, Settings, root=Path()
    )


def test_a_good_file_fills_in_the_defaults(tmp_path):
    settings = loaded(tmp_path, GOOD)
    assert settings.root == tmp_path
    assert settings.data.columns.mapped() == {
        "customer_id": ("Customer ID",),
        "ordered_at": ("InvoiceDate",),
        "quantity": ("Quantity",),
        "unit_price": ("Price",),
    }
    assert settings.predict.horizon_days == 90
    assert settings.data.rules.duplicates is None


def test_settings_are_frozen(tmp_path):
    settings = loaded(tmp_path, GOOD)
    with pytest.raises(pydantic.ValidationError, match="frozen"):
        settings.predict.horizon_days = 30


def test_every_problem_is_said_at_once(tmp_path):
    text = GOOD.replace("Europe/London", "Europe/Lundon").replace('"GBP"', '"GBQ"')
    text += '\n[predict]\nhorizon_days = 3\nhorizont = 90\n[engine]\nmemory = "lots"\n[modles]\n'
    said = problems(tmp_path, text)
    assert len(said) == 6
    assert len(set(said)) == 6
    for line, wanted in zip(
        sorted(said),
        [
            "'data.currency': 'GBQ' is not an ISO 4217 currency code",
            "'data.timezone': 'Europe/Lundon' is not an IANA time zone",
            "'engine.memory'",
            "'predict.horizon_days': Input should be greater than or equal to 7 (it is 3).",
            "unknown setting 'modles'. Remove it or correct its name.",
            "unknown setting 'predict.horizont'",
        ],
        strict=True,
    ):
        assert line.startswith(f"{tmp_path / 'regulars.toml'}: ")
        assert wanted in line


def test_missing_columns_and_missing_money_are_said_together(tmp_path):
    said = problems(tmp_path, '[data]\ntransactions = "orders.csv"\n[data.columns]\n')
    assert [line.split(": ", 1)[1] for line in said] == [
        "'data.columns.customer_id' is missing. Add it.",
        "'data.columns.ordered_at' is missing. Add it.",
        (
            "'data.columns': needs either 'amount' (net paid for the line) or both 'unit_price' "
            "and 'quantity'."
        ),
    ]


@pytest.mark.parametrize(
    "money", [{"amount": "a"}, {"unit_price": "p", "quantity": "q"}, {"amount": "a", "cost": "c"}]
)
def test_money_can_be_told_in_two_ways(money):
    assert with_columns(customer_id="c", ordered_at="t", **money)


@pytest.mark.parametrize("money", [{}, {"unit_price": "p"}, {"quantity": "q"}])
def test_money_must_be_told(money):
    with pytest.raises(ConfigError, match="needs either 'amount'"):
        with_columns(customer_id="c", ordered_at="t", **money)


def test_a_column_name_may_have_spaces_around_it_but_must_not_be_empty():
    assert with_columns(customer_id=" id ", ordered_at="t", amount="a").data.columns.mapped()[
        "customer_id"
    ] == (" id ",)
    with pytest.raises(ConfigError, match=r"'data.columns.customer_id.0': String should have at"):
        with_columns(customer_id="", ordered_at="t", amount="a")


def test_discounts_come_from_one_column_or_several():
    needed = {"customer_id": "c", "ordered_at": "t", "amount": "a"}
    one = with_columns(**needed, discount="d")
    assert one.data.columns.discount == ("d",)
    assert with_columns(**needed, discount=["d", "e"]).data.columns.discount == ("d", "e")


def test_broken_toml_says_where(tmp_path):
    (said,) = problems(tmp_path, "[data\n")
    assert "not valid TOML" in said
    assert "line 1" in said


def test_a_byte_order_mark_is_no_problem(tmp_path):
    assert loaded(tmp_path, "\ufeff" + GOOD).data.currency == "GBP"


def test_a_missing_file_names_the_command_that_writes_one(tmp_path):
    with pytest.raises(ConfigError, match=r"no such file. `regulars init FILE` writes one"):
        load_settings(tmp_path / "regulars.toml", Settings)


def test_a_folder_or_a_binary_file_cannot_be_read(tmp_path):
    with pytest.raises(ConfigError, match="cannot be read"):
        load_settings(tmp_path, Settings)
    (tmp_path / "regulars.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="cannot be read"):
        load_settings(tmp_path / "regulars.toml", Settings)


def test_the_root_is_not_a_setting(tmp_path):
    assert problems(tmp_path, 'root = "/"\n' + GOOD) == (
        f"{tmp_path / 'regulars.toml'}: unknown setting 'root'.",
    )


def test_risk_bands_ascend(tmp_path):
    (said,) = problems(tmp_path, GOOD + "\n[predict.risk]\nmedium = 0.6\n")
    assert said.endswith("'predict.risk': medium < high < critical must hold.")


@pytest.mark.parametrize(
    ("currency", "minor"), [("GBP", 100), ("JPY", 1), ("KWD", 1000), ("EUR", 100)]
)
def test_minor_units(tmp_path, currency, minor):
    assert loaded(tmp_path, GOOD.replace("GBP", currency)).data.minor_units == minor


def test_paths_count_from_the_folder_of_the_file(tmp_path):
    settings = loaded(tmp_path, GOOD)
    assert settings.path("data/x.parquet") == tmp_path / "data/x.parquet"
    assert settings.path("/abroad/x.parquet") == Path("/abroad/x.parquet")
    assert settings.database_url("sqlite:///data/r.db") == f"sqlite:///{tmp_path / 'data/r.db'}"
    for as_given in ("sqlite:////abroad/r.db", "postgresql://host/db"):
        assert settings.database_url(as_given) == as_given


@pytest.mark.parametrize(
    ("rates", "said"),
    [
        ({"USD": 0}, "'data.rates.USD': Input should be greater than 0"),
        ({"USD": 1e7}, "'data.rates.USD': Input should be less than 1000000"),
        ({"BUCKS": 1}, "'data.rates.BUCKS': 'BUCKS' is not an ISO 4217 currency code"),
        ({"EUR": 2}, "'data.rates': one EUR is one EUR: leave its rate out"),
    ],
)
def test_rates_that_cannot_be(rates, said):
    columns = {"customer_id": "a", "ordered_at": "b", "amount": "c", "currency": "d"}
    data = {"transactions": "o.csv", "columns": columns, "rates": rates}
    with pytest.raises(ConfigError) as caught:
        settings_from({"data": data}, Settings, root=Path())
    assert said in str(caught.value)


def test_rates_without_a_column_of_currencies_do_nothing_and_are_refused():
    columns = {"customer_id": "a", "ordered_at": "b", "amount": "c"}
    data = {"transactions": "o.csv", "columns": columns, "rates": {"USD": 0.9}}
    with pytest.raises(ConfigError, match=r"'data.rates': needs 'data.columns.currency'"):
        settings_from({"data": data}, Settings, root=Path())


@pytest.mark.parametrize(
    ("settings_class", "strangers"),
    [
        (
            FeatureSettings,
            {"train", "tracking", "recommend", "serve", "changes", "campaigns", "people", "digest"},
        ),
        (TrainingSettings, {"serve", "changes", "campaigns", "people", "digest"}),
        (Settings, set()),
    ],
)
def test_a_package_knows_the_sections_it_reads_and_no_others(settings_class, strangers):
    assert settings_class.model_fields.keys() == Settings.model_fields.keys() - strangers
    for section in strangers:
        values = {"data": {"transactions": "o.csv", "columns": COLUMNS_OF_AMOUNT}, section: {}}
        with pytest.raises(ConfigError, match=f"unknown setting '{section}'"):
            settings_from(values, settings_class, root=Path())


def test_features_knows_where_orders_are_kept_and_nothing_else_of_the_store():
    assert FeatureSettings.model_fields["store"].annotation is OrdersStore
    assert set(OrdersStore.model_fields) == {"quarantine", "log"}


def data_of(**data):
    columns = {"customer_id": "c", "ordered_at": "t", "amount": "a", "order_id": "o"}
    value = {"transactions": "x", **data, "columns": {**columns, **data.get("columns", {})}}
    return settings_from({"data": value}, FeatureSettings, root=Path()).data


def refusal_of(**data):
    with pytest.raises(ConfigError) as refused:
        data_of(**data)
    return str(refused.value)


def test_several_columns_may_say_who_bought():
    assert data_of().columns.customer_id == ("c",)
    assert data_of(columns={"customer_id": ["Email", "Phone"]}).columns.customer_id == (
        "Email",
        "Phone",
    )
    assert "customer_id" in refusal_of(columns={"customer_id": []})


def test_values_of_a_status_are_decided_once():
    rules = data_of(rules={"status": {"purchase": ["Paid"], "return": ["back"]}}).rules
    assert (rules.status.purchase, rules.status.returned) == (("Paid",), ("back",))
    said = refusal_of(rules={"status": {"purchase": ["On-hold"], "none": ["on hold "]}})
    assert "data.rules.status" in said
    assert "'on hold' stands in two lists" in said


def test_money_of_whole_orders_is_mapped_and_belongs_to_orders():
    money = {"columns": {"refunded": "R"}, "rules": {"order_level": ["R"]}}
    assert data_of(**money).rules.order_level == ("R",)
    assert "'X' is no column of amount, discount" in refusal_of(rules={"order_level": ["X"]})
    without = {"columns": {"refunded": "R", "order_id": None}, "rules": {"order_level": ["R"]}}
    assert "needs 'data.columns.order_id'" in refusal_of(**without)
    assert "needs 'data.columns.tax'" in refusal_of(tax="included")


def test_what_is_accepted_is_a_gate_and_has_a_reason():
    assert data_of(accept={"mostly_returns": "a returns desk"}).accept
    assert "nothing that can be accepted" in refusal_of(accept={"duplicate": "so what"})
    assert "say why" in refusal_of(accept={"mostly_returns": " "})


@pytest.mark.parametrize(
    "text",
    [
        f"[data]\nrows = {'9' * 5_000}",
        f"[data]\nlist = {'[' * 5_000}{']' * 5_000}",
        "[data",
        "[data]\nwhen = 2024-13-45",
    ],
    ids=["digits", "nesting", "syntax", "date"],
)
def test_what_no_toml_is_is_one_line(text, tmp_path):
    (tmp_path / "regulars.toml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match="not valid TOML") as refused:
        load_settings(tmp_path / "regulars.toml", FeatureSettings)
    assert len(str(refused.value).splitlines()) == 1
    assert len(str(refused.value)) < 400
