"""`regulars keys`, `audit`, `backup`, `restore` as an operator uses them."""

import json
import re
from datetime import UTC, datetime

import pytest

from features.settings.loading import load_settings
from serving.people.api_keys.keys import KeyRing
from serving.server.stores import open_stores
from serving.settings import Settings
from tests.serving.commands.test_commands import regulars
from tests.support.scores import run_info, score_tables
from tests.support.shop import shop_settings, write_config


@pytest.fixture
def config(tmp_path):
    settings = shop_settings(tmp_path / "shop")
    stores = open_stores(settings.database_url(settings.store.url))
    stores.scores.publish(run_info(), *score_tables(30))
    stores.close()
    return write_config(settings)


def said(config, *words):
    found = regulars(*words, "--json", config=config)
    assert found.exit_code == 0, found.output
    return json.loads(found.stdout)


def stores_of(config):
    settings = load_settings(config, Settings)
    return open_stores(settings.database_url(settings.store.url))


def test_a_key_is_shown_once_and_ended_by_its_id(config):
    made = said(config, "keys", "create", "--scope", "write", "--name", "CRM", "--expires", "30")
    assert re.fullmatch(r"rgl_[0-9a-f]{12}_[A-Za-z0-9_-]{43}", made["key"])
    listed = regulars("keys", "list", config=config).stdout
    assert "CRM" in listed
    assert "in force" in listed
    assert made["key"].split("_", 2)[2] not in listed
    (key,) = stores_of(config).keys.all()
    assert (key.expires_at - key.created_at).days == 30
    ring = KeyRing(stores_of(config).keys, lambda: datetime.now(UTC), last_good_seconds=0)
    assert ring.holder(made["key"]) is None, "the ring has not looked yet"
    said(config, "keys", "revoke", key.key_id)
    assert [one["state"] for one in said(config, "keys", "list")["keys"]] == ["revoked"]


def test_wrong_use_of_keys_is_told(config):
    assert regulars("keys", "create", config=config).exit_code == 2
    assert regulars("keys", "create", "--scope", "root", config=config).exit_code == 2
    refused = regulars("keys", "revoke", "nobody", config=config)
    assert (refused.exit_code, "no key of this id" in refused.output) == (2, True)


@pytest.mark.parametrize(
    ("words", "count", "detail"),
    [
        (["rollback"], 0, "all models, to those before"),
        (["promote"], 0, "all models: challengers that are not worse"),
        (["promote", "--model", "churn", "--version", "3"], 1, "churn: version 3"),
    ],
)
def test_what_changes_the_models_is_written_down_before_it_is_tried(config, words, count, detail):
    assert regulars(*words, config=config).exit_code == 1
    (entry,) = stores_of(config).audit.entries(9)
    assert (entry.who, entry.action) == ("command", words[0])
    assert (entry.count, entry.detail) == (count, detail)


def test_the_audit_log_tells_who_did_what(config, tmp_path):
    key = said(config, "keys", "create", "--scope", "read")["key_id"]
    said(config, "list", "--output", str(tmp_path / "out.csv"))
    said(config, "keys", "revoke", key)
    entries = said(config, "audit")["entries"]
    assert [entry["action"] for entry in entries] == ["key-revoke", "export", "key-create"]
    assert {entry["who"] for entry in entries} == {"command"}
    assert entries[1]["detail"] == "churn list as csv"
    assert entries[1]["count"] == 30
    assert key in entries[0]["detail"]
    assert "key-create" in regulars("audit", config=config).stdout


def test_a_backup_is_restored_on_an_empty_machine(config, tmp_path):
    before = said(config, "list")
    said(config, "backup", str(tmp_path / "backup"))
    other = tmp_path / "other" / "regulars.toml"
    said(other, "restore", str(tmp_path / "backup"))
    assert said(other, "list") == before
    assert said(other, "audit")["entries"][0]["action"] == "restore"
    again = regulars("restore", str(tmp_path / "backup"), config=other)
    assert (again.exit_code, "--replace" in again.output) == (2, True)
