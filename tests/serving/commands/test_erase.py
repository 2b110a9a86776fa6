"""`regulars erase`: gone from the store and the exports, and not back with the next run."""

import json

import pandas as pd
import pytest

from serving.server.stores import open_stores
from tests.serving.commands.test_commands import regulars
from tests.support.shop import shop_settings, write_config
from tests.support.trained import SECTIONS, copy_of


@pytest.fixture
def shop(trained, tmp_path):
    copied = copy_of(trained, tmp_path / "shop")
    settings = shop_settings(copied.root, **SECTIONS)
    return settings, write_config(settings)


def published(settings):
    stores = open_stores(settings.database_url(settings.store.url))
    try:
        return {
            name for name, _, _, _ in stores.scores.figures(stores.scores.latest_run().info.run_id)
        }
    finally:
        stores.close()


def test_an_erased_customer_does_not_come_back_with_the_next_run(shop, tmp_path):
    settings, config = shop
    out = tmp_path / "out"
    assert regulars("score", "--output", out, config=config).exit_code == 0
    everybody = published(settings)
    gone = min(everybody)
    found = regulars("erase", gone, "--yes", "--exports", out, "--json", config=config)
    assert found.exit_code == 0, found.output
    proof = json.loads(found.stdout)
    assert proof["rows"]["scores"] == 1
    assert proof["files_rewritten"][str(out / "scores.parquet")] == 1
    assert published(settings) == everybody - {gone}
    assert regulars("score", "--output", out, config=config).exit_code == 0
    assert published(settings) == everybody - {gone}
    for name in ("scores", "recommendations"):
        assert gone not in set(pd.read_parquet(out / f"{name}.parquet")["customer_id"])
    stores = open_stores(settings.database_url(settings.store.url))
    entry = stores.audit.entries(1)[0]
    stores.close()
    assert (entry.who, entry.action, entry.count) == ("command", "erase", 1)


def test_nobody_is_erased_without_a_yes(shop):
    settings, config = shop
    assert regulars("score", config=config).exit_code == 0
    found = regulars("erase", "somebody", config=config)
    assert found.exit_code != 0
    assert not settings.path(settings.store.erasure_key).exists()


def test_scores_wait_for_a_key_that_is_lost(shop):
    settings, config = shop
    assert regulars("erase", "somebody", "--yes", config=config).exit_code == 0
    settings.path(settings.store.erasure_key).unlink()
    found = regulars("score", config=config)
    assert found.exit_code == 2
    assert "erasure_key" in found.stderr


def test_who_is_unknown_is_said_and_files_of_the_folder_are_looked_at(shop, tmp_path):
    settings, config = shop
    out = tmp_path / "out"
    assert regulars("score", "--output", out, config=config).exit_code == 0
    known = min(published(settings))
    (out / "mail.txt").write_text(f"{known} wrote", encoding="utf-8")
    exports = settings.path(settings.store.exports)
    exports.mkdir(parents=True)
    (exports / "churn_list.csv").write_text(known)
    erased = regulars("erase", f"{known} ", "bob ", "--yes", "--exports", out, config=config)
    assert erased.exit_code == 0, erased.output
    assert "Erased 1 customers at " in erased.stdout
    assert "'bob': unknown to the store" in erased.stdout
    assert f"{out / 'mail.txt'}: holds an id still" in erased.stdout
    assert known not in published(settings)
    assert not (exports / "churn_list.csv").exists()
    # erased already: nothing is known of them any more
    again = regulars("erase", known, "--yes", "--json", config=config)
    proof = json.loads(again.stdout)
    assert proof["unknown_ids"] == proof["erasure_ids"]
