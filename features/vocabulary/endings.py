"""Endings of files that orders are read from, also when they are packed."""

TEXT_ENDINGS = tuple(
    f".{kind}{packed}" for kind in ("csv", "tsv", "txt", "tab") for packed in ("", ".gz", ".zip")
)
PARQUET_ENDINGS = (".parquet", ".pq")
WORKBOOK_ENDINGS = (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods")
READABLE_ENDINGS = (*TEXT_ENDINGS, *PARQUET_ENDINGS, *WORKBOOK_ENDINGS, ".zip")
