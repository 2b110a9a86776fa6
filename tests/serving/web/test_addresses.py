"""Addresses of our own carry the path of the shop in front, where several share a server."""

import re
from pathlib import Path

import pytest

import serving
from serving.web.frame import HERE

TEMPLATES = sorted((HERE / "templates").glob("*.html"))
OF_THE_SERVER_ITSELF = {"shops.html", *(path.name for path in TEMPLATES if "start" in path.name)}
"""Of several shops, and of the one that is set up before there is any."""


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_no_template_writes_a_path_without_its_root(template):
    bare = re.findall(r'(?:href|action|src)="/[^"]*"', template.read_text(encoding="utf-8"))
    assert bare == [] or template.name in OF_THE_SERVER_ITSELF


def test_no_redirect_leads_out_of_the_shop():
    folder = Path(serving.__file__).parent
    answers = [
        (path.name, call)
        for path in folder.rglob("*.py")
        if path.parent.name not in ("shops", "start")
        for call in re.findall(r"RedirectResponse\(\s*([^,)]+)", path.read_text(encoding="utf-8"))
    ]
    assert len(answers) >= 3
    # who signs in elsewhere is led there
    answers.remove(("oidc_page.py", "provider_address"))
    assert [answer for answer in answers if not answer[1].startswith("address(")] == []
