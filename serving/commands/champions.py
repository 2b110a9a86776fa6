"""`regulars models` and `regulars promote`: which models are in force, and which could be."""

from datetime import UTC, datetime
from pathlib import Path

import click

from features.errors import ConfigError, RegularsError
from features.settings.loading import load_settings
from serving.commands.audited import note
from serving.commands.frame import Speaker, common_options
from serving.settings import Settings
from training.bundle.manifest import Manifest, current_bundle, read_manifest
from training.errors import BundleError
from training.promotion.promotion import RULE as PROMOTION_RULE
from training.tasks.catalogue import TASKS, registered_name


@click.command()
@common_options
def models(config: Path, speaker: Speaker) -> None:
    """List the registered models: versions, grades, which is champion, and why."""
    from training.tracking.mlflow_runs import Tracker

    settings = load_settings(config, Settings)
    manifest = _manifest_in_force(settings)
    in_force = {} if manifest is None else manifest.models
    versions = Tracker(settings).versions()
    speaker.table(
        "",
        ["model", "version", "alias", "as of", "grade against its baseline", "why"],
        [
            [v.name, v.version, ", ".join(v.aliases), v.as_of, v.improvement, v.verdict]
            for v in versions
        ],
        words=("alias", "grade against its baseline", "why"),
    )
    if not versions:
        speaker.say("No models are registered yet. Run: regulars train")
    for one in versions:
        if one.ledger:
            speaker.say(f"{one.name} version {one.version}, when its time had passed: {one.ledger}")
    if manifest is not None:
        speaker.say(f"\nIn force: {manifest.bundle_id}; before it: {manifest.previous or 'none'}.")
        for name, entry in in_force.items():
            speaker.say(f"  {registered_name(name)} version {entry.version}: {entry.reason}")
    speaker.result(
        {
            "models": [vars(version) for version in versions],
            "in_force": None if manifest is None else manifest.lineage(),
        }
    )


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
@common_options
def promote(names: tuple[str, ...], version: str | None, config: Path, speaker: Speaker) -> None:
    """Put challengers in force, unless they are worse than what they would replace."""
    from training.succession import promote as run_promotion

    if version is not None and len(names) != 1:
        raise ConfigError("--version: say which model it is of: --model churn --version 3.")
    settings = load_settings(config, Settings)
    which = f"version {version}" if version else "challengers that are not worse"
    detail = f"{', '.join(names) or 'all models'}: {which}"
    note(settings, "promote", count=len(names), detail=detail, at=datetime.now(UTC))
    done = run_promotion(settings, names, version)
    for name, one in done.verdicts.items():
        speaker.say(f"{registered_name(name)} version {done.versions[name]}: {one.sentence()}")
    speaker.result(
        {
            "versions": done.versions,
            "verdicts": {name: vars(one) for name, one in done.verdicts.items()},
            "bundle": done.bundle,
            "promotion_rule": PROMOTION_RULE,
        }
    )
    refused = {name: one.reason for name, one in done.verdicts.items() if not one.promoted}
    if done.bundle is not None:
        speaker.say(f"Published {done.bundle}. Next: regulars score")
    if refused:
        why = "; ".join(f"{name}: {reason}" for name, reason in refused.items())
        raise RegularsError(f"not promoted, since {why}.")
