"""One customer who moved between two score runs, told to the change feed."""

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from serving.changes.feed import FIGURES, AnnouncedFigures, told_of
from serving.store.rules import EXACT, PublishRules, band_of
from serving.store.run import RunInfo
from serving.store.tables import UNKNOWN, announced, change_feed, changes


def announce_one(
    connection: Connection,
    run_no: int,
    run: RunInfo,
    customer_id: str,
    now: AnnouncedFigures | None,
    rules: PublishRules,
) -> None:
    """Write that a customer moved, by the rules of a run; nothing where it is not worth it.

    Parameters
    ----------
    run : the latest, to which `run_no` belongs; its bands decide
    now : what is said of the customer from now on, None: nothing
    """
    of_customer = announced.c.customer_id == customer_id
    row = connection.execute(_BEFORE, {"customer": customer_id}).first()
    before = None if row is None else told_of(*row)
    if not _is_news(before, now, run, rules):
        return
    # the end of the feed is held until the transaction ends
    number = connection.execute(
        update(change_feed)
        .values(next_no=change_feed.c.next_no + 1)
        .returning(change_feed.c.next_no - 1)
    ).scalar_one()
    kind = "removed" if now is None else "new" if before is None else "changed"
    connection.execute(
        insert(changes).values(
            change_no=number,
            run_no=run_no,
            kind=kind,
            customer_id=customer_id,
            **{f"{name}_before": value for name, value in _figures(before).items()},
            **_figures(now),
        )
    )
    connection.execute(delete(announced).where(of_customer))
    if now is not None:
        connection.execute(insert(announced).values(customer_id=customer_id, **_figures(now)))


_BEFORE = select(*(announced.c[name] for name in FIGURES)).where(
    announced.c.customer_id == bindparam("customer")
)


def _is_news(
    before: AnnouncedFigures | None,
    after: AnnouncedFigures | None,
    run: RunInfo,
    rules: PublishRules,
) -> bool:
    if before is None or after is None:
        return before is not after
    return worth_telling(before, after, run, rules)


def _figures(figures: AnnouncedFigures | None) -> dict[str, str | float | None]:
    if figures is None:
        return dict.fromkeys(FIGURES)
    churn, clv = (
        UNKNOWN if value is None else value for value in (figures.churn_probability, figures.clv)
    )
    return {"retention_risk": figures.retention_risk, "churn_probability": churn, "clv": clv}


def worth_telling(
    before: AnnouncedFigures, after: AnnouncedFigures, run: RunInfo, rules: PublishRules
) -> bool:
    """Whether a customer is another one than told: see `docs/settings.md`, `[changes]`."""
    churn = _apart(before.churn_probability, after.churn_probability)
    clv = _apart(before.clv, after.clv)
    of_silence = any(figures.retention_risk != _band(figures, run) for figures in (before, after))
    return (
        churn >= rules.churn_points - EXACT
        or (clv > 0 and clv >= max(rules.least_clv, rules.clv_share * abs(before.clv or 0)) - EXACT)
        or (
            before.retention_risk != after.retention_risk
            and (churn >= rules.band_margin - EXACT or of_silence)
        )
    )


def _apart(before: float | None, after: float | None) -> float:
    if before is None or after is None:
        return 0.0 if before is after else float("inf")
    return abs(after - before)


def _band(figures: AnnouncedFigures, run: RunInfo) -> str:
    churn = float("-inf") if figures.churn_probability is None else figures.churn_probability
    return band_of(churn, run)
