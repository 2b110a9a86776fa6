"""`regulars people` as the owner of the files uses it."""

import json

import pytest
from click.testing import CliRunner

from serving.commands.main import main
from serving.people.service import People
from serving.server.stores import open_stores
from serving.settings import load_shop
from tests.serving.commands.test_commands import regulars
from tests.serving.conftest import NOW
from tests.support.people import PASSWORD
from tests.support.shop import shop_settings, write_config


@pytest.fixture
def config(tmp_path):
    return write_config(shop_settings(tmp_path))


def said(config, *words):
    answer = regulars("people", *words, "--json", config=config)
    assert answer.exit_code == 0, answer.output
    return json.loads(answer.stdout)


def people_of(config):
    settings = load_shop(config)
    stores = open_stores(settings.database_url(settings.store.url))
    return People(stores.people, stores.audit, lambda: NOW, settings.people)


def test_a_person_is_added_by_link_or_password_changed_and_removed(config):
    link = said(config, "add", "Anna", "--role", "admin", "--address", "https://r.example")["link"]
    token = link.removeprefix("https://r.example/invitation/")
    assert people_of(config).accept(token, name="", password=PASSWORD).name == "Anna"
    words = ["people", "add", "Ben", "--role", "viewer", "--password", "--config", str(config)]
    assert CliRunner().invoke(main, words, input=f"{PASSWORD}\n").exit_code == 0
    assert people_of(config).signed_in("ben", PASSWORD).role == "viewer"
    said(config, "role", "ben", "--role", "marketer")
    assert said(config, "link", "Ben")["link"].startswith("http://127.0.0.1:8000/invitation/")
    said(config, "sign-out", "Ben")
    said(config, "remove", "Ben")
    listed = said(config, "list")["people"]
    assert [(person["name"], person["role"]) for person in listed] == [
        ("Anna", "admin"),
        ("Ben", "marketer"),
    ]
    assert listed[1]["state"].startswith("removed")
    said(config, "remove", listed[1]["id"], "--forget")
    assert [person["name"] for person in said(config, "list")["people"]] == ["Anna"]
    told = regulars("audit", config=config).stdout
    assert "person-role" in told
    assert f"Anna ({listed[0]['id']})" in told


def test_wrong_use_is_told(config):
    assert regulars("people", "add", "Anna", "--role", "owner", config=config).exit_code == 2
    refused = regulars("people", "role", "Nobody", "--role", "admin", config=config)
    assert (refused.exit_code, "Nobody of this name" in refused.output) == (1, True)
    words = ["people", "add", "Ben", "--role", "viewer", "--password", "--config", str(config)]
    short = CliRunner().invoke(main, words, input="short\n")
    assert (short.exit_code, "at least 10 characters" in short.output) == (2, True)
