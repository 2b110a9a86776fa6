"""The models behind an answer, as every answer names them."""

from training.bundle.publication import Models


def models_of(models: Models) -> dict[str, dict[str, str]]:
    """Name → version and grade, and the baseline that stands in, as in the lineage."""
    return {name: entry.summary() for name, entry in models.manifest.models.items()}
