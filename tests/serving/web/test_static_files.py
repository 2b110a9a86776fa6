"""Style sheets and scripts: addressed by what they hold, and kept for good by that address."""

import re

from serving.web.static_files import ASKED_AGAIN, KEPT_FOR_GOOD


def test_what_pages_ask_for_is_kept_and_anything_else_is_asked_for_again(client):
    addresses = set(re.findall(r'(?:href|src)="(/static/[^"]+)"', client.get("/churn-list").text))
    assert len(addresses) >= 3
    for address in addresses:
        answer = client.get(address)
        assert (answer.status_code, answer.headers["cache-control"]) == (200, KEPT_FOR_GOOD)
    bare, other = (client.get(f"/static/style.css{query}") for query in ("", "?v=other"))
    assert {bare.headers["cache-control"], other.headers["cache-control"]} == {ASKED_AGAIN}
    assert client.get("/static/nothing.css?v=1").status_code == 404
