"""No password of an address is shown or kept."""

import pytest

from features.sources.addresses import without_password


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("postgresql://ann:secret@db:5433/shop?password=secret", "postgresql://ann@db:5433/shop"),
        ("postgresql://ann:s@cret@db/shop", "postgresql://ann@db/shop"),
        ("postgres://ann:secret@a:5432,b:5433/shop", "postgres://ann@a:5432,b:5433/shop"),
        ("postgresql:///shop?user=ann&sslpassword=secret", "postgresql:///shop?user=ann"),
    ],
)
def test_passwords_are_left_out(address, shown):
    assert without_password(address) == shown


@pytest.mark.parametrize(
    "address",
    [
        *("orders/*.parquet", "orders-?.csv", "C:/orders/a.csv", "postgresql:///shop"),
        *("postgresql://ann@[::1]:5432/shop?sslmode=require", "postgresql://db/shop?"),
    ],
)
def test_what_holds_none_stays_as_it_is(address):
    assert without_password(address) == address
