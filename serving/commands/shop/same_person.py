"""`regulars same-person`."""

from datetime import UTC, datetime
from pathlib import Path

import click

from serving.commands.frame import Speaker, common_options
from serving.commands.people.audit import note
from serving.settings import load_shop

SHOWN = 20


@click.command("same-person")
@click.option("--least", type=click.FloatRange(0, 1), default=0.5, show_default=True)
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    default=None,
    help="Write all pairs into this CSV file.",
)
@common_options
def same_person(*, least: float, output: Path | None, config: Path, speaker: Speaker) -> None:
    """Propose who may be the same person; nothing is merged.

    Whoever decides that a pair is one person puts its first two columns into the table of identities.
    """
    from features.tables.same_person import same_person_candidates
    from serving.churn_list.lists import csv_bytes

    settings = load_shop(config)
    pairs = same_person_candidates(settings, least=least)
    rows = [
        [None if value is None else value for value in row]
        for row in pairs.astype(object).to_numpy().tolist()
    ]
    names = list(pairs.columns)
    speaker.table(
        f"{len(rows):,} pairs may be one person; the surest:",
        names,
        [["" if value is None else str(value) for value in row] for row in rows[:SHOWN]],
        text_columns=("card_id", "customer_id", "name"),
    )
    if output is not None:
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_bytes(csv_bytes([names, *rows]))
        detail = "pairs that may be one person"
        note(settings, "export", count=len(rows), detail=detail, at=datetime.now(UTC))
        speaker.say(f"Wrote {output}.")
    speaker.result({"pairs": [dict(zip(names, row, strict=True)) for row in rows]})
