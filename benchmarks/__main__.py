"""`make bench`: measures on real logs that are not part of the project."""

import argparse
from pathlib import Path

from benchmarks import main_job


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with the logs")
    main_job.run(parser.parse_args().data)


if __name__ == "__main__":
    main()
