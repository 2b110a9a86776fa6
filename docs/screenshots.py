"""Pictures of the pages for `docs/marketers.md`: `python docs/screenshots.py ADDRESS`.

Needs a Chromium and a running server of the demo's log with a past: `regulars train --as-of
2017-09-01`, `regulars score` as of 2017-09-01 and 2017-10-01, a campaign of 400 contacts from
that day for 60 days, `regulars score` as of 2017-12-01 and 2018-01-01.
"""  # noqa: INP001 - a script beside the pages it illustrates

import io
import shutil
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

IMAGES = Path(__file__).parent / "images"
WIDTH = 1180
COLOURS = 200
"""Enough for flat pages, and a tenth of the bytes."""

AT_RISK = "risk=critical&risk=high"
CONTENT = {
    "overview": ("/", 1000),
    "churn-list": (f"/churn-list?{AT_RISK}", 760),
    "best-fading": (
        "/churn-list?risk=critical&risk=high&risk=medium&segment=abc%3AA&sort=value_at_risk",
        640,
    ),
    "customer": ("/customers/1031", 900),
    "campaign-new": (f"/campaigns/new?{AT_RISK}", 860),
    "campaign": ("", 700),
}
"""Picture → address and height; without an address, the first link of its list is followed."""

FIRST_LINK = {
    "campaign": ("/campaigns", "table.list tbody tr:last-child th a"),
}


def main(address: str) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"))
        for name, (path, height) in CONTENT.items():
            page = browser.new_page(
                viewport={"width": WIDTH, "height": height}, base_url=address, locale="en-GB"
            )
            _open(page, name, path)
            _keep(page.screenshot(), IMAGES / f"{name}.png")
            page.close()
        browser.close()


def _open(page: Page, name: str, path: str) -> None:
    if path:
        page.goto(path)
        return
    listed, link = FIRST_LINK[name]
    page.goto(listed)
    page.goto(page.locator(link).first.get_attribute("href") or "/")


def _keep(picture: bytes, path: Path) -> None:
    with Image.open(io.BytesIO(picture)) as image:
        image.convert("RGB").quantize(COLOURS).save(path, optimize=True)


if __name__ == "__main__":
    main(sys.argv[1])
