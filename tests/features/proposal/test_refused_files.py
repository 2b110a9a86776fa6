"""What no proposal can be made of, and how names are compared."""

import pytest

from features.errors import ConfigError, DataError
from features.proposal import propose
from features.proposal.names import likeness, spaced


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("orders.xlsx", b"PK\3\4 sheets", "workbook"),
        ("orders.json", b"{}", "CSV"),
        ("orders.csv", b"", "empty"),
        ("orders.csv", b"   \n", "empty"),
        ("orders.csv", b"PK\3\4\0\0", "not a text file"),
        ("orders.csv", b'[{"id": 1}]', "JSON"),
        ("orders.csv.gz", b"no gzip", "cannot be read"),
        ("orders.csv", b"customer_id,date,amount\n", "no rows"),
        ("orders.csv", b"1,2024-01-01,2.5\n2,2024-01-02,3.5\n", "first line looks like data"),
        ("orders.parquet", b"customer_id,date\n1,2\n", "not a Parquet file"),
        ("orders.parquet", b"PAR1 torn", "cannot be read"),
    ],
)
def test_unusable_files_are_refused_in_one_sentence(tmp_path, name, content, words):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=words) as caught:
        propose(str(tmp_path / name), relative_to=tmp_path)
    assert len(caught.value.problems) == 1
    assert name in str(caught.value)
    assert "\n" not in str(caught.value)


def test_missing_files_folders_and_addresses_are_refused(tmp_path):
    with pytest.raises(DataError, match="no such file"):
        propose(str(tmp_path / "absent-*.csv"), relative_to=tmp_path)
    with pytest.raises(DataError, match="is a folder"):
        propose(str(tmp_path), relative_to=tmp_path)
    with pytest.raises(DataError, match=r"^https://: no place"):
        propose("https://shop/orders", relative_to=tmp_path)
    with pytest.raises(ConfigError, match="not in files"):
        propose("orders.csv", relative_to=tmp_path, table="orders")
    for both in ({}, {"table": "orders", "query": "SELECT 1"}):
        with pytest.raises(ConfigError, match="either --table or --query"):
            propose("postgresql://shop/orders", relative_to=tmp_path, **both)


def test_names_are_read_in_any_spelling():
    assert spaced("InvoiceNo") == spaced("INVOICE_NO") == spaced("invoice-no") == "invoice no"
    assert likeness("customer_id", "Customer ID") > likeness("customer_id", "customer_segment")
    assert likeness("ordered_at", "order_date") > 0 > likeness("ordered_at", "ship date")
