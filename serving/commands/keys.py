"""`regulars keys`: who may call the server."""

from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import click

from serving.audit.store import COMMAND, Action, AuditEntry
from serving.commands.frame import Speaker, common_options
from serving.people.key_store import ApiKey
from serving.people.keys import new_key
from serving.server.stores import Stores, open_stores
from serving.settings import load_shop
from serving.web.rights import KEY_SCOPES, KeyScope


@click.group()
def keys() -> None:
    """API keys. Once one is made, every call needs one, on this machine too.

    Each of these commands takes --config and --json. With --shops FOLDER it is about keys of the
    server that answers for the shops of a folder (`regulars serve --shops`): they open its page
    and its figures, and no shop.
    """


shops_option = click.option(
    "--shops",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="FOLDER",
    help="Keys of the server in front of the shops of FOLDER, not of a shop.",
)


@keys.command()
@click.option(
    "--scope",
    required=True,
    type=click.Choice(KEY_SCOPES),
    help="read: answers and exports; write: also orders; admin: also erasure.",
)
@click.option("--name", default="", help="Who or what will hold it.")
@click.option("--expires", type=click.IntRange(1, 36_500), metavar="DAYS", help="Ends then.")
@shops_option
@common_options
def create(
    scope: KeyScope,
    name: str,
    expires: int | None,
    shops: Path | None,
    config: Path,
    speaker: Speaker,
) -> None:
    """Make a key and show it once; the store keeps only its hash."""
    stores = _stores(config, shops)
    moment = datetime.now(UTC)
    token, key = new_key(scope, name=name, at=moment, expires_days=expires)
    _note(stores, "key-create", key, moment)
    stores.keys.add(key)
    speaker.say(f"{token}\nThis is the key {key.key_id}, of scope {scope}. It is not shown again.")
    speaker.result({"key": token, **_shown(key)})


@keys.command("list")
@shops_option
@common_options
def list_keys(shops: Path | None, config: Path, speaker: Speaker) -> None:
    """Every key there ever was."""
    every_key = _stores(config, shops).keys.all()
    moment = datetime.now(UTC)
    speaker.table(
        f"{len(every_key)} keys",
        ["id", "scope", "name", "created", "expires", "state"],
        [
            [
                key.key_id,
                key.scope,
                key.name,
                f"{key.created_at:%Y-%m-%d}",
                f"{key.expires_at:%Y-%m-%d}" if key.expires_at else "never",
                _state(key, moment),
            ]
            for key in every_key
        ],
        text_columns=("scope", "name", "state"),
    )
    speaker.result({"keys": [{**_shown(key), "state": _state(key, moment)} for key in every_key]})


@keys.command()
@click.argument("key_id")
@shops_option
@common_options
def revoke(key_id: str, shops: Path | None, config: Path, speaker: Speaker) -> None:
    """End a key; running servers refuse it within five seconds."""
    stores = _stores(config, shops)
    moment = datetime.now(UTC)
    key = stores.keys.revoke(key_id, moment)
    _note(stores, "key-revoke", key, moment)
    speaker.say(f"The key {key_id} opens nothing any more.")
    speaker.result(_shown(key))


def _stores(config: Path, shops: Path | None) -> Stores:
    if shops is not None:
        from serving.shops.serve import server_stores

        return server_stores(shops)
    settings = load_shop(config)
    return open_stores(settings.database_url(settings.store.url))


def _note(stores: Stores, action: Action, key: ApiKey, at: datetime) -> None:
    detail = f"key {key.key_id}, scope {key.scope}"
    stores.audit.record(AuditEntry(at=at, who=COMMAND, action=action, count=1, detail=detail))


def _state(key: ApiKey, moment: datetime) -> str:
    if key.revoked_at:
        return "revoked"
    return "in force" if key.holds(moment) else "expired"


def _shown(key: ApiKey) -> dict[str, object]:
    return {name: value for name, value in asdict(key).items() if name != "digest"}
