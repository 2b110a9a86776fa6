"""The errors of `training`.

    RegularsError        `features.errors`
    └── BundleError      a published set of models is missing, damaged or does not fit

Each message is for the person who can mend it; see `features.errors`.
"""

from features.errors import RegularsError


class BundleError(RegularsError):
    """A published set of models is missing, damaged or does not fit."""
