"""Settings beside other settings: two shops in a folder share nothing that is kept of them."""

from click.testing import CliRunner

from features.settings.loading import load_settings
from serving.commands.main import main
from serving.settings import Settings
from tests.support.shop import simulate_orders


def init(folder, name):
    output = folder / name
    done = CliRunner().invoke(main, ["init", str(folder / "orders.csv"), "--output", str(output)])
    assert done.exit_code == 0, done.output
    return load_settings(output, Settings)


def places(settings):
    store, tracking = settings.store, settings.tracking
    return {
        settings.database_url(store.url),
        settings.database_url(tracking.uri),
        *(settings.path(path) for path in (store.bundles, store.quarantine, store.exports)),
        *(settings.path(path) for path in (store.erasure_key, tracking.artifacts)),
    }


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
