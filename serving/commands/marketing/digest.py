"""`regulars digest`."""

from datetime import UTC, datetime
from pathlib import Path

import click

from features.errors import ConfigError
from serving.commands.frame import Speaker, common_options
from serving.digest.message import digest_html, digest_text, message_of
from serving.digest.sending import digest_of, send_now
from serving.runs.store import RunStore
from serving.settings import load_shop


@click.command()
@click.option(
    "--to-file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write it to this .html, .txt or .eml file instead of sending it.",
)
@common_options
def digest(*, to_file: Path | None, config: Path, speaker: Speaker) -> None:
    """Send the digest by e-mail now: who to look at this week, and running campaigns.

    `regulars run` sends it once a week.
    """
    settings, at = load_shop(config), datetime.now(UTC)
    runs = RunStore(settings.database_url(settings.store.url))
    if to_file is None:
        send_now(settings, runs, runs.engine, at)
        speaker.say(f"Sent the digest to {len(settings.digest.to)}.")
        speaker.result({"sent_to": len(settings.digest.to)})
        return
    content = digest_of(settings, runs, runs.engine, at)
    match to_file.suffix.lower():
        case ".html":
            written = digest_html(content).encode()
        case ".txt":
            written = digest_text(content).encode()
        case ".eml":
            written = message_of(content, settings.digest, at).as_bytes()
        case ending:
            raise ConfigError(f"{to_file}: --to-file ends in .html, .txt or .eml, not {ending!r}.")
    try:
        to_file.write_bytes(written)
    except OSError as error:
        raise ConfigError(f"{to_file}: cannot be written ({error.strerror}).") from None
    speaker.say(f"Wrote {to_file}")
    speaker.result({"output": str(to_file)})
