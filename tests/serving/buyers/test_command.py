"""`regulars buyers`, and lists filtered by it."""

import json

import pytest
from click.testing import CliRunner

from serving.commands.main import main
from serving.runs.store import RunStore
from tests.support.scores import likely_buyers, run_info, score_tables
from tests.support.shop import shop_settings, write_config

SCORES, PRODUCTS = score_tables(12)
IDS = SCORES["customer_id"].tolist()


@pytest.fixture
def regulars(tmp_path):
    """Runs a command beside a shop with one run."""
    settings = shop_settings(tmp_path)
    store = RunStore(settings.database_url(settings.store.url))
    buyers = [likely_buyers("product", "t/1", IDS[:3]), likely_buyers("category", "tea", IDS[:5])]
    store.publish(run_info(), SCORES, PRODUCTS, buyers=buyers)
    store.close()
    config = write_config(settings)
    return lambda *arguments: CliRunner().invoke(main, [*arguments, "--config", str(config)])


def test_an_item_and_its_likeliest_buyers_are_printed(regulars):
    printed = regulars("buyers", "t/1", "--limit", "2")
    assert printed.exit_code == 0, printed.output
    assert "Green tea: 7.2 buyers (4 to 11)" in printed.output
    assert [name for name in IDS if name in printed.output] == IDS[:2]
    answer = json.loads(regulars("buyers", "t/1", "--json").stdout)
    assert [row["customer_id"] for row in answer["customers"]] == IDS[:3]
    listed = json.loads(regulars("list", "--will-buy", "product:t/1", "--json").stdout)
    assert {row["customer_id"] for row in listed["customers"]} == set(IDS[:3])


def test_without_an_item_those_that_have_a_list_are_printed(regulars):
    printed = regulars("buyers", "--kind", "category")
    assert printed.exit_code == 0, printed.output
    assert "tea" in printed.output
    assert json.loads(regulars("buyers", "--search", "coffee", "--json").stdout)["items"] == []
    unknown = regulars("buyers", "none")
    assert unknown.exit_code == 2
    assert "no list of likely buyers of this product" in unknown.output


def test_an_item_without_its_kind_is_refused(regulars):
    refused = regulars("list", "--will-buy", "P03")
    assert refused.exit_code == 2
    assert "write product:P03 or category:NAME" in refused.output
