from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.support.trained import TrainedShop


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Iterator["TrainedShop"]:
    """A shop whose first training is published; tests must leave it as it is."""
    # mlflow takes seconds to import: only for those who ask for the fixture
    from tests.support.trained import trained_shop

    with trained_shop(tmp_path_factory.mktemp("trained")) as shop:
        yield shop
