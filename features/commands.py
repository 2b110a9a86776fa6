"""`regulars init` and `regulars check`."""

from pathlib import Path

import click
from babel.numbers import format_currency

from features.command_line import Speaker, common_options, fail
from features.config import CONFIG_NAME, load_settings
from features.doctor import Report
from features.errors import ConfigError, RegularsError
from features.orders import check_orders


@click.command()
@click.argument("file")
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    default=CONFIG_NAME,
    show_default=True,
    help="Where to write the configuration.",
)
@click.option("--json", "as_json", is_flag=True, help="Answer with one JSON document.")
def init(file: str, output: Path, *, as_json: bool) -> None:
    """Look at FILE (Parquet or CSV, a glob for several) and write a regulars.toml for it."""
    from features.proposal import propose

    speaker = Speaker(as_json=as_json)
    try:
        if output.exists():
            raise ConfigError(f"{output}: exists already. Remove it or choose another --output.")
        proposal = propose(file, relative_to=output.parent)
        _write(output, proposal.toml)
    except RegularsError as error:
        fail(error)
    for note in proposal.notes:
        speaker.say(f"• {note}")
    speaker.say(f"Wrote {output}. Next: regulars check --config {output}")
    speaker.result({"config": str(output), "notes": proposal.notes, "settings": proposal.settings})


def _write(output: Path, text: str) -> None:
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigError(
            f"{output}: cannot be written ({error.strerror}). Choose another --output."
        ) from None


@click.command()
@common_options
def check(config: Path, speaker: Speaker) -> None:
    """The doctor: read the orders, say what was used and what was put aside and why."""
    settings = load_settings(config)
    with check_orders(settings) as report:
        quarantine = settings.path(settings.store.quarantine)
        _say_report(speaker, report, quarantine)
        speaker.result({**report.to_dict(), "quarantine": str(quarantine)})


def _say_report(speaker: Speaker, report: Report, quarantine: Path) -> None:
    def money(amount: float) -> str:
        return str(format_currency(amount, report.currency, locale="en"))

    speaker.say(f"{report.source}: {report.rows_read:,} rows read")
    speaker.say(
        f"  {report.rows_used:,} used: {report.orders:,} orders of {report.customers:,} customers, "
        f"{report.products:,} products, {report.first_day} to {report.last_day}, "
        f"{money(report.revenue)} net"
    )
    if report.return_rows:
        speaker.say(f"  among them {report.return_rows:,} returns ({money(report.returned)})")
    speaker.say(f"  {report.one_order_customers:,} customers have ordered once")
    if report.quarantined:
        speaker.say(f"  {report.rows_quarantined:,} put aside in {quarantine}:")
        speaker.table(
            "",
            ["  reason", "rows", "money", "first", "which means"],
            [
                [f"  {c.reason}", f"{c.rows:,}", money(c.amount), c.example, c.meaning]
                for c in report.quarantined
            ],
            words=("first", "which means"),
        )
    else:
        speaker.say("  none put aside")
    for note in report.notes:
        speaker.say(f"• {note}")
