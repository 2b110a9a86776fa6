"""The process that scores: requests that wait are scored together, and each as if alone."""

import json
import shutil
import subprocess
import sys
from datetime import timedelta
from io import BytesIO, StringIO

import pytest

from features.errors import ConfigError
from serving.live.messages import PopularRequest, ProductQuery, message_of
from serving.live.process import answer, answers, serve
from serving.live.scorer import Scorer
from tests.support.sent import sent_lines
from tests.support.shop import write_config
from tests.support.trained import copy_of
from training.bundle.live_proof import LiveProof
from training.bundle.manifest import MANIFEST, current_bundle, sha256_of
from training.bundle.publication import load_models


@pytest.fixture(scope="module")
def scorer(trained):
    return Scorer(load_models(trained.settings), trained.settings, None)


@pytest.fixture(scope="module")
def requests(trained):
    """Of every customer one, some a month later than others."""
    found = []
    for number, (customer, lines) in enumerate(sent_lines(trained.orders).items()):
        as_of = trained.log.end + timedelta(days=30 * (number % 3))
        said = [{**vars(one), "ordered_at": one.ordered_at.isoformat()} for one in lines]
        found.append(
            {
                "customer_id": customer,
                "lines": said,
                "as_of": str(as_of),
                "consents": False,
                "features": {},
            }
        )
    return found


def test_together_each_is_told_what_it_is_told_alone(trained, scorer, requests):
    some = requests[:40]
    together = answers(scorer, trained.settings, some)
    assert together == [answer(scorer, trained.settings, one) for one in some]


def test_the_same_customer_may_be_asked_about_twice(trained, scorer, requests):
    first, shorter = requests[3], {**requests[3], "lines": requests[3]["lines"][:-1]}
    found = answers(scorer, trained.settings, [first, shorter, first])
    assert found[0] == found[2]
    assert found[1] == answer(scorer, trained.settings, shorter)


def test_one_that_cannot_be_scored_does_not_take_the_others_along(trained, scorer, requests):
    good, bought_nothing = requests[0], {**requests[1], "lines": []}
    broken = {**requests[2], "lines": [{**requests[2]["lines"][0], "quantity": "many"}]}
    found = answers(scorer, trained.settings, [good, bought_nothing, {}, broken, good])
    assert found[0] == found[4] == answer(scorer, trained.settings, good)
    assert isinstance(found[1], ConfigError)
    assert isinstance(found[2], KeyError)
    assert isinstance(found[3], Exception)


class Slowly(BytesIO):
    """Hands out what was written a few bytes at a time, in the middle of lines."""

    def read1(self, _size=-1, /):
        return super().read1(1_000)


@pytest.mark.parametrize("pipe", [BytesIO, Slowly])
def test_every_line_is_answered_by_a_line(trained, requests, pipe):
    some = [*requests[:20], {**requests[0], "lines": []}]
    asked = "".join(f"{json.dumps({'id': n, 'body': body})}\n" for n, body in enumerate(some))
    out, config = StringIO(), write_config(trained.settings)
    try:
        assert serve(config, pipe(asked.encode()), out) == 0
    finally:
        config.unlink()
    ready, *told = map(json.loads, out.getvalue().splitlines())
    assert ready == {"ready": load_models(trained.settings).manifest.bundle_id}
    assert [one["id"] for one in told] == list(range(len(some)))
    assert [one["answer"]["document"]["customer_id"] for one in told[:-1]] == [
        one["customer_id"] for one in some[:-1]
    ]
    assert "counts as a purchase" in told[-1]["refused"][0]


def test_models_whose_features_would_differ_live_are_refused_by_name(trained, tmp_path):
    shop = copy_of(trained, tmp_path)
    bundle = current_bundle(shop.settings.path(shop.settings.store.bundles))
    file = bundle / LiveProof.name / "golden_lines.json"
    golden = json.loads(file.read_text())
    next(iter(golden["features"].values()))["mean_hour"] += 0.5
    file.write_text(json.dumps(golden))
    manifest = json.loads((bundle / MANIFEST).read_text())
    manifest["files"][str(file.relative_to(bundle))] = sha256_of(file)
    (bundle / MANIFEST).write_text(json.dumps(manifest))
    out = StringIO()
    assert serve(write_config(shop.settings), BytesIO(), out) == 1
    assert "other features come out, mean_hour (" in json.loads(out.getvalue())["refused"]
    shutil.rmtree(file.parent)
    manifest["files"].pop(str(file.relative_to(bundle)))
    (bundle / MANIFEST).write_text(json.dumps(manifest))
    out = StringIO()
    assert serve(write_config(shop.settings), BytesIO(), out) == 1
    assert "no made-up customers" in json.loads(out.getvalue())["refused"]


def test_without_models_it_says_why_and_ends(trained, tmp_path):
    out, config = StringIO(), write_config(trained.settings)
    text = config.read_text()
    config.unlink()
    away = tmp_path / "regulars.toml"
    away.write_text(text)
    assert serve(away, BytesIO(), out) == 1
    assert "refused" in json.loads(out.getvalue())


LEAN = """
import io, json, sys
from pathlib import Path
from serving.live.lean import WHEN_USED, stay_lean

stay_lean()
from features.libraries.deferred import is_loaded
from serving.live.process import serve

out = io.StringIO()
code = serve(Path(sys.argv[1]), io.BufferedReader(io.BytesIO(sys.stdin.buffer.read())), out)
loaded = [name for name in (*WHEN_USED, "sklearn", "mlflow") if is_loaded(name)]
print(json.dumps({"code": code, "loaded": loaded, "said": out.getvalue().splitlines()}))
"""


def test_all_that_is_asked_is_answered_without_libraries_of_tables(trained, scorer, requests):
    """And to the bit as with them."""
    some = [
        *requests[:6],
        *(
            message_of(PopularRequest(query=ProductQuery(limit=5, kind=kind)))
            for kind in ("all", "new")
        ),
    ]
    sent = "".join(f"{json.dumps({'id': n, 'body': body})}\n" for n, body in enumerate(some))
    command = [sys.executable, "-W", "error", "-c", LEAN, str(write_config(trained.settings))]
    done = subprocess.run(command, input=sent.encode(), capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    told = json.loads(done.stdout)
    assert (told["code"], told["loaded"]) == (0, [])
    said = [json.loads(line) for line in told["said"][1:]]
    whole = json.loads(json.dumps(answers(scorer, trained.settings, some)))
    assert [answer["answer"] for answer in said] == whole
