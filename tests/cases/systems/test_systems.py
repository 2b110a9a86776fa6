"""Exports of shops' systems: proposed, read and counted, beside figures counted apart.

Each folder beside this file is a case: an export and `expected.json` with figures of
`regulars check`, or `{"refused": ["word", …]}`. `make_systems.py` wrote those of known systems.
"""

import json
from pathlib import Path

import pytest

from features.errors import DataError, RegularsError
from features.orders.log import check_orders
from features.proposal import Proposal, propose
from features.settings.feature_settings import FeatureSettings
from features.settings.loading import settings_from
from tests.cases.systems.layouts_elsewhere import ELSEWHERE
from tests.cases.systems.layouts_orders import ORDERS_ALONE
from tests.cases.systems.layouts_shops import SHOPS

HERE = Path(__file__).parent
CASES = sorted(folder.parent for folder in HERE.glob("*/expected.json"))


def export_of(case: Path) -> Path:
    return next(file for file in case.iterdir() if file.name != "expected.json")


def figures(case: Path, folder: Path) -> tuple[Proposal, dict[str, object]]:
    """What `check` says of a case read as `init` proposes."""
    proposal = propose(str(export_of(case)), relative_to=folder)
    settings = settings_from(proposal.settings, FeatureSettings, root=folder)
    with check_orders(settings) as report:
        if report.refusals:
            raise DataError(report.refusals)
        return proposal, report.to_dict()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_an_export_is_read_as_it_was_counted_apart(case, tmp_path):
    right = json.loads((case / "expected.json").read_text(encoding="utf-8"))
    if "refused" in right:
        with pytest.raises(RegularsError) as refusal:
            figures(case, tmp_path)
        assert all(word in str(refusal.value) for word in right["refused"])
        notes = " ".join(propose(str(export_of(case)), relative_to=tmp_path).notes)
        assert all(word in notes for word in right["says"])
        return
    proposal, read = figures(case, tmp_path)
    wrong = {
        name: (read[name], value)
        for name, value in right.items()
        if not is_equal(read[name], value)
    }
    assert not wrong
    assert proposal.system is not None
    assert len(proposal.first_orders) == 3


def is_equal(read: object, right: object) -> bool:
    if isinstance(read, (int, float)) and isinstance(right, (int, float)):
        return read == pytest.approx(right, abs=0.006)
    return read == right


@pytest.mark.parametrize("makers", [SHOPS, ELSEWHERE, ORDERS_ALONE])
def test_the_cases_are_what_their_makers_write(makers):
    for name, maker in makers.items():
        export = maker()
        case = HERE / name
        assert export_of(case).read_bytes() == export.text.encode(export.encoding)
        assert json.loads((case / "expected.json").read_text(encoding="utf-8")) == export.right
