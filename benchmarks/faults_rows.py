"""Ten million lines of CSV, one in a thousand of them bad: each is used or put aside.

    python -m benchmarks.faults_rows [--rows N]

The lines that cannot count are made so that their reason is known: no date, a date that is
none, an amount that is none, no quantity. Others hold a quote inside a value, which is text. Prints
how many were read, used and put aside, and the memory that `regulars check` took; a promise that
is not kept ends the program.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import duckdb

ODD: dict[str, dict[str, str]] = {
    "bad_date": {"time": "2024-13-45 99:00"},
    "missing_date": {"time": ""},
    "bad_amount": {"amount": "nan"},
    "bad_quantity": {"quantity": "many"},
    "a quote in a name": {"product": '12" plate'},
    "two quotes in a name": {"product": '5" x 3" board'},
}
"""What is written into every `ONE_IN`-th line, in turn; the last two are text like any other."""
ONE_IN = 1_000
MOST_MB = 2_048
CONFIG = """
[data]
transactions = "orders.csv"
timezone = "Europe/Berlin"
currency = "EUR"
[data.columns]
customer_id = "customer"
ordered_at = "time"
order_id = "order"
product_id = "product"
quantity = "quantity"
amount = "amount"
[engine]
memory = "1GB"
"""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.faults_rows")
    parser.add_argument("--rows", type=int, default=10_000_000)
    run(parser.parse_args().rows)


def run(rows: int = 10_000_000) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        write_rows(root / "orders.csv", rows)
        (root / "regulars.toml").write_text(CONFIG)
        command = [sys.executable, "-m", "serving.commands.main", "check", "--json"]
        done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
        said = json.loads(done.stdout)
    peak_mb = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    aside = {one["reason"]: one["rows"] for one in said["quarantined"]}
    print(
        f"17: {rows:,} lines: {said['rows_read']:,} read, {said['rows_used']:,} used, put aside "
        f"{aside}, {peak_mb:,.0f} MB at most",
        flush=True,
    )
    odd = [len(range(turn, rows // ONE_IN, len(ODD))) for turn in range(len(ODD))]
    bad = dict(zip(ODD, odd, strict=True))
    assert aside == {reason: number for reason, number in bad.items() if reason in aside}
    assert said["rows_read"] == rows == said["rows_used"] + sum(aside.values())
    assert len(aside) == len(ODD) - 2
    assert peak_mb <= MOST_MB


def write_rows(file: Path, rows: int) -> None:
    """Write the lines as they stand, no quote doubled."""
    usual = {
        "customer": "'c' || (line * 7919 % 200003)",
        "time": "strftime(TIMESTAMP '2023-01-01' + to_minutes(line % 700000), '%Y-%m-%d %H:%M')",
        "order": "'o' || (line // 3)",
        "product": "'p' || (line * 31 % 4999)",
        "quantity": "1 + line % 4",
        "amount": "printf('%.2f', 1 + line % 9973 / 100)",
    }
    written = []
    for name, value in usual.items():
        odd = "".join(
            f" WHEN line % {ONE_IN} = {ONE_IN - 1} AND line // {ONE_IN} % {len(ODD)} = {turn} "
            f"THEN '{values[name]}'"
            for turn, values in enumerate(ODD.values())
            if name in values
        )
        text = f"({value})::VARCHAR"
        written.append(f"(CASE{odd} ELSE {text} END)" if odd else text)
    whole = " || ',' || ".join(written)
    with duckdb.connect() as connection, file.open("w") as out:
        out.write(",".join(usual) + "\n")
        found = connection.execute(f"SELECT {whole} FROM range({rows}) AS lines(line)")
        while lines := found.fetchmany(100_000):
            out.writelines(f"{line}\n" for (line,) in lines)


if __name__ == "__main__":
    main()
