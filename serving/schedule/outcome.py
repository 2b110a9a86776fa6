"""What became of a shop's regular run: in words, for machines, and as an exit code."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, get_args

from serving.settings import Settings

OutcomeName = Literal["published", "champion_kept", "nothing_new", "stopped", "failed"]
OUTCOMES: tuple[OutcomeName, ...] = get_args(OutcomeName)
EXIT_CODES: Mapping[OutcomeName, int] = {
    "published": 0,
    "champion_kept": 0,
    "nothing_new": 0,
    "stopped": 3,
    "failed": 1,
}
LAST_OUTCOME = "last_run.json"


@dataclass(frozen=True, kw_only=True)
class RunOutcome:
    """One outcome.

    Attributes
    ----------
    words : one sentence for people, or several
    at : when it was reached, with its zone
    run_id, as_of : of the scores that readers see now; None where there are none
    bundle : of the models in force
    trained_because : why a training was due; None where none was made
    problems : what stopped it, one by one
    accepted : gates that were opened, with the reason
    files : what was written
    """

    outcome: OutcomeName
    words: str
    at: datetime
    run_id: str | None = None
    as_of: str | None = None
    bundle: str | None = None
    trained_because: str | None = None
    problems: tuple[str, ...] = ()
    accepted: Mapping[str, str] = field(default_factory=dict)
    files: tuple[str, ...] = ()

    @property
    def exit_code(self) -> int:
        """0 done, 1 failed, 3 stopped by a gate."""
        return EXIT_CODES[self.outcome]

    def to_dict(self) -> dict[str, Any]:
        """Ready for JSON."""
        return {**asdict(self), "at": self.at.isoformat(), "exit_code": self.exit_code}


def outcome_file(settings: Settings) -> Path:
    """Where the latest outcome lies, beside the bundles."""
    folder: Path = settings.path(settings.store.bundles)
    return folder.parent / LAST_OUTCOME


def keep_outcome(settings: Settings, outcome: RunOutcome) -> None:
    """Replace the latest outcome as a whole."""
    replace_json(outcome_file(settings), outcome.to_dict())


def kept_outcome(settings: Settings) -> dict[str, Any] | None:
    """The latest outcome as `RunOutcome.to_dict`; None where there is none that can be read."""
    return read_values(outcome_file(settings))


def replace_json(file: Path, values: Mapping[str, Any]) -> None:
    """Write a small file of JSON as a whole: readers see the one before or this one."""
    file.parent.mkdir(parents=True, exist_ok=True)
    unfinished = file.with_name(f".{file.name}.unfinished")
    unfinished.write_text(json.dumps(values, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    unfinished.replace(file)


def read_values(file: Path) -> dict[str, Any] | None:
    """What `replace_json` wrote; None where it cannot be read."""
    try:
        values = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return values if isinstance(values, dict) else None
