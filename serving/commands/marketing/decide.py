"""`regulars decide`."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import click
import numpy as np
import pandas as pd

from features.errors import ConfigError
from serving.commands.frame import Speaker, common_options, write_text
from serving.experiments.table_file import read_table_file
from training.experiments.decisions.decide import read_decision
from training.experiments.decisions.decision_design import (
    EXPLORE,
    HOLD_OUT,
    DecisionDesign,
    affordable,
)
from training.experiments.decisions.decision_reading import DecisionReading, GroupShares
from training.experiments.decisions.drawing import draw_arms
from training.experiments.decisions.round_table import RoundColumns, groups_in, rounds_of

SEED = 20_260_101
VERDICTS = {
    "positive": "better than nothing",
    "negative": "worse than nothing",
    "too_small_to_tell": "too small to tell",
}
STOPS = {
    "rounds_done": "All planned rounds were held.",
    "exploring_costs_more_than_it_can_bring": "Exploring one more round costs more than it can"
    " still bring.",
}


@click.command("decide")
@click.argument("file", required=False, type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--treatment",
    "treatments",
    multiple=True,
    required=True,
    metavar="NAME=COST",
    help="A treatment and what one contact costs; may be repeated.",
)
@click.option("--control", default="nothing", show_default=True, help="The arm not contacted.")
@click.option("--rounds", required=True, type=click.IntRange(1, 100), help="At most.")
@click.option("--members", required=True, type=click.IntRange(20), help="Expected per round.")
@click.option("--hold-out", default=HOLD_OUT, show_default=True, help="Least share of the control.")
@click.option("--explore", default=EXPLORE, show_default=True, help="Least share of a treatment.")
@click.option("--id", "id_column", default="customer_id", show_default=True)
@click.option("--round", "round_column", default="round", show_default=True)
@click.option("--arm", "arm_column", default="arm", show_default=True)
@click.option("--outcome", "outcome_column", default="margin", show_default=True)
@click.option("--group", "group_column", help="Shares by the groups of this column.")
@click.option("--before", multiple=True, help="A column that was known before its round.")
@click.option(
    "--draw",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Draw the next round's arms for the customers of this table.",
)
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), help="Where they go.")
@click.option("--seed", default=str(SEED), show_default=True, help="Of the draw.")
@click.option("--budget", type=click.FloatRange(min=0), help="What the next round may cost.")
@click.option(
    "--most-contacts", type=click.IntRange(1), help="Nobody is contacted more often, in FILE."
)
@common_options
def decide(  # noqa: PLR0913 - options of a command
    *,
    file: Path | None,
    treatments: Sequence[str],
    control: str,
    rounds: int,
    members: int,
    hold_out: float,
    explore: float,
    id_column: str,
    round_column: str,
    arm_column: str,
    outcome_column: str,
    group_column: str | None,
    before: Sequence[str],
    draw: Path | None,
    output: Path | None,
    seed: str,
    budget: float | None,
    most_contacts: int | None,
    config: Path,  # noqa: ARG001 - an option of every command
    speaker: Speaker,
) -> None:
    """Several treatments in rounds: what is known of each, and who gets which next.

    FILE holds the rounds so far, a row per customer and round: round (1, 2, …), arm, outcome before
    the cost of the contact. Without it the first round is planned, with equal shares. Rounds,
    treatments and least shares are fixed before the first round: give the same ones each time.
    """
    design = _design(treatments, control, rounds, members, hold_out, explore)
    columns = RoundColumns(
        round=round_column,
        arm=arm_column,
        outcome=outcome_column,
        group=group_column,
        known=tuple(before),
    )
    held = None if file is None else read_table_file(file)
    reading = None
    if held is not None:
        groups = groups_in(held, columns)
        reading = read_decision(
            design, rounds_of(held, columns, design.arms, groups), groups=groups, seed=SEED
        )
    shares = reading["next"] if reading else _first(design)
    _say(speaker, design, reading, shares)
    drawn = None
    if draw is not None:
        if output is None:
            raise ConfigError("--output: say where the drawn arms go.")
        table = _limited(read_table_file(draw), held, id_column, arm_column, control, most_contacts)
        drawn = _drawn(table, design, shares, id_column, group_column, seed, budget)
        write_text(output, drawn.to_csv(index=False))
        speaker.say(f"\n{len(drawn):,} customers drawn into {output}.")
    speaker.result(
        {
            "arms": design.arms,
            "costs": design.costs,
            "reading": reading,
            "next": shares,
            "drawn": None if drawn is None else dict(Counter(drawn["arm"])),
        }
    )


def _design(
    treatments: Sequence[str],
    control: str,
    rounds: int,
    members: int,
    hold_out: float,
    explore: float,
) -> DecisionDesign:
    names, costs = [control], [0.0]
    for treatment in treatments:
        name, _, cost = treatment.rpartition("=")
        try:
            costs.append(float(cost))
        except ValueError:
            name = ""
        if not name:
            raise ConfigError(f"--treatment {treatment}: write NAME=COST, such as letter=0.80.")
        names.append(name)
    design = DecisionDesign(
        arms=tuple(names),
        costs=tuple(costs),
        rounds=rounds,
        members=members,
        hold_out=hold_out,
        explore=explore,
    )
    design.check()
    return design


def _first(design: DecisionDesign) -> list[GroupShares]:
    """Equal shares for everybody, before anything is known."""
    equal = dict(zip(design.arms, design.equal_shares, strict=True))
    return [{"group": "all", "best": equal, "shares": equal}]


def _limited(
    table: pd.DataFrame,
    held: pd.DataFrame | None,
    id_column: str,
    arm_column: str,
    control: str,
    most: int | None,
) -> pd.DataFrame:
    """Without those who were contacted as often as may be, and each customer once."""
    if id_column not in table.columns:
        raise ConfigError(f"--id {id_column}: no such column (have: {', '.join(map(str, table))}).")
    table = table.drop_duplicates(id_column)
    if most is None or held is None:
        return table
    if id_column not in held.columns:
        raise ConfigError(f"--id {id_column}: FILE has no such column.")
    contacts = held[held[arm_column].astype(str) != control][id_column].astype(str).value_counts()
    tired = contacts.index[contacts >= most]
    return table[~table[id_column].astype(str).isin(tired)]


def _drawn(
    table: pd.DataFrame,
    design: DecisionDesign,
    shares: Sequence[GroupShares],
    id_column: str,
    group_column: str | None,
    seed: str,
    budget: float | None,
) -> pd.DataFrame:
    """Id, group, arm and the probability with which it was drawn."""
    by_group = {entry["group"]: [entry["shares"][arm] for arm in design.arms] for entry in shares}
    ids = table[id_column].astype(str)
    is_grouped = group_column is not None and len(by_group) > 1
    groups = table[group_column].astype(str) if is_grouped else ids.map(lambda _: "all")
    if unknown := sorted(set(groups) - set(by_group)):
        raise ConfigError(f"--group: no round has had the groups {', '.join(unknown)}.")
    if budget is not None:
        overall = np.mean([by_group[group] for group in groups], axis=0).tolist()
        size = affordable(overall, design.costs, budget)
        affordable_rows = ids.sample(frac=1, random_state=SEED).index[:size]
        ids, groups = ids.loc[affordable_rows], groups.loc[affordable_rows]
    arms = draw_arms(ids.tolist(), groups.tolist(), by_group, seed)
    return pd.DataFrame(
        {
            id_column: ids.to_numpy(),
            "group": groups.to_numpy(),
            "arm": [design.arms[arm] for arm in arms],
            "probability": [by_group[group][arm] for group, arm in zip(groups, arms, strict=True)],
        }
    )


def _say(
    speaker: Speaker,
    design: DecisionDesign,
    reading: DecisionReading | None,
    shares: Sequence[GroupShares],
) -> None:
    if reading is None:
        cost = design.exploration_cost(1.0)
        speaker.say(
            f"Exploring: {cost.first_round:,.0f} of the first round's members and at least"
            f" {cost.later_rounds:,.0f} of all later ones are not in the best arm"
            f" ({cost.equal_shares:,.0f} with equal shares). Each costs what the best arm would have"
            " brought more."
        )
    else:
        _say_effects(speaker, reading)
    speaker.table(
        "\nShares of the next round",
        ["group", *design.arms],
        [
            [entry["group"], *(f"{entry['shares'][arm]:.1%}" for arm in design.arms)]
            for entry in shares
        ],
    )
    if reading and (stop := reading["stop"]):
        speaker.say(f"\nStop: {STOPS[stop]} Best: {reading['best']}.")


def _say_effects(speaker: Speaker, reading: DecisionReading) -> None:
    speaker.table(
        f"After round {len(reading['rounds'])}, more than {reading['control']} per member after the"
        " cost of the contact; the intervals hold in 9 of 10 decisions, however often looked at",
        ["treatment", "more", "from", "to", "verdict"],
        [
            [
                entry["arm"],
                *(f"{entry['effect'][end]:+,.4g}" for end in ("value", "low", "high")),
                VERDICTS[entry["verdict"]],
            ]
            for entry in reading["effects"]
        ],
        text_columns=("verdict",),
    )
    speaker.say(
        f"Exploring has cost about {reading['exploring_cost']:,.4g}; equal shares would have cost"
        f" {reading['equal_shares_cost']:,.4g}."
    )
