"""One customer who moved between two score runs, told to the change feed."""

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from serving.changes.feed import FIGURES, AnnouncedFigures
from serving.store.rules import EXACT, PublishRules, edges
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
    mine = announced.c.customer_id == customer_id
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
    connection.execute(delete(announced).where(mine))
    if now is not None:
        connection.execute(insert(announced).values(customer_id=customer_id, **_figures(now)))


_BEFORE = select(*(announced.c[name] for name in FIGURES)).where(
    announced.c.customer_id == bindparam("customer")
)


def told_of(risk: str | None, churn: float, clv: float) -> AnnouncedFigures:
    """What was told, from the columns of `announced`."""
    known = [None if value == UNKNOWN else value for value in (churn, clv)]
    return AnnouncedFigures(retention_risk=risk, churn_probability=known[0], clv=known[1])


def _is_news(
    before: AnnouncedFigures | None, now: AnnouncedFigures | None, run: RunInfo, rules: PublishRules
) -> bool:
    if before is None or now is None:
        return before is not now
    return worth_telling(before, now, run, rules)


def _figures(told: AnnouncedFigures | None) -> dict[str, str | float | None]:
    if told is None:
        return dict.fromkeys(FIGURES)
    churn, clv = (
        UNKNOWN if value is None else value for value in (told.churn_probability, told.clv)
    )
    return {"retention_risk": told.retention_risk, "churn_probability": churn, "clv": clv}


def worth_telling(
    before: AnnouncedFigures, now: AnnouncedFigures, run: RunInfo, rules: PublishRules
) -> bool:
    """Whether a customer is another one than told: see `docs/settings.md`, `[changes]`."""
    churn = _apart(before.churn_probability, now.churn_probability)
    clv = _apart(before.clv, now.clv)
    of_silence = any(told.retention_risk != _band(told, run) for told in (before, now))
    return (
        churn >= rules.churn_points - EXACT
        or (clv > 0 and clv >= max(rules.least_clv, rules.clv_share * abs(before.clv or 0)) - EXACT)
        or (
            before.retention_risk != now.retention_risk
            and (churn >= rules.band_margin - EXACT or of_silence)
        )
    )


def _apart(before: float | None, now: float | None) -> float:
    if before is None or now is None:
        return 0.0 if before is now else float("inf")
    return abs(now - before)


def _band(told: AnnouncedFigures, run: RunInfo) -> str:
    churn = float("-inf") if told.churn_probability is None else told.churn_probability
    return next((band for band, edge in edges(run).items() if churn >= edge), "low")
