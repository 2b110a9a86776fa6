"""`regulars exhibit`."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from features.errors import ConfigError
from features.language.languages import SOURCE, languages
from serving.commands.frame import Speaker, common_options
from serving.exhibits.store import ExhibitStore
from serving.runs.store import RunStore
from serving.settings import load_shop

MOST_ROWS = 25


@click.command("exhibit")
@click.argument("name", required=False)
@click.option("--lang", type=click.Choice(languages()), default=SOURCE, show_default=True)
@common_options
def exhibit(name: str | None, lang: str, config: Path, speaker: Speaker) -> None:
    """A table about the whole shop, such as customer_loss; without a NAME, which there are."""
    settings = load_shop(config)
    store = RunStore(settings.database_url(settings.store.url))
    run, exhibits = store.latest_run(), ExhibitStore(store.engine)
    names = exhibits.names(run.info.run_id)
    chosen = names if name is None else [name]
    bodies = {
        exhibit_name: exhibits.exhibit(run.info.run_id, exhibit_name) for exhibit_name in chosen
    }
    tables = {
        exhibit_name: json.loads(body) for exhibit_name, body in bodies.items() if body is not None
    }
    if name is None:
        speaker.table(
            f"Exhibits of the run of {run.info.as_of}:",
            ["exhibit", "title"],
            [[exhibit_name, table["title"][lang]] for exhibit_name, table in tables.items()],
            text_columns=("title",),
        )
        speaker.result({"run_id": run.info.run_id, "exhibits": list(names)})
        return
    if name not in tables:
        raise ConfigError(f"NAME {name}: this run has no such exhibit (have: {', '.join(names)}).")
    table = tables[name]
    speaker.say(f"{table['title'][lang]}, as of {run.info.as_of}")
    if table["data"] is None:
        speaker.say(table["why_not"][lang])
    else:
        _say(speaker, table["data"], lang)
    speaker.say(table["method"][lang])
    speaker.result({"run_id": run.info.run_id, "exhibit": name, **table})


def _say(speaker: Speaker, data: Mapping[str, Any], lang: str) -> None:
    """Single figures first, then each table."""
    figures = {key: value for key, value in data.items() if not isinstance(value, dict | list)}
    if figures:
        speaker.table("", ["figure", ""], [[key, _text(value)] for key, value in figures.items()])
    for title, rows in _tables(data, lang):
        columns = list(rows[0])
        speaker.table(
            f"\n{title}:" if title else "",
            columns,
            [[_text(row.get(column)) for column in columns] for row in rows[:MOST_ROWS]],
            text_columns=tuple(c for c in columns if isinstance(rows[0][c], str)),
        )
        if len(rows) > MOST_ROWS:
            speaker.say(f"and {len(rows) - MOST_ROWS:,} more; --json has all.")


def _tables(
    value: Any, lang: str, path: str = ""
) -> Iterator[tuple[str, Sequence[Mapping[str, Any]]]]:
    """The lists of records in an exhibit, and columns of equal length as records."""
    if isinstance(value, list) and value and all(isinstance(row, dict) for row in value):
        yield path, value
    elif isinstance(value, dict):
        if lang in value and SOURCE in value:
            return
        columns = {key: part for key, part in value.items() if _is_column(part)}
        if columns and len({len(part) for part in columns.values()}) == 1:
            rows = zip(*columns.values(), strict=True)
            yield path, [dict(zip(columns, row, strict=True)) for row in rows]
        single = {k: v for k, v in value.items() if path and not isinstance(v, dict | list)}
        if single:
            yield path, [single]
        for key, part in value.items():
            yield from _tables(part, lang, f"{path}.{key}" if path else key)


def _is_column(part: Any) -> bool:
    return isinstance(part, list) and bool(part) and not isinstance(part[0], dict)


def _text(value: Any) -> str:
    match value:
        case None:
            return "–"
        case bool():
            return "yes" if value else "no"
        case int():
            return f"{value:,}"
        case float():
            return f"{value:,.4g}" if abs(value) < 1 else f"{value:,.2f}"
        case list() | dict():
            return json.dumps(value, ensure_ascii=False)
    return str(value)
