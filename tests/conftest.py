import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

from tests.support import closing

if TYPE_CHECKING:
    from tests.support.trained import TrainedShop

# The tests share the cores among themselves: threads that spin for the next small matrix would
# only take them from other tests. Read when numpy and LightGBM are imported, later than this.
os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")

# Machines are busy: how long an example takes says nothing. Fixtures here hold no state.
settings.register_profile(
    "busy machines",
    deadline=None,
    max_examples=50,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("busy machines")


SLOW_FOLDERS = {"flow", "faults"}
SLOW_FIXTURES = {"trained", "postgres_url"}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Function]) -> None:
    """Leave to `make test` what trains models, and what starts servers to see them fail."""
    for item in items:
        if SLOW_FIXTURES.intersection(item.fixturenames) or item.path.parent.name in SLOW_FOLDERS:
            item.add_marker(pytest.mark.slow)
    # long files first, so that no worker is left with one while the others have nothing to do
    long_files = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in long_files)


@pytest.fixture(autouse=True)
def _close_what_the_test_opened() -> Iterator[None]:
    # fixtures of wider scopes come before this one: what they opened stays
    open_before = closing.opened()
    yield
    closing.close_down_to(open_before)


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Iterator["TrainedShop"]:
    """A shop whose first training is published; tests must leave it as it is."""
    # mlflow takes seconds to import: only for those who ask for the fixture
    from tests.support.trained import trained_shop

    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent  # that of the session, which its workers share
    with trained_shop(folder / "trained") as shop:
        yield shop
