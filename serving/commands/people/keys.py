"""`regulars keys`: who may call the server."""

from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import click

from serving.audit.store import COMMAND
from serving.commands.frame import Speaker, common_options
from serving.people.api_keys.desk import KeyDesk
from serving.people.api_keys.store import ApiKey
from serving.server.stores import open_stores
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
    desk = _desk(config, shops)
    token, key = desk.make(scope, name=name, expires_days=expires, by=COMMAND)
    speaker.say(f"{token}\nThis is the key {key.key_id}, of scope {scope}. It is not shown again.")
    speaker.result({"key": token, **_shown(key)})


@keys.command("list")
@shops_option
@common_options
def list_keys(shops: Path | None, config: Path, speaker: Speaker) -> None:
    """Every key there ever was."""
    every_key = _desk(config, shops).listed()
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
                state,
            ]
            for key, state in every_key
        ],
        text_columns=("scope", "name", "state"),
    )
    speaker.result({"keys": [{**_shown(key), "state": state} for key, state in every_key]})


@keys.command()
@click.argument("key_id")
@shops_option
@common_options
def revoke(key_id: str, shops: Path | None, config: Path, speaker: Speaker) -> None:
    """End a key; running servers refuse it within five seconds."""
    key = _desk(config, shops).revoke(key_id, by=COMMAND)
    speaker.say(f"The key {key_id} opens nothing any more.")
    speaker.result(_shown(key))


def _desk(config: Path, shops: Path | None) -> KeyDesk:
    if shops is not None:
        from serving.shops.serve import server_stores

        stores = server_stores(shops)
    else:
        settings = load_shop(config)
        stores = open_stores(settings.database_url(settings.store.url))
    return KeyDesk(stores.keys, stores.audit, lambda: datetime.now(UTC))


def _shown(key: ApiKey) -> dict[str, object]:
    return {name: value for name, value in asdict(key).items() if name != "digest"}
