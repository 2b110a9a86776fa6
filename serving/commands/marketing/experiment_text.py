"""What `regulars experiment` says to people: arms, then effects, then for whom."""

from serving.commands.frame import Speaker
from training.experiments.campaign_reading import EffectInterval
from training.experiments.experiment_reading import (
    ExperimentReading,
    LeftOutColumn,
    OutcomeKind,
)

DOUBTS = {
    "explains_nearly_all": "explains nearly all of",
    "moves_the_effect": "moves the effect by more than chance in",
}
VERDICTS = {
    "positive": "higher",
    "negative": "lower",
    "too_small_to_tell": "too small to tell",
}
WHY = {
    "differs_between_arms": "differs between the arms: an outcome, or the draw was not random",
    "identifies_rows": "an id: it tells rows apart",
    "too_many_values": "too many different values",
    "always_the_same": "always the same",
}


def say_experiment(speaker: Speaker, reading: ExperimentReading) -> None:
    """Everything that was read, in tables and sentences."""
    _say_arms(speaker, reading)
    _say_effects(speaker, reading)
    for effect in reading["effects"]:
        if doubt := effect.get("doubt"):
            speaker.say(
                f"{doubt['column']} {DOUBTS[doubt['why']]} {effect['outcome']} ({effect['arm']}): it was "
                f"probably measured after the start. Leave it out with --ignore {doubt['column']}."
            )
    _say_groups(speaker, reading)
    _say_uplift(speaker, reading)
    used = ", ".join(reading["covariates"]) or "nothing"
    speaker.say(f"\nTaken as known before the start: {used}.")
    for column in reading["left_out"]:
        speaker.say(f"Left out: {column['column']} ({_why(column)}).")


def figure(value: float, kind: OutcomeKind, *, signed: bool = True) -> str:
    """A mean or a difference: percent points of a share, four digits of an amount."""
    sign = "+" if signed else ""
    if kind == "share":
        return f"{100 * value:{sign}.2f}{' points' if signed else ' %'}"
    return f"{value:{sign},.4g}"


def _say_arms(speaker: Speaker, reading: ExperimentReading) -> None:
    kinds = {effect["outcome"]: effect["kind"] for effect in reading["effects"]}
    missing = f"; {reading['without_arm']:,} without an arm" if reading["without_arm"] else ""
    speaker.table(
        f"{reading['members']:,} members{missing}",
        ["arm", "members", *kinds],
        [
            [
                f"{arm['arm']} (control)" if arm["is_control"] else arm["arm"],
                f"{arm['members']:,}",
                *(figure(arm["means"][name], kind, signed=False) for name, kind in kinds.items()),
            ]
            for arm in reading["arms"]
        ],
    )


def _say_effects(speaker: Speaker, reading: ExperimentReading) -> None:
    speaker.table(
        "\nMore than in the control arm, with 90 % intervals",
        ["arm", "outcome", "plain difference", "adjusted", "verdict"],
        [
            [
                effect["arm"],
                effect["outcome"],
                _span(effect["raw"], effect["kind"]),
                "–" if effect["adjusted"] is None else _span(effect["adjusted"], effect["kind"]),
                VERDICTS[effect["verdict"]],
            ]
            for effect in reading["effects"]
        ],
        text_columns=("outcome", "verdict"),
    )


def _say_groups(speaker: Speaker, reading: ExperimentReading) -> None:
    kinds = {effect["outcome"]: effect["kind"] for effect in reading["effects"]}
    if not reading["groups"]:
        speaker.say(f"\nNo groups differ, by {reading['columns_tried']} columns tried.")
        return
    speaker.table(
        f"\nGroups that react differently, of {reading['columns_tried']} columns tried;"
        " small groups are drawn toward the others",
        ["arm", "outcome", "group", "members", "effect"],
        [
            [
                groups["arm"],
                groups["outcome"],
                f"{groups['column']}: {level['value']}",
                f"{level['members']:,}",
                _span(level["shrunken"], kinds[groups["outcome"]]),
            ]
            for groups in reading["groups"]
            for level in groups["levels"]
        ],
        text_columns=("outcome", "group"),
    )


def _say_uplift(speaker: Speaker, reading: ExperimentReading) -> None:
    if not reading["uplift"]:
        speaker.say("\nToo few members to learn who can be persuaded (2,000, and 400 in each arm).")
        return
    speaker.table(
        "\nWho can be persuaded: Qini out of fold, with 90 % intervals",
        ["arm", "outcome", "learner", "Qini", "from", "to", "better than chance"],
        [
            [
                entry["arm"],
                entry["outcome"],
                entry["learner"].upper(),
                *(f"{entry['qini'][end]:.4g}" for end in ("value", "low", "high")),
                "yes" if entry["beats_random"] else "no",
            ]
            for entry in reading["uplift"]
        ],
        text_columns=("outcome",),
    )


def _span(interval: EffectInterval, kind: OutcomeKind) -> str:
    ends = f"{figure(interval['low'], kind)} to {figure(interval['high'], kind)}"
    return f"{figure(interval['value'], kind)} ({ends})"


def _why(column: LeftOutColumn) -> str:
    return WHY[column["why"]]
