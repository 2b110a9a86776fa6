"""`regulars plugin`: features and models of one's own, as a package to install."""

from importlib.util import find_spec
from pathlib import Path

import click

from features.errors import ConfigError
from serving.commands.frame import Speaker, common_options, write_text

PYPROJECT = """\
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "{name}"
version = "0.1"

[project.entry-points."regulars.features"]
{name} = "{name}:BLOCK"

[project.entry-points."regulars.models"]
{name}_churn = "{name}:churn"
{name}_value = "{name}:value"

[tool.hatch.build]
only-include = ["{name}.py"]
dev-mode-dirs = ["."]
"""

MODULE = '''\
"""Features and models of our own for Regulars."""

from features.blocks.block import Block, Feature
from features.language.message import message

# one row per customer: any SQL of DuckDB over the features that docs/features.md lists
BLOCK = Block(
    name="{name}",
    features=(
        Feature(
            "{name}_lateness",
            "ratio",
            "derived",
            "days_since_last_order / NULLIF(mean_gap_days, 0)",
            message("silence in usual gaps"),
        ),
    ),
)


# scikit-learn is imported only where a model is made: servers read this file too, and have none
def churn():
    """Any classifier of scikit-learn: P(no order in the horizon)."""
    from sklearn.linear_model import LogisticRegression

    return _after_scaling(LogisticRegression(C=0.1))


def value():
    """Any regressor of scikit-learn: what a customer brings who orders."""
    from sklearn.linear_model import TweedieRegressor

    return _after_scaling(TweedieRegressor(power=1.5))


def _after_scaling(model):
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(SimpleImputer(), StandardScaler(), model)
'''


@click.group()
def plugin() -> None:
    """Features and models of your own, brought by a package that you install."""


@plugin.command()
@click.argument("name")
@click.option(
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    default=None,
    help="The folder to write; NAME by default.",
)
@common_options
def new(*, name: str, output: Path | None, config: Path, speaker: Speaker) -> None:  # noqa: ARG001
    """Write a package NAME with a feature, a classifier and a regressor to start from."""
    folder = output or Path(name)
    if not (name.isidentifier() and name.islower()):
        raise ConfigError(f"{name}: take a name of small letters, digits and _, such as my_shop.")
    if find_spec(name) is not None:
        raise ConfigError(f"{name}: Python has a module of this name. Take another one.")
    files = {folder / "pyproject.toml": PYPROJECT, folder / f"{name}.py": MODULE}
    for path, text in files.items():
        if path.exists():
            raise ConfigError(f"{path} is there already. Choose another --output.")
        write_text(path, text.replace("{name}", name))
    speaker.say(
        f"Wrote {', '.join(map(str, files))}. Two lines more:\n"
        f"  pip install -e {folder}\n"
        "  regulars train\n"
        "The feature is in every table from now on. For the models, set in regulars.toml:\n"
        f'  [train]\n  churn_model = "{name}_churn"\n  value_model = "{name}_value"'
    )
    speaker.result({"files": [str(path) for path in files]})
