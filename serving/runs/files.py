"""The files of a run: written aside before it is published, and put in place once it is.

A folder never holds the files of a run that readers do not see. What a killed process left
aside is put in place by the next one where its run was published, and removed where it was not.
"""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from features.errors import ConfigError
from serving.scoring.run import ScoreRun

TABLES = ("scores.parquet", "recommendations.parquet")
RUN_FILE = "run.json"
"""The lineage of the run that the files beside it are of; put in place last."""

_ASIDE = ".run-"


@dataclass(frozen=True)
class FilesAside:
    """Files on their way into `output`; None: there are none."""

    output: Path | None
    aside: Path | None

    def put_in_place(self) -> tuple[Path, ...]:
        """Replace the files of `output`, each as a whole; returns their paths."""
        if self.output is None or self.aside is None:
            return ()
        tables = [self.aside / name for name in TABLES]
        placed = [file.replace(self.output / file.name) for file in tables if file.exists()]
        if (mark := self.aside / RUN_FILE).exists():
            mark.replace(self.output / RUN_FILE)
        self.aside.rmdir()
        return tuple(placed)


@contextmanager
def written_aside(run: ScoreRun, output: Path | None) -> Iterator[FilesAside]:
    """Write the files of `run` aside; what is not put in place is removed.

    Raises
    ------
    ConfigError
        When `output` cannot be written.
    """
    if output is None:
        yield FilesAside(None, None)
        return
    aside = output / f"{_ASIDE}{run.info.run_id}"
    try:
        try:
            run.write(aside)
            (aside / RUN_FILE).write_text(json.dumps(run.info.lineage(), indent=1) + "\n")
        except OSError as error:
            raise ConfigError(f"{output}: cannot be written ({error}).") from None
        yield FilesAside(output, aside)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def finish_files(output: Path, run_id: str | None) -> tuple[Path, ...]:
    """Put in place what was left aside of the run `run_id`, and remove the rest.

    Parameters
    ----------
    run_id : of the latest run; None: there is none
    """
    placed: tuple[Path, ...] = ()
    for aside in sorted(output.glob(f"{_ASIDE}*")):
        if run_id is not None and aside.name == f"{_ASIDE}{run_id}":
            placed = FilesAside(output, aside).put_in_place()
        else:
            shutil.rmtree(aside, ignore_errors=True)
    return placed


def tables_are_of(output: Path, run_id: str) -> bool:
    """Whether the tables of `output` are those of this run."""
    try:
        lineage = json.loads((output / RUN_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    is_whole = all((output / name).is_file() for name in TABLES)
    return is_whole and isinstance(lineage, dict) and lineage.get("run_id") == run_id
