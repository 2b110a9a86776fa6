"""Exports as shops' systems write them: `regulars init` and `check` come to the right figures.

A case is a folder here: one export, and `expected.json` with figures of `check --json` that were
computed apart from reading the file. Where the folder holds a `regulars.toml`, that is used in the
place of what `init` would propose. Beside figures, expected.json may hold

    "toml_has"     texts that stand in the configuration
    "findings"     codes of findings of the report
    "put_aside"    reason → rows
    "init_says"    texts that `init` prints
    "refused"      texts of the refusal of `init` or `check`; figures are not compared then
"""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from serving.commands.main import main

CASES = sorted(path.parent for path in Path(__file__).parent.glob("*/expected.json"))
_BESIDE = {"expected.json", "regulars.toml", "README.md"}


def run(*words: str) -> Result:
    return CliRunner().invoke(main, words, catch_exceptions=False)


def export_of(case: Path) -> Path:
    (export,) = (path for path in case.iterdir() if path.name not in _BESIDE)
    return export


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_case_is_read_right(case, tmp_path, monkeypatch):
    expected = json.loads((case / "expected.json").read_text(encoding="utf-8"))
    shutil.copytree(case, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    said = ""
    if not (tmp_path / "regulars.toml").exists():
        proposed = run("init", export_of(tmp_path).name)
        said = proposed.output
        if proposed.exit_code:
            assert_refused(proposed, expected)
            return
    checked = run("check", "--json")
    if checked.exit_code:
        assert_refused(checked, expected)
        return
    assert "refused" not in expected, "read, though it should be refused"
    assert_told(json.loads(checked.stdout), expected, said)


def assert_refused(result: Result, expected: dict[str, Any]) -> None:
    assert "refused" in expected, result.stderr
    assert result.exit_code in (1, 2, 3)
    assert [text for text in expected["refused"] if text not in result.stderr] == []


def assert_told(report: dict[str, Any], expected: dict[str, Any], said: str) -> None:
    toml = Path("regulars.toml").read_text(encoding="utf-8")
    assert [text for text in expected.pop("toml_has", []) if text not in toml] == []
    assert [text for text in expected.pop("init_says", []) if text not in said] == []
    codes = {finding["code"] for finding in report["findings"]}
    assert set(expected.pop("findings", [])) <= codes
    aside = {count["reason"]: count["rows"] for count in report["quarantined"]}
    if "put_aside" in expected:
        assert aside == expected.pop("put_aside")
    assert {name: report[name] for name in expected} == pytest.approx(expected, abs=0.005)
