"""The errors of `training`.

    RegularsError        `features.errors`
    ├── BundleError      a published set of models is missing, damaged or does not fit
    └── TrackingError    MLflow's database or server cannot be used

Each message is for the person who can mend it; see `features.errors`.
"""

from features.errors import RegularsError


class BundleError(RegularsError):
    """A published set of models is missing, damaged or does not fit."""


class TrackingError(RegularsError):
    """MLflow's database or server cannot be used."""
