"""`regulars models` and `regulars promote`: which models are in force, and which could be."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from features.errors import ConfigError, StoppedByGate
from serving.commands.frame import Speaker, common_options
from serving.commands.people.audit import note
from serving.settings import Settings, load_shop
from training.bundle.manifest import Manifest, current_bundle, read_manifest
from training.errors import BundleError, TrackingError
from training.promotion.promotion import RULE as PROMOTION_RULE
from training.tasks.catalogue import TASKS, registered_name
from training.tracking.registry import registered_versions

if TYPE_CHECKING:
    from training.succession import Promotion
    from training.tracking.mlflow_runs import RegisteredVersion


@click.group(invoke_without_command=True)
@common_options
@click.pass_context
def models(ctx: click.Context, config: Path, speaker: Speaker) -> None:
    """List the models: versions, grades, which is champion, and why.

    What is in force is told by the published bundle, also without MLflow's database.
    """
    if ctx.invoked_subcommand is None:
        _list_models(config, speaker)


@models.command()
@click.argument("version")
@click.argument("other")
@click.option(
    "--model",
    "name",
    type=click.Choice([task.name for task in TASKS]),
    default="churn",
    show_default=True,
    help="Which model they are versions of.",
)
@common_options
def compare(version: str, other: str, name: str, config: Path, speaker: Speaker) -> None:
    """Compare VERSION with OTHER on the folds of both: per fold, per group, per tenth.

    Without a fold in common, each stands beside the baseline on its own folds.
    """
    from training.version_comparison import compare_versions

    settings = load_shop(config)
    comparison = compare_versions(settings, name, version, other)
    registered = registered_name(name, settings.tracking.models)
    if comparison.baseline is not None:
        speaker.say(
            f"{registered}: versions {version} and {other} were judged on no day in common, so "
            f"neither can be held beside the other. Each stands beside the {comparison.baseline} on its "
            "own days, which differ as much as the versions do. Train both up to the same date "
            "to compare them."
        )
    for number, rows in comparison.table.groupby("version", sort=False):
        speaker.table(
            f"{registered}: by how much version {number} is better than "
            f"{comparison.baseline or other} in {comparison.measure}, with its 95 % interval",
            ["customers by", "", "customers", "better by", "from", "to"],
            [
                [
                    str(row["part"]),
                    str(row["of"]),
                    f"{row['customers']:,}",
                    *(f"{row[column] + 0.0:+.1%}" for column in ("gain", "low", "high")),
                ]
                for row in rows.to_dict("records")
            ],
            text_columns=("",),
        )
    finite = comparison.table.astype(object).where(comparison.table.notna(), None)
    speaker.result({**vars(comparison), "table": finite.to_dict("records")})


def _list_models(config: Path, speaker: Speaker) -> None:
    settings = load_shop(config)
    manifest = _manifest_in_force(settings)
    versions, why_unknown = registered_versions(settings)
    if manifest is None and why_unknown is not None:
        raise TrackingError(f"no models are in force here, and {why_unknown}")
    rows = [
        [v.name, v.version, ", ".join(v.aliases), v.as_of, v.improvement, v.verdict]
        for v in versions
    ]
    registered = {(version.name, version.version) for version in versions}
    if manifest is not None:
        rows += _unregistered_rows(manifest, registered, settings.tracking.models)
    speaker.table(
        "",
        ["model", "version", "alias", "as of", "grade against its baseline", "why"],
        rows,
        text_columns=("alias", "grade against its baseline", "why"),
    )
    if not rows:
        speaker.say("No models are registered yet. Run: regulars train")
    for model_version in versions:
        if model_version.ledger:
            speaker.say(
                f"{model_version.name} version {model_version.version}, when its time had passed: {model_version.ledger}"
            )
    if why_unknown is not None:
        speaker.say(f"Versions that are not in force are not listed: {why_unknown}")
    if manifest is not None:
        for sentence in _moved_aliases(versions, manifest, settings.tracking.models):
            speaker.say(sentence)
        speaker.say(f"\nIn force: {manifest.bundle_id}; before it: {manifest.previous or 'none'}.")
        for name, entry in manifest.models.items():
            which = entry.version if not entry.stands_in else f"none, {entry.stands_in} stands in"
            model = registered_name(name, settings.tracking.models)
            speaker.say(f"  {model} version {which}: {entry.reason}")
    speaker.result(
        {
            "models": [vars(version) for version in versions],
            "in_force": None if manifest is None else manifest.lineage(),
            "registry_problem": why_unknown,
        }
    )


def _moved_aliases(
    versions: "Sequence[RegisteredVersion]", manifest: Manifest, prefix: str
) -> list[str]:
    """A sentence for each model whose alias was moved in MLflow since it was put in force."""
    tasks = {registered_name(name, prefix): name for name in manifest.models}
    sentences = []
    for version in versions:
        name = tasks.get(version.name)
        if name is None or "champion" not in version.aliases:
            continue
        if (in_force := manifest.models[name].version) != version.version:
            sentences.append(
                f"{version.name}: MLflow's alias champion stands at version {version.version}, in "
                f"force is {in_force}. `regulars promote --model {name}` judges it, and puts it "
                "in force where it is not worse."
            )
    return sentences


def _unregistered_rows(
    manifest: Manifest, registered: set[tuple[str, str]], prefix: str
) -> list[list[str]]:
    """Lines of the table for models in force that the registry does not have."""
    return [
        [
            registered_name(name, prefix),
            entry.version,
            "in force",
            entry.as_of or manifest.as_of,
            entry.grade_sentence(),
            entry.reason,
        ]
        for name, entry in manifest.models.items()
        if not entry.stands_in and (registered_name(name, prefix), entry.version) not in registered
    ]


def _manifest_in_force(settings: Settings) -> Manifest | None:
    try:
        return read_manifest(current_bundle(settings.path(settings.store.bundles)))
    except BundleError:
        return None


@click.command()
@click.option(
    "--model",
    "names",
    multiple=True,
    type=click.Choice([task.name for task in TASKS]),
    help="Which model; may be given again. Default: all that have a challenger.",
)
@click.option("--version", help="Which version; default: the challenger. Needs one --model.")
@click.option(
    "--force",
    metavar="REASON",
    help="Promote what the rule refuses, and write down why; the reason stands in the registry, "
    "the bundle and the audit log.",
)
@common_options
def promote(
    names: tuple[str, ...], version: str | None, force: str | None, config: Path, speaker: Speaker
) -> None:
    """Put challengers in force, by the rule of a training.

    Ends with 3 when the rule refuses all of them; --force REASON overrules it.
    """
    from training.succession import promote as run_promotion

    if version is not None and len(names) != 1:
        raise ConfigError("--version: say which model it is of: --model churn --version 3.")
    if force is not None and not force.strip():
        raise ConfigError("--force: say why, in a few words.")
    settings = load_shop(config)
    challengers = "challengers that are not worse" if force is None else "challengers"
    which = f"version {version}" if version else challengers
    forced = "" if force is None else f", forced: {force}"
    detail = f"{', '.join(names) or 'all models'}: {which}{forced}"
    note(settings, "promote", count=len(names), detail=detail, at=datetime.now(UTC))
    done = run_promotion(settings, names, version, force=force)
    _say_promotion(speaker, done, settings.tracking.models)
    if done.bundle is not None:
        speaker.say_next("score", config)
    if done.refused and done.bundle is None:
        why = "; ".join(f"{name}: {reason}" for name, reason in done.refused.items())
        raise StoppedByGate(
            f"nothing was promoted, since {why}. The models in force stay; --force REASON overrules "
            "the rule."
        )


def _say_promotion(speaker: Speaker, done: "Promotion", prefix: str) -> None:
    words = {name: verdict.sentence() for name, verdict in done.verdicts.items()}
    words |= dict.fromkeys(done.in_force, "in force already")
    for name, sentence in words.items():
        speaker.say(f"{registered_name(name, prefix)} version {done.versions[name]}: {sentence}")
    speaker.result(
        {
            "versions": done.versions,
            "verdicts": {name: vars(verdict) for name, verdict in done.verdicts.items()},
            "in_force_already": list(done.in_force),
            "bundle": done.bundle,
            "promotion_rule": PROMOTION_RULE,
        }
    )
    if done.bundle is not None:
        stays = f" {', '.join(done.refused)} stay as they are." if done.refused else ""
        speaker.say(f"Published {done.bundle}.{stays}")
