"""The commands of `regulars` that read and publish score runs."""

import csv
import inspect
import io
import json
from datetime import date

import pandas as pd
import pytest
from click.testing import CliRunner

from serving.commands.main import COMMANDS, main
from serving.runs.store import RunStore
from tests.support.exhibits import EXHIBITS
from tests.support.scores import run_info, score_tables
from tests.support.shop import shop_settings, write_config
from tests.support.trained import SECTIONS, copy_of
from tests.support.workbooks import sheets_of


@pytest.fixture(scope="module")
def config(tmp_path_factory):
    """The configuration of a shop with one published run."""
    settings = shop_settings(tmp_path_factory.mktemp("shop"))
    store = RunStore(settings.database_url(settings.store.url))
    store.publish(run_info(), *score_tables(120), EXHIBITS)
    store.close()
    return write_config(settings)


@pytest.fixture
def no_run(tmp_path):
    return write_config(shop_settings(tmp_path))


def regulars(*arguments, config=None):
    options = ["--config", str(config)] if config else []
    return CliRunner().invoke(main, [*map(str, arguments), *options])


def listed(config, *options):
    found = regulars("list", *options, "--json", config=config)
    assert found.exit_code == 0, found.output
    return json.loads(found.stdout)


def test_every_command_has_help():
    found = regulars("--help")
    assert found.exit_code == 0
    assert all(f"  {name} " in found.stdout for name in COMMANDS)
    for name in COMMANDS:
        command = main.get_command(None, name)
        parts = [[name, part] for part in command.commands] if hasattr(command, "commands") else []
        for words in parts or [[name]]:
            each = regulars(*words, "--help")
            assert each.exit_code == 0
            assert "--json" in each.stdout


def commands_of(group, words=()):
    """Words on the command line and command, of every command below `group`."""
    for name in group.list_commands(None):
        command = group.get_command(None, name)
        if hasattr(command, "commands"):
            yield from commands_of(command, (*words, name))
        else:
            yield " ".join((*words, name)), command


def test_every_command_takes_what_the_command_line_gives():
    from_the_frame = {"as_json", "speaker"}
    for words, command in commands_of(main):
        taken = inspect.signature(command.callback).parameters
        given = {parameter.name for parameter in command.params} - from_the_frame
        required = {
            name
            for name, parameter in taken.items()
            if parameter.default is parameter.empty and parameter.kind is not parameter.VAR_KEYWORD
        } - from_the_frame
        takes_any = any(parameter.kind is parameter.VAR_KEYWORD for parameter in taken.values())
        assert required <= given, words
        assert takes_any or given <= set(taken), words


def test_an_unknown_command_is_wrong_use():
    assert regulars("forecast").exit_code == 2


def test_the_list_is_one_document(config):
    found = listed(config)
    assert found["total"] == 120
    assert found["run_id"] == "run-1"
    assert found["horizon_days"] == 90
    values = [row["value_at_risk"] for row in found["customers"]]
    assert values == sorted(values, reverse=True)
    assert len(values) == 20


def test_the_list_for_people_says_the_same(config):
    found = regulars("list", config=config)
    assert found.exit_code == 0
    assert found.stderr == ""
    lines = found.stdout.splitlines()
    assert lines[0].startswith("Customers as of 2026-03-01: 120, £")
    assert len([line for line in lines if line.startswith("01")]) == 20
    for row in listed(config)["customers"]:
        assert f"£{row['clv']:,.2f}" in found.stdout
        assert f" {row['retention_risk']} " in found.stdout


@pytest.mark.parametrize("sort", ["value_at_risk", "churn_probability", "clv"])
def test_the_list_is_sorted_as_asked(sort, config):
    values = [row[sort] for row in listed(config, "--sort", sort)["customers"]]
    assert values == sorted(values, reverse=True)


def test_filters_narrow_the_list(config):
    assert {row["retention_risk"] for row in listed(config, "--risk", "critical")["customers"]} == {
        "critical"
    }
    both = listed(config, "--risk", "critical", "--risk", "high")
    assert both["total"] == sum(
        listed(config, "--risk", risk)["total"] for risk in ("critical", "high")
    )
    assert {row["status"] for row in listed(config, "--status", "one_order")["customers"]} == {
        "one_order"
    }
    group = listed(config, "--segment", "rfm_group:important_keep")
    assert {row["segments"]["rfm_group"] for row in group["customers"]} == {"important_keep"}
    assert 0 < group["total"] < 120
    dear = listed(config, "--min-value-at-risk", "100")
    assert all(row["value_at_risk"] >= 100 for row in dear["customers"])
    assert listed(config, "--min-value-at-risk", "1e12")["total"] == 0


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--segment", "rfm_group"], "give it as system:value"),
        (["--segment", ":A"], "give it as system:value"),
        (["--segment", "abc:"], "give it as system:value"),
        (["--segment", "moon:full"], "no such segment system"),
        (["--risk", "terrible"], "terrible"),
        (["--sort", "luck"], "luck"),
        (["--min-value-at-risk", "much"], "much"),
        (["--output", "list.pdf"], "ends in .csv or .xlsx"),
        (["--output", "list"], "ends in .csv or .xlsx"),
    ],
)
def test_wrong_use_ends_with_two_and_says_why(options, said, config):
    found = regulars("list", *options, config=config)
    assert found.exit_code == 2
    assert said in found.stderr
    assert found.stdout == ""


def test_the_whole_list_as_csv(config, tmp_path):
    output = tmp_path / "new folder" / "list.csv"
    found = regulars("list", "--output", output, config=config)
    assert found.exit_code == 0
    assert found.stdout == f"Wrote 120 customers to {output}\n"
    rows = list(csv.DictReader(io.StringIO(output.read_text(encoding="utf-8-sig"))))
    assert len(rows) == 120
    for row, item in zip(rows, listed(config)["customers"], strict=False):
        assert row["customer_id"] == item["customer_id"]
        assert float(row["value_at_risk"]) == item["value_at_risk"]
    assert [path.name for path in output.parent.iterdir()] == ["list.csv"]


def test_the_filtered_list_as_a_workbook(config, tmp_path):
    output = tmp_path / "LIST.XLSX"
    found = regulars("list", "--risk", "high", "--output", output, "--json", config=config)
    assert found.exit_code == 0
    sheet, _ = sheets_of(output)
    assert json.loads(found.stdout) == {
        "customers": len(sheet) - 1,
        "output": str(output),
        "left_out": {"refused": 0, "without_consent": 0, "erased": 0},
    }
    assert {row[sheet[0].index("Risk")] for row in sheet[1:]} == {"High"}
    regulars("list", "--output", output, "--language", "zh", config=config)
    assert sheets_of(output)[0][0][0] == "客户"
    assert list(tmp_path.iterdir()) == [output]


@pytest.mark.parametrize("name", ["list.csv", "list.xlsx"])
def test_a_file_that_cannot_be_written_is_one_clear_line(name, config, tmp_path):
    (tmp_path / "file").write_text("in the way")
    found = regulars("list", "--output", tmp_path / "file" / name, config=config)
    assert found.exit_code == 2
    assert found.stderr.startswith(f"regulars: {tmp_path / 'file' / name}: cannot be written")
    assert len(found.stderr.splitlines()) == 1


def test_without_a_run_there_is_no_list(no_run):
    found = regulars("list", config=no_run)
    assert found.exit_code == 1
    assert len(found.stderr.splitlines()) == 1
    assert "regulars score" in found.stderr


def test_without_models_nothing_is_scored(no_run):
    found = regulars("score", config=no_run)
    assert found.exit_code == 1
    assert found.stderr.endswith("no models have been published. Run `regulars train` first.\n")
    assert len(found.stderr.splitlines()) == 1


@pytest.mark.parametrize("command", ["check", "train", "backtest", "models", "score", "list"])
def test_without_a_configuration_nothing_works(command, tmp_path):
    found = regulars(command, config=tmp_path / "none.toml")
    assert found.exit_code == 2
    assert "no such file. `regulars init FILE` writes one" in found.stderr
    assert found.stdout == ""


@pytest.fixture(scope="module")
def shop(trained, tmp_path_factory):
    """The trained shop with its configuration in a file."""
    copied = copy_of(trained, tmp_path_factory.mktemp("copy") / "shop")
    return copied, write_config(shop_settings(copied.root, **SECTIONS))


def test_scores_are_published_and_written(shop, tmp_path):
    trained, config = shop
    found = regulars("score", "--output", tmp_path / "out", "--json", config=config)
    assert found.exit_code == 0, found.output
    said = json.loads(found.stdout)
    scores = pd.read_parquet(tmp_path / "out" / "scores.parquet")
    assert said["customers"] == len(scores) == trained.orders["customer"].nunique()
    assert said["as_of"] == trained.log.end.isoformat()
    bands = scores["retention_risk"].value_counts()
    assert said["retention_risk"] == {
        band: bands.get(band, 0) for band in ("critical", "high", "medium", "low")
    }
    assert said["files"] == [
        str(tmp_path / "out" / name) for name in ("scores.parquet", "recommendations.parquet")
    ]
    assert listed(config)["run_id"] == said["run_id"]


def test_a_folder_that_cannot_be_written_is_one_clear_line(shop, tmp_path):
    (tmp_path / "file").write_text("in the way")
    found = regulars("score", "--output", tmp_path / "file" / "out", config=shop[1])
    assert found.exit_code == 2
    assert found.stderr.startswith(f"regulars: {tmp_path / 'file' / 'out'}: cannot be written")
    assert found.stderr.count("\n") == 1


def test_each_scoring_is_a_run_of_its_own_and_the_last_is_read(shop):
    _, config = shop
    runs = []
    for _ in range(2):
        found = regulars("score", config=config)
        assert found.exit_code == 0
        assert "critical" in found.stdout
        runs.append(listed(config)["run_id"])
    assert runs[0] != runs[1]


@pytest.mark.parametrize(
    ("day", "said"),
    [("2024-07-01", "would peek into the future"), ("2031-01-01", "lies outside the orders")],
)
def test_a_date_that_cannot_be_scored_is_wrong_use(day, said, shop):
    found = regulars("score", "--as-of", day, config=shop[1])
    assert found.exit_code == 2
    assert said in found.stderr


def test_another_machine_is_not_listened_to(shop):
    found = regulars("serve", "--host", "0.0.0.0", config=shop[1])  # noqa: S104 - refused
    assert found.exit_code == 2
    assert "no API key" in found.stderr


def test_models_are_listed_with_their_grades(shop):
    trained, config = shop
    versions = json.loads(regulars("models", "--json", config=config).stdout)["models"]
    assert {one["name"]: one["version"] for one in versions} == {
        "regulars-churn": "1",
        "regulars-next-purchase": "1",
        "regulars-recommendation": "1",
        "regulars-value": "1",
    }
    words = regulars("models", config=config).stdout
    for result in trained.result.backtest.results:
        assert result.grade.sentence() in words


@pytest.mark.slow
def test_a_backtest_publishes_nothing(shop):
    trained, config = shop
    bundles = trained.settings.path(trained.settings.store.bundles)
    before = sorted(path.name for path in bundles.iterdir())
    found = regulars("backtest", "--folds", "1", "--json", config=config)
    assert found.exit_code == 0, found.output
    said = json.loads(found.stdout)
    assert set(said["grades"]) == {"churn", "value", "next_purchase", "recommendation"}
    assert "A if" in said["grade_rule"]
    folds = [key for key in said["backtest"][0] if key.startswith("2024-")]
    assert len(folds) == 1
    assert sorted(path.name for path in bundles.iterdir() if path.name != ".train.lock") == [
        name for name in before if name != ".train.lock"
    ]


def test_a_training_while_another_runs_is_one_clear_line(shop):
    from training.job import training_lock

    trained, config = shop
    with training_lock(trained.settings.path(trained.settings.store.bundles)):
        found = regulars("train", "--again", config=config)
    assert found.exit_code == 1
    assert found.stderr.count("\n") == 1
    assert "another training is running" in found.stderr


def test_exhibits_are_listed_and_printed(config):
    listing = regulars("exhibit", config=config)
    assert listing.exit_code == 0, listing.output
    assert all(name in listing.stdout for name in EXHIBITS)
    table = regulars("exhibit", "bought_together", config=config).stdout
    assert "items.category.pairs" in table
    assert "0.25" in table
    one = regulars("exhibit", "customer_loss", "--lang", "zh", config=config).stdout
    assert "lifetime_years" in one
    assert "如此计算" in one
    answer = json.loads(regulars("exhibit", "funnel", "--json", config=config).stdout)
    assert answer["data"] == EXHIBITS["funnel"]["data"]
    strange = regulars("exhibit", "sales", config=config)
    assert strange.exit_code == 2
    assert "have: " in strange.output


def test_a_run_that_takes_readers_back_says_so(trained, tmp_path):
    settings = copy_of(trained, tmp_path).settings
    store = RunStore(settings.database_url(settings.store.url))
    later = run_info("later", as_of=date(2031, 1, 1))
    store.publish(later, *score_tables(10))
    store.close()
    config = write_config(settings)
    first = regulars("score", config=config)
    assert "no longer that of 2031-01-01" in first.stdout
    assert "no longer" not in regulars("score", config=config).stdout
