"""Every page in every dress: no violation that axe knows, controls of 3:1, nothing cut."""

import re
from pathlib import Path

import axe_playwright_python
import pytest

from serving.web.frame import NAVIGATION
from tests.browser.conftest import opened

FURTHER = (
    "/churn-list?customer=nobody",
    "/customers/00007",
    "/customers/00007?outlook=1",
    "/segments/rfm_group",
    "/goods/buyers",
    "/lifetime",
    "/accounts",
    "/experiments",
    "/audiences/new?where=risk+%3D+high+and+(spend+>%3D+100+or+next_order_date+in+next+30+days)",
    "/campaigns/new?risk=high",
    "/nowhere",
)
PAGES = (*(entry.path + entry.query for entry in NAVIGATION), *FURTHER)
AXE = Path(axe_playwright_python.__file__).with_name("axe.min.js").read_text(encoding="utf-8")
OF_A_DRESS = ["color-contrast", "scrollable-region-focusable", "link-in-text-block"]
"""Rules whose outcome colours and width change; the others are asked once per language."""
LARGE, SMALL = (1440, 900), (390, 844)
DRESSES = {
    "en": ((LARGE, "light"), (SMALL, "dark")),
    "zh": ((SMALL, "light"), (LARGE, "dark")),
}
"""Each width in each colours, and both languages in both of either."""
LONG = "/docs"
"""A page of hundreds of sections that one template writes: every 25th is looked at."""
SOME_SECTIONS = """() => [...document.querySelectorAll("main section")].forEach(
  (section, place) => place % 25 && section.remove()
)"""

FAINT_CONTROLS = """() => {
  const channels = (text) => text.match(/[\\d.]+/g).map(Number);
  const light = (text) => {
    const [r, g, b] = channels(text).slice(0, 3).map((value) => {
      const share = value / 255;
      return share <= 0.03928 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ratio = (one, other) => {
    const [low, high] = [light(one), light(other)].sort((a, b) => a - b);
    return (high + 0.05) / (low + 0.05);
  };
  const isClear = (text) => channels(text)[3] === 0;
  const behind = (element) => {
    let around = element.parentElement;
    while (around && isClear(getComputedStyle(around).backgroundColor)) around = around.parentElement;
    return around ? getComputedStyle(around).backgroundColor : "rgb(255, 255, 255)";
  };
  const controls = "main select, main input:not([type=hidden]), main button, header input, .quick .chip";
  return [...document.querySelectorAll(controls)]
    .filter((element) => element.checkVisibility() && !element.matches(".remove"))
    .filter((element) => {
      const style = getComputedStyle(element);
      const paper = behind(element);
      const isFilled = !isClear(style.backgroundColor) && ratio(style.backgroundColor, paper) >= 3;
      return !isFilled && ratio(style.borderTopColor, paper) < 3;
    })
    .map((element) => element.outerHTML);
}"""

CUT = "() => document.documentElement.scrollWidth > innerWidth"

pytestmark = pytest.mark.browser


def violations(page, rules):
    options = {"resultTypes": ["violations"]}
    if rules is not None:
        options["runOnly"] = rules
    found = page.evaluate("options => axe.run(document, options)", options)["violations"]
    return {rule["id"]: [node["html"] for node in rule["nodes"]] for rule in found}


def in_all_dresses(page, dresses):
    """What is wrong with the page that is open, by dress."""
    page.evaluate(AXE)
    rules = None
    for (width, height), scheme in dresses:
        page.set_viewport_size({"width": width, "height": height})
        page.emulate_media(color_scheme=scheme)
        wrong = violations(page, rules)
        if faint := page.evaluate(FAINT_CONTROLS):
            wrong["faint controls"] = faint
        if page.evaluate(CUT):
            wrong["wider than the window"] = width
        yield (width, scheme), wrong
        rules = OF_A_DRESS


@pytest.mark.parametrize("language", DRESSES)
def test_every_page_is_accessible_in_every_dress(chromium, address, language):
    page = opened(chromium, address, language=language)
    wrong = {}
    for path in PAGES:
        page.goto(path)
        if path == LONG:
            page.evaluate(SOME_SECTIONS)
        assert page.locator("html").get_attribute("lang") == {"en": "en", "zh": "zh-Hans"}[language]
        wrong |= {
            (path, *dress): found
            for dress, found in in_all_dresses(page, DRESSES[language])
            if found
        }
    assert wrong == {}
    # a page that is not there is the only one to complain
    assert all(re.search("404", trouble) for trouble in page.troubles)
    page.context.close()
