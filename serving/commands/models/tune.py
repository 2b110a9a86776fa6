"""`regulars tune`."""

from datetime import date
from pathlib import Path

import click

from features.orders.kept_log import read_kept_orders
from serving.commands.frame import Speaker, as_of_option, common_options
from serving.live.handover import lines_sent
from serving.settings import load_shop
from training.tuning import tune as search


@click.command()
@as_of_option
@click.option(
    "--minutes",
    type=click.FloatRange(min=0, min_open=True),
    default=10.0,
    show_default=True,
    help="How long settings are tried; a search of the same orders goes on where it was.",
)
@click.option("--trials", type=click.IntRange(1), help="At most so many settings now.")
@common_options
def tune(
    as_of: date | None, minutes: float, trials: int | None, config: Path, speaker: Speaker
) -> None:
    """Search settings of the trees on past folds; judge them on the last fold, once.

    Nothing is changed: what is worth it is printed as the section to put into the settings.
    """
    settings = load_shop(config)
    with read_kept_orders(settings, sent=lines_sent(settings)) as log:
        outcome = search(log, as_of, minutes=minutes, trials=trials, progress=speaker.progress)
    speaker.say(
        f"Tried {outcome.tried}; on the folds of the search the best is {outcome.on_search:+.2%} better."
    )
    speaker.say(f"{outcome.sentence()}.")
    section = "\n".join(
        f"{name} = {value:.6g}" for name, value in outcome.best.model_dump().items()
    )
    if outcome.is_worth_it:
        speaker.say(f"\n[train.boosting]\n{section}")
    speaker.result(
        {
            "run_id": outcome.run_id,
            "tried": outcome.tried,
            "boosting": outcome.best.model_dump(),
            "gain_on_search": outcome.on_search,
            "judged_from": outcome.judged_from.isoformat(),
            "gains": [vars(gain) for gain in outcome.gains],
            "worth_it": outcome.is_worth_it,
        }
    )
