"""Reads how customers can be reached: `python -m serving.contacts regulars.toml`, ids as JSON on
standard input, what is known of them as JSON on standard output.
"""

import json
import sys
from dataclasses import asdict
from pathlib import Path

from features.errors import RegularsError
from features.tables.contact_details import contact_details
from serving.settings import load_shop

try:
    details = contact_details(load_shop(Path(sys.argv[1])), json.load(sys.stdin))
except RegularsError as error:
    sys.exit(str(error))
json.dump({name: asdict(values) for name, values in details.items()}, sys.stdout)
