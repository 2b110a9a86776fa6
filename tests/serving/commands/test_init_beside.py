"""Settings beside other settings: two shops in a folder share nothing that is kept of them."""

import pytest
from click.testing import CliRunner

from serving.commands.main import main
from serving.settings import Settings, load_shop
from tests.support.shop import simulate_orders

pytestmark = pytest.mark.slow


def init(folder, name):
    output = folder / name
    done = CliRunner().invoke(main, ["init", str(folder / "orders.csv"), "--output", str(output)])
    assert done.exit_code == 0, done.output
    # refused where it shared anything with one of before
    return load_shop(output)


def places(settings):
    return {*settings.places().values(), str(settings.path(settings.tracking.artifacts))}


def test_each_has_its_own_places(tmp_path):
    simulate_orders(customers=60, days=200).to_csv(tmp_path / "orders.csv", index=False)
    (tmp_path / "pyproject.toml").write_text("[project]\nname = 'x'\n")
    shops = [init(tmp_path, name) for name in ("regulars.toml", "second.toml", "third shop.toml")]
    assert shops[0].store == Settings.model_fields["store"].default
    for number, shop in enumerate(shops):
        for other in shops[:number]:
            assert places(shop).isdisjoint(places(other))
    assert shops[1].store.url == "sqlite:///data/second/regulars.db"
    assert shops[2].store.bundles == "data/third-shop/bundles"


def check(config):
    return CliRunner().invoke(main, ["check", "--config", str(config)])


def test_a_copy_by_hand_shares_nothing_and_stops_nobody(tmp_path):
    orders = simulate_orders(customers=60, days=200)
    orders.to_csv(tmp_path / "orders.csv", index=False)
    orders.to_csv(tmp_path / "others.csv", index=False)
    init(tmp_path, "regulars.toml")
    text = (tmp_path / "regulars.toml").read_text().replace("orders.csv", "others.csv")
    copy = tmp_path / "b.toml"
    # the same currency and the same horizon: nothing in the models tells the two apart
    copy.write_text(text)
    assert check(tmp_path / "regulars.toml").exit_code == 0
    refused = check(copy)
    assert refused.exit_code == 2
    assert "store.url, store.bundles" in refused.output
    assert "where regulars.toml beside it does" in refused.output
    copy.write_text(text.replace("data/regulars.db", "data/b.db"))
    assert "store.url" not in check(copy).output
    assert check(copy).exit_code == 2


def test_of_two_other_files_the_shorter_name_goes_on(tmp_path):
    simulate_orders(customers=60, days=200).to_csv(tmp_path / "orders.csv", index=False)
    init(tmp_path, "shop.toml")
    (tmp_path / "shop (copy).toml").write_text((tmp_path / "shop.toml").read_text())
    assert check(tmp_path / "shop.toml").exit_code == 0
    assert "where shop.toml beside it does" in check(tmp_path / "shop (copy).toml").output


def test_a_place_under_another_setting_is_shared_too(tmp_path):
    simulate_orders(customers=60, days=200).to_csv(tmp_path / "orders.csv", index=False)
    init(tmp_path, "regulars.toml")
    second = init(tmp_path, "second.toml")
    text = (tmp_path / "second.toml").read_text()
    kept = text.replace("[store]", '[store]\nlog = "data/exports/../exports"')
    (tmp_path / "second.toml").write_text(kept)
    assert second.store.log is None
    assert "keeps store.log where regulars.toml" in check(tmp_path / "second.toml").output
