"""How much the embedded engine may use, and where it works."""

from pathlib import Path

from pydantic import Field

from features.settings.section import Section


class Engine(Section):
    """Limits of the embedded engine that computes features."""

    memory: str = Field("1500MB", pattern=r"^\d+(\.\d+)?\s?[KMGT]i?B$")
    threads: int = Field(2, ge=1, le=256)
    partition_rows: int = Field(4_000_000, ge=1)
    """A longer log is split by customers into parts of about this many rows."""
    folder: Path | None = None
    """Where the engine works, counted from the configuration's folder; None: the system's folder
    for temporary files."""
