"""A backup that was never restored is none: every answer after it is the one before."""

import json
import sqlite3
from contextlib import closing

import pytest

from features.errors import ConfigError
from features.settings.loading import settings_from
from serving.commands.shop.export import in_folder_or_sealed
from serving.people.api_keys.store import ApiKey
from serving.privacy.sealing import make_identity, unsealed
from serving.server.backup import CONTENTS, STORE, back_up, read_contents, restore
from serving.server.stores import open_stores
from serving.settings import Settings
from tests.contracts.test_people import ADA, LINK
from tests.serving.conftest import NOW, client_of
from tests.support.scores import run_info, score_tables
from training.bundle.manifest import Manifest, sha256_of
from training.bundle.shop_identity import claimed_identity

COLUMNS = {"customer_id": "c", "ordered_at": "t", "amount": "a"}
CALLS = ("/v1/customers/012000", "/v1/churn-list?limit=40", "/v1/models")


def settings_in(folder, url="sqlite:///data/regulars.db"):
    folder.mkdir(exist_ok=True)
    (folder / "regulars.toml").write_text("# settings\n")
    values = {"data": {"transactions": "o.csv", "columns": COLUMNS}, "store": {"url": url}}
    return settings_from(values, Settings, root=folder)


def answers(settings):
    client = client_of(open_stores(settings.database_url(settings.store.url)))
    found = [client.get(path) for path in CALLS]
    return [(answer.content, answer.headers.get("etag")) for answer in found]


@pytest.fixture
def shop(tmp_path):
    settings = settings_in(tmp_path / "shop")
    stores = open_stores(settings.database_url(settings.store.url))
    stores.scores.publish(run_info(), *score_tables(40))
    bundle = settings.path(settings.store.bundles) / "b-1"
    bundle.mkdir(parents=True)
    (bundle / "model.txt").write_text("tree")
    write_manifest(bundle)
    (bundle.parent / "current").write_text("b-1\n")
    return settings


def write_manifest(bundle, **changes):
    values = {
        "bundle_id": bundle.name,
        "as_of": "2026-03-01",
        "horizon_days": 90,
        "currency": "EUR",
        "data_fingerprint": "f",
        "columns": (),
        "mlflow_run_id": "r",
        "models": {},
        "files": {"model.txt": sha256_of(bundle / "model.txt")},
    }
    text = json.dumps(Manifest(**{**values, **changes}).to_dict())
    (bundle / "manifest.json").write_text(text)


def sealed(folder, **changes):
    """Write the list of contents anew, so that every hash in it is right."""
    values = json.loads((folder / CONTENTS).read_text())
    files = {
        path.relative_to(folder).as_posix(): sha256_of(path)
        for path in folder.rglob("*")
        if path.is_file() and path.name != CONTENTS
    }
    (folder / CONTENTS).write_text(json.dumps({**values, "files": files, **changes}))


def links_out(folder):
    (folder.parent / "secret").write_text("s")
    file = folder / "bundles" / "b-1" / "model.txt"
    file.unlink()
    file.symlink_to(folder.parent / "secret")


def empty_database(folder):
    (folder / STORE).unlink()
    with closing(sqlite3.connect(folder / STORE)) as connection:
        connection.execute("VACUUM")


def no_database(folder):
    (folder / STORE).write_bytes(b"orders, orders, orders" * 100)


def files_below(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def a_file_more(folder):
    (folder / "bundles" / "b-1" / "more.txt").write_text("")


def a_file_outside(folder):
    (folder / "out.txt").write_text("")
    outside = {"../../out.txt": sha256_of(folder / "out.txt")}
    write_manifest(folder / "bundles" / "b-1", files=outside)


def manifest_says(**changes):
    return lambda folder: write_manifest(folder / "bundles" / "b-1", **changes)


def nothing(_folder):
    """Only the list of contents is made up."""


@pytest.mark.parametrize(
    ("attack", "listed", "said"),
    [
        (nothing, {"bundle": "../../../x"}, "not among them"),
        (nothing, {"bundle": "b-2"}, "not among them"),
        (links_out, {}, "holds links"),
        (empty_database, {}, "no whole store"),
        (no_database, {}, "no database"),
        (manifest_says(files={}), {}, "files that its manifest names"),
        (a_file_more, {}, "files that its manifest names"),
        (a_file_outside, {}, "missing or damaged|files that its manifest names"),
        (manifest_says(bundle_id="b-9"), {}, "set of models that its manifest names"),
        (manifest_says(currency="USD"), {}, "counts in USD, but data.currency is EUR"),
        (manifest_says(horizon_days=30), {}, "predicts 30 days, but predict.horizon_days is 90"),
        (manifest_says(shop="f" * 16), {}, "belongs to another shop"),
    ],
)
def test_a_backup_made_up_by_somebody_touches_nothing(shop, tmp_path, attack, listed, said):
    folder = tmp_path / "backup"
    back_up(shop, shop.root / "regulars.toml", folder, NOW)
    attack(folder)
    sealed(folder, **listed)
    other = settings_in(tmp_path / "other")
    claimed_identity(other.path(other.store.bundles))
    before = files_below(other.root)
    with pytest.raises(ConfigError, match=said):
        restore(other, folder, replace=False)
    assert files_below(other.root) == before
    assert not (tmp_path / "x").exists()


def test_a_restored_service_answers_byte_for_byte(shop, tmp_path):
    before = answers(shop)
    back_up(shop, shop.root / "regulars.toml", tmp_path / "backup", NOW)
    other = settings_in(tmp_path / "other")
    contents = restore(other, tmp_path / "backup", replace=False)
    assert answers(other) == before
    assert contents.bundle == "b-1"
    assert (other.root / "data/bundles/current").read_text() == "b-1\n"
    assert (other.root / "data/bundles/b-1/model.txt").read_text() == "tree"


def test_a_store_in_use_goes_back_to_its_backup(shop, tmp_path):
    before = answers(shop)
    back_up(shop, shop.root / "regulars.toml", tmp_path / "backup", NOW)
    stores = open_stores(shop.database_url(shop.store.url))
    stores.scores.publish(run_info("run-2"), *score_tables(40, seed=2))
    assert answers(shop) != before
    with pytest.raises(ConfigError, match="--replace"):
        restore(shop, tmp_path / "backup", replace=False)
    restore(shop, tmp_path / "backup", replace=True)
    assert stores.scores.latest_run().info.run_id == "run-1"
    assert answers(shop) == before


def test_keys_come_along_as_hashes(shop, tmp_path):
    key = ApiKey(key_id="k", digest="0" * 64, scope="read", name="crm", created_at=NOW)
    open_stores(shop.database_url(shop.store.url)).keys.add(key)
    back_up(shop, shop.root / "regulars.toml", tmp_path / "backup", NOW)
    other = settings_in(tmp_path / "other")
    restore(other, tmp_path / "backup", replace=False)
    assert list(open_stores(other.database_url(other.store.url)).keys.all()) == [key]


def test_a_backup_leaves_the_writer_alone(shop, tmp_path):
    with sqlite3.connect(shop.root / "data/regulars.db") as writer:
        writer.execute("INSERT INTO audit_log VALUES (1, 'now', 'me', 'export', 1, '')")
        back_up(shop, shop.root / "regulars.toml", tmp_path / "backup", NOW)
    writer.close()
    with sqlite3.connect(tmp_path / "backup" / STORE) as copy:
        assert copy.execute("SELECT count(*) FROM audit_log").fetchone() == (0,)
    copy.close()


@pytest.mark.parametrize("damage", ["changed", "missing", "added", "unfinished", "newer"])
def test_what_is_not_whole_is_refused_before_anything_is_touched(shop, tmp_path, damage):
    folder = tmp_path / "backup"
    back_up(shop, shop.root / "regulars.toml", folder, NOW)
    match damage:
        case "changed":
            with (folder / STORE).open("ab") as file:
                file.write(b"!")
        case "missing":
            (folder / "bundles/b-1/model.txt").unlink()
        case "added":
            (folder / "bundles/b-1/more.txt").write_text("")
        case "unfinished":
            (folder / CONTENTS).unlink()
        case "newer":
            values = json.loads((folder / CONTENTS).read_text())
            (folder / CONTENTS).write_text(json.dumps({**values, "format": 2}))
    other = settings_in(tmp_path / "other")
    with pytest.raises(ConfigError):
        restore(other, folder, replace=False)
    assert not (other.root / "data").exists()


def test_a_folder_that_holds_something_is_left_alone(shop):
    with pytest.raises(ConfigError, match="Name a new folder"):
        back_up(shop, shop.root / "regulars.toml", shop.root, NOW)


def test_postgres_is_left_to_its_own_tools(tmp_path):
    settings = settings_in(tmp_path / "shop", "postgresql://u:canary@db/x")
    with pytest.raises(ConfigError, match="pg_dump") as refused:
        back_up(settings, tmp_path / "regulars.toml", tmp_path / "backup", NOW)
    assert "canary" not in str(refused.value)


def test_before_there_is_a_store_nothing_is_backed_up(tmp_path):
    settings = settings_in(tmp_path / "shop")
    with pytest.raises(ConfigError, match="no store yet"):
        back_up(settings, tmp_path / "regulars.toml", tmp_path / "backup", NOW)
    with pytest.raises(ConfigError, match="no whole backup"):
        read_contents(tmp_path / "backup")


def test_the_key_of_erasures_and_what_the_last_run_left_come_along(shop, tmp_path):
    key = shop.path(shop.store.erasure_key)
    key.write_bytes(b"secret")
    key.chmod(0o600)
    (shop.path(shop.store.bundles) / "context.json").write_text("{}")
    back_up(shop, shop.root / "regulars.toml", tmp_path / "backup", NOW)
    other = settings_in(tmp_path / "other")
    restore(other, tmp_path / "backup", replace=False)
    restored = other.path(other.store.erasure_key)
    assert restored.read_bytes() == b"secret"
    assert restored.stat().st_mode & 0o077 == 0
    assert (other.path(other.store.bundles) / "context.json").read_text() == "{}"


def test_a_sealed_backup_is_restored_with_its_key(shop, tmp_path):
    before = answers(shop)
    public = make_identity(tmp_path / "key.txt")
    sealed = tmp_path / "monday.age"
    config = shop.root / "regulars.toml"
    in_folder_or_sealed(sealed, (public,), lambda folder: back_up(shop, config, folder, NOW))
    assert sealed.is_file()
    other = settings_in(tmp_path / "other")
    with unsealed(sealed, tmp_path / "key.txt") as folder:
        restore(other, folder, replace=False)
    assert answers(other) == before
    left = [path.name for path in tmp_path.iterdir() if path.name.startswith(".")]
    assert left == []


def test_a_backup_opens_nothing_that_has_ended_since(shop, tmp_path):
    stores = open_stores(shop.database_url(shop.store.url))
    stores.people.persons.add(ADA)
    stores.people.sessions.begin("digest", ADA.person_id, NOW.timestamp())
    stores.people.invitations.add(LINK)
    back_up(shop, shop.root / "regulars.toml", tmp_path / "backup", NOW)
    # as it is, and as somebody has written sessions into it or an older release has left them
    for name in ("as-made", "written-into"):
        if name == "written-into":
            with closing(sqlite3.connect(tmp_path / "backup" / STORE)) as opened, opened:
                row = ("digest", ADA.person_id, NOW.timestamp(), NOW.timestamp())
                opened.execute("INSERT INTO sessions VALUES (?, ?, ?, ?)", row)
            contents = json.loads((tmp_path / "backup" / CONTENTS).read_text())
            contents["files"][STORE] = str(sha256_of(tmp_path / "backup" / STORE))
            (tmp_path / "backup" / CONTENTS).write_text(json.dumps(contents))
        other = settings_in(tmp_path / name)
        restore(other, tmp_path / "backup", replace=False)
        people = open_stores(other.database_url(other.store.url)).people
        assert list(people.persons.all()) == [ADA]
        assert people.sessions.count() == {}
        assert list(people.invitations.open(LINK.created_at)) == []
    assert stores.people.sessions.count() == {ADA.person_id: 1}
