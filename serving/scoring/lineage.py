"""The models behind an answer, as every answer names them."""

from training.bundle.publication import Models


def models_of(models: Models) -> dict[str, dict[str, str]]:
    """Name → version and grade, as in the lineage."""
    return {
        name: {"version": entry.version, "grade": entry.grade}
        for name, entry in models.manifest.models.items()
    }
