"""The documentation says what is true: every setting, command and page exists."""

import json
import re
import runpy
import shlex
from pathlib import Path

import jupytext
import pytest
from click.testing import CliRunner
from pydantic import BaseModel

from features.documentation import feature_page
from features.settings.loading import load_settings
from serving.commands.main import COMMANDS, main
from serving.settings import Settings
from tests.support.shop import shop_settings, simulate_orders, write_config
from tests.support.trained import SECTIONS, SHOP

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()


def readme_commands() -> list[list[str]]:
    blocks = re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
    lines = [line.split("  #")[0].strip() for block in blocks for line in block.splitlines()]
    return [shlex.split(line) for line in lines if line.startswith("regulars ")]


def test_readme_names_only_commands_and_options_that_exist():
    assert len(readme_commands()) >= 5
    for words in readme_commands():
        command = main.get_command(None, words[1])
        known = {option for parameter in command.params for option in parameter.opts}
        assert {word for word in words if word.startswith("--")} <= known


def test_readme_links_lead_somewhere():
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert (ROOT / target).exists(), target


def test_the_page_of_features_is_the_catalogue():
    is_current = (ROOT / "docs" / "features.md").read_text() == feature_page()
    assert is_current, "docs/features.md is written from the catalogue: run `make docs`"


def test_every_promise_names_tests_that_exist():
    page = (ROOT / "docs" / "reliability.md").read_text()
    named = re.findall(r"`([\w/]+\.py)::(\w+)`", page)
    assert len(named) > 50
    for file, test in named:
        assert f"def {test}(" in (ROOT / "tests" / file).read_text(), (file, test)
    checks = [int(number) for number in re.findall(r"^\| (\d+) \|", page, re.MULTILINE)]
    assert checks[:28] == list(range(1, 29))
    assert checks == sorted(set(checks))


def test_make_targets_of_the_readme_exist():
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"make ([a-z]+)", README)) <= targets


def test_the_demo_configuration_loads():
    assert load_settings(ROOT / "regulars.toml", Settings).data.currency == "USD"


def _setting_names(model: type[BaseModel]) -> set[str]:
    names = set()
    for name, field in model.model_fields.items():
        names.add(field.alias or name)
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            names |= _setting_names(field.annotation)
    return names


def test_every_setting_is_documented():
    page = (ROOT / "docs" / "settings.md").read_text()
    missing = {name for name in _setting_names(Settings) - {"root"} if f"`{name}`" not in page}
    assert not missing


@pytest.mark.slow
def test_the_readme_way_works_on_a_csv(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    commands = [words[1:] for words in readme_commands() if words[1] != "serve"]
    simulate_orders(**SHOP).to_csv(commands[0][1], index=False)
    assert [words[0] for words in commands] == ["init", "check", "train", "score", "list"]
    for words in commands:
        done = CliRunner().invoke(main, words)
        assert done.exit_code == 0, (words, done.stderr)
    assert (tmp_path / "churn.xlsx").exists()
    assert (tmp_path / "myshop" / "out" / "scores.parquet").exists()


NOTEBOOKS = {
    "first_look": "log loss",
    "from_a_csv": "served: c",
    "explore_features": "days_since_last_order",
    "compare_runs": "regulars-churn 2",
    "read_a_backtest": "backtest.html: ",
    "own_model": "own models: 0.",
}
"""Notebook → what it says when it came to its end."""


def test_every_notebook_is_tested():
    assert {path.stem for path in (ROOT / "notebooks").glob("*.py")} == set(NOTEBOOKS)


@pytest.mark.parametrize("notebook", NOTEBOOKS)
def test_what_a_code_host_shows_is_the_script_with_what_it_said(notebook):
    script, shown = (ROOT / "notebooks" / f"{notebook}.{end}" for end in ("py", "ipynb"))
    assert shown.stat().st_size < 60_000
    cells = json.loads(shown.read_text())["cells"]
    expected = jupytext.read(script).cells
    anew = f"notebooks/{notebook}.ipynb is not of its script: run `make notebooks`"
    assert [cell["cell_type"] for cell in cells] == [cell.cell_type for cell in expected], anew
    sources = ["".join(cell["source"]) for cell in cells]
    assert sources == [cell.source for cell in expected], anew
    said = [
        "".join(output["text"])
        for cell in cells
        for output in cell.get("outputs", [])
        if output["output_type"] == "stream"
    ]
    assert NOTEBOOKS[notebook] in "".join(said)
    kinds = {output["output_type"] for cell in cells for output in cell.get("outputs", [])}
    assert "error" not in kinds


@pytest.mark.slow
@pytest.mark.parametrize("notebook", NOTEBOOKS)
def test_the_notebooks_run(notebook, tmp_path, monkeypatch, capsys):
    simulate_orders(**SHOP).to_parquet(tmp_path / "orders.parquet")
    simulate_orders(**SHOP).to_csv(tmp_path / "orders.csv", index=False)
    write_config(shop_settings(tmp_path, **SECTIONS))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("REGULARS_SMALL", "1")
    runpy.run_path(str(ROOT / "notebooks" / f"{notebook}.py"))
    assert NOTEBOOKS[notebook] in capsys.readouterr().out


def test_commands_are_listed_with_their_words():
    assert all(words.endswith(".") for _, words in COMMANDS.values())
