"""`regulars check` and `regulars features`."""

from datetime import date
from pathlib import Path

import click

from features.doctor.gates import refused
from features.orders.log import check_orders
from serving.commands.frame import (
    IsoDate,
    Speaker,
    accept_option,
    accepting,
    common_options,
    fail,
    write_text,
)
from serving.commands.shop.report_text import say_report
from serving.settings import load_shop


@click.command()
@click.option(
    "--html",
    type=click.Path(path_type=Path, dir_okay=False),
    default=None,
    help="Write the report as one page of HTML, too.",
)
@accept_option
@common_options
def check(config: Path, html: Path | None, accepted: tuple[str, ...], speaker: Speaker) -> None:
    """The doctor: read the orders, say what was used and what was put aside and why.

    Ends with 1 when the orders are not fit for training, with 3 when they are plainly misread.
    """
    from serving.live.handover import lines_sent

    settings = accepting(load_shop(config), accepted)
    quarantine = settings.path(settings.store.quarantine)
    with check_orders(settings, sent=lines_sent(settings)) as report:
        if html is not None:
            from features.doctor.report_html import page

            write_text(html, page(report, quarantine), option="--html")
        say_report(speaker, report, quarantine)
        speaker.result({**report.to_dict(), "quarantine": str(quarantine)})
        if html is not None:
            speaker.say(f"Wrote {html}.")
    if report.refusals:
        fail(refused(report))


@click.command()
@click.option(
    "--as-of",
    "dates",
    type=IsoDate(),
    multiple=True,
    help="Only orders before this date are seen; several dates are one table. "
    "The day after the last order by default.",
)
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    help="The Parquet file of features: a row per date and customer.",
)
@click.option(
    "--lines",
    type=click.Path(path_type=Path, dir_okay=False),
    default=None,
    help="Write the clean order lines as Parquet, too, for a warehouse or Spark.",
)
@common_options
def features(
    config: Path, dates: tuple[date, ...], output: Path, lines: Path | None, speaker: Speaker
) -> None:
    """Write the features of every customer at one or more dates."""
    from features.engines.exports import write_features, write_lines
    from features.orders.kept_log import open_kept_log

    settings = load_shop(config)
    with open_kept_log(settings) as log:
        days = sorted(set(dates)) or [log.end]
        answer: dict[str, object] = {"as_of": days, "features": str(output)}
        if lines is not None:
            answer |= {"lines": str(lines), "line_rows": write_lines(log, lines)}
            speaker.say(f"Wrote {answer['line_rows']:,} clean lines to {lines}.")
        answer["rows"] = write_features(log, days, output)
    speaker.say(f"Wrote {answer['rows']:,} rows as of {', '.join(map(str, days))} to {output}.")
    speaker.result(answer)
