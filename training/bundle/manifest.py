"""The manifest of a bundle: what is in it and what each file must hash to.

A bundle is an immutable folder of published models. This module reads and checks one
without loading a model, so that a server can vouch for its bundle without a training
library.
"""

import hashlib
import json
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from training.backtest.grade import Grade
from training.errors import BundleError

MANIFEST = "manifest.json"
CURRENT = "current"
FORMAT = 2
BASELINE = "baseline"
"""The version of what stands in for a model."""


@dataclass(frozen=True)
class ModelEntry:
    """One model of a bundle: its version in the registry and its grade.

    `as_of` is the ISO date up to which this model knows the orders, `reason` why it was
    promoted, or why the baseline stands in. `stands_in` is the title of the baseline that answers
    where no model could be put in force; its `version` is `BASELINE`, its grade that of the
    baseline against itself. Empty: a model.
    """

    version: str
    grade: str
    measure: str
    baseline: str
    improvement: float
    improvement_low: float
    improvement_high: float
    as_of: str = ""
    reason: str = ""
    stands_in: str = ""

    @classmethod
    def graded(cls, version: str, grade: Grade, *, as_of: str, reason: str) -> "ModelEntry":
        """The entry of a registered version with its grade."""
        return cls(
            version=version,
            grade=grade.letter,
            measure=grade.measure,
            baseline=grade.baseline,
            improvement=grade.improvement,
            improvement_low=grade.low,
            improvement_high=grade.high,
            as_of=as_of,
            reason=reason,
        )

    @classmethod
    def standing_in(cls, title: str, measure: str, *, as_of: str, reason: str) -> "ModelEntry":
        """The entry of the named baseline `title` in the place of a model refused for `reason`."""
        return cls(
            version=BASELINE,
            grade="D",
            measure=measure,
            baseline=title,
            improvement=0.0,
            improvement_low=0.0,
            improvement_high=0.0,
            as_of=as_of,
            reason=f"{title} stands in, since the model was refused: {reason}",
            stands_in=title,
        )

    def grade_sentence(self) -> str:
        """The grade in words, without what totals were off by."""
        return Grade(
            letter=self.grade,
            measure=self.measure,
            baseline=self.baseline,
            improvement=self.improvement,
            low=self.improvement_low,
            high=self.improvement_high,
        ).sentence()

    def summary(self) -> dict[str, str]:
        """Version and grade as every answer names them, and the baseline where one stands in."""
        stands_in = {"stands_in": self.stands_in} if self.stands_in else {}
        return {"version": self.version, "grade": self.grade, **stands_in}


@dataclass(frozen=True)
class Manifest:
    """What a bundle holds.

    Attributes
    ----------
    bundle_id : name of the bundle's folder
    as_of : ISO date up to which the models know the orders, the latest of them
    files : path within the bundle → sha256 in hexadecimal
    models : task name → entry
    previous : the bundle that was in force before, to which a rollback returns
    customers : how many the latest training learned from
    prior_share : how much of what the models say of an average customer is what they know of
        all customers rather than of this one, 0–1 (see `training.models.prior_share`)
    shop : the mark of the shop (see `training.bundle.shop_identity`); empty: not known
    """

    bundle_id: str
    as_of: str
    horizon_days: int
    currency: str
    data_fingerprint: str
    columns: tuple[str, ...]
    mlflow_run_id: str
    models: dict[str, ModelEntry]
    files: dict[str, str]
    previous: str | None = None
    customers: int | None = None
    prior_share: float | None = None
    shop: str = ""

    def to_dict(self) -> dict[str, Any]:
        return {"format": FORMAT, **asdict(self)}

    def lineage(self) -> dict[str, Any]:
        """What is in force and why, without files and columns, ready for JSON."""
        left_out = ("files", "columns")
        return {key: value for key, value in asdict(self).items() if key not in left_out}

    @classmethod
    def from_json(cls, text: str) -> "Manifest":
        """Read what `to_dict` gave, written as JSON; ValueError where it is something else."""
        manifest = TypeAdapter(cls).validate_json(text, strict=True)
        date.fromisoformat(manifest.as_of)
        return manifest


def current_bundle(bundles: Path) -> Path:
    """The folder of the bundle in force.

    Raises
    ------
    BundleError
        When nothing has been published.
    """
    try:
        name = (bundles / CURRENT).read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        raise BundleError(
            f"{bundles}: no models have been published. Run `regulars train` first."
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise BundleError(
            f"{bundles / CURRENT}: cannot be read ({type(error).__name__}). Run `regulars train`."
        ) from None
    return bundles / name


def name_in_force(bundles: Path) -> str | None:
    """The name of the bundle in force; None where there is none."""
    try:
        return current_bundle(bundles).name
    except BundleError:
        return None


def read_manifest(bundle: Path) -> Manifest:
    """Read the manifest of `bundle` and check the hash of every file it names.

    Raises
    ------
    BundleError
        When the manifest or a file is missing, damaged or of another format.
    """
    try:
        text = (bundle / MANIFEST).read_text(encoding="utf-8")
        if json.loads(text)["format"] != FORMAT:
            raise BundleError(
                f"{bundle}: written by another version of Regulars. Run `regulars train`."
            )
        manifest = Manifest.from_json(text)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BundleError(
            f"{bundle}: the manifest cannot be read ({type(error).__name__}). Run `regulars train`."
        ) from None
    for name, expected in manifest.files.items():
        if sha256_of(bundle / name) != expected:
            raise BundleError(f"{bundle / name}: missing or damaged. Run `regulars train`.")
    return manifest


def check_whole(bundle: Path) -> Manifest:
    """The manifest of a bundle that holds its files and no others, under its own name.

    Raises
    ------
    BundleError
        When a file is missing, damaged, not named, or a link, or the folder has another name.
    """
    manifest = read_manifest(bundle)
    paths = [path for path in bundle.rglob("*") if path.is_symlink() or path.is_file()]
    present = {path.relative_to(bundle).as_posix() for path in paths} - {MANIFEST}
    if any(path.is_symlink() for path in paths) or present != manifest.files.keys():
        raise BundleError(f"{bundle}: does not hold the files that its manifest names.")
    if manifest.bundle_id != bundle.name or not present:
        raise BundleError(f"{bundle}: is not the set of models that its manifest names.")
    return manifest


def sha256_of(file: Path) -> str | None:
    """The sha256 of a file in hexadecimal; None where it cannot be read."""
    try:
        with file.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except (OSError, ValueError):  # a name that no file can have is one that cannot be read
        return None
