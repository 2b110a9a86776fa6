"""The doctor's report as one self-contained page of HTML."""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from features.doctor.report import Report, WeekCount, money, whole_money

_TITLES = {
    "refuses": "To be mended before anything trains",
    "accepted": "Accepted by the shop",
    "look": "Worth a look",
    "fixed": "Dealt with by a rule",
}


def page(report: Report, quarantine: Path) -> str:
    """The page.

    Parameters
    ----------
    report : what the doctor found
    quarantine : where the rows put aside are

    Returns
    -------
    HTML with its style inside, no script and no address: every value of the file is escaped.
    """
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("report.html").render(
        report=report,
        quarantine=quarantine,
        titles=_TITLES,
        bars=_bars(report.weeks),
        money=lambda amount: money(report, amount),
        whole=lambda amount: whole_money(report, amount),
    )


def _bars(weeks: tuple[WeekCount, ...]) -> list[tuple[WeekCount, float, float, float]]:
    """Each week with the left edge, width and height of its bar in per cent.

    Weeks without a sale leave a gap.
    """
    if not weeks:
        return []
    highest = max(week.rows for week in weeks)
    weeks_shown = (weeks[-1].monday - weeks[0].monday).days // 7 + 1
    width = 100 / weeks_shown
    return [
        (week, (week.monday - weeks[0].monday).days // 7 * width, width, 100 * week.rows / highest)
        for week in weeks
    ]
