"""`regulars prospects`."""

from datetime import UTC, date, datetime
from pathlib import Path

import click

from serving.commands.frame import IsoDate, Speaker, common_options
from serving.commands.people.audit import note
from serving.settings import load_shop

SHOWN = 20


@click.command()
@click.option("--as-of", type=IsoDate(), default=None, help="Only what was known before this date.")
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    default=None,
    help="Write everybody into this CSV file.",
)
@common_options
def prospects(*, as_of: date | None, output: Path | None, config: Path, speaker: Speaker) -> None:
    """People who looked, asked or filled carts and have bought nothing, the likeliest first."""
    from features.orders.log import read_orders
    from features.segments.interactions.prospects import prospects as people_of
    from serving.churn_list.lists import csv_bytes

    settings = load_shop(config)
    with read_orders(settings) as log:
        day = as_of or log.end
        people = people_of(log, day).reset_index()
    names = ["person_id", "propensity", "stage", "silent_days", "signs", "product_id", "category"]
    rows = [
        [None if value != value else value for value in row]  # noqa: PLR0124 - NaN alone differs
        for row in people[names].astype(object).to_numpy().tolist()
    ]
    speaker.table(
        f"{len(rows):,} people have bought nothing before {day}; the likeliest:",
        names,
        [["" if value is None else str(value) for value in row] for row in rows[:SHOWN]],
        text_columns=("person_id", "stage", "product_id", "category"),
    )
    if output is not None:
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_bytes(csv_bytes([names, *rows]))
        note(
            settings,
            "export",
            count=len(rows),
            detail="people who bought nothing",
            at=datetime.now(UTC),
        )
        speaker.say(f"Wrote {output}.")
    speaker.result({"as_of": day, "people": [dict(zip(names, row, strict=True)) for row in rows]})
