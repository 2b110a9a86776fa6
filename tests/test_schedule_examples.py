"""The files of deploy/: what they start exists, and every figure they name is one of the server's.

Airflow and Dagster are not installed with the tests: their examples are compiled, and what they
call is read from the code.
"""

import ast
import configparser
import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from serving.commands.main import main
from serving.schedule.outcome import EXIT_CODES, OUTCOMES, RunOutcome
from tests.serving.conftest import client_of
from tests.support.scores import run_info, score_tables
from tests.support.stores import fresh_runs

ROOT = Path(__file__).parent.parent
DEPLOY = ROOT / "deploy"
ORCHESTRATED = (DEPLOY / "airflow" / "regulars_dag.py", DEPLOY / "dagster" / "regulars_job.py")
METRIC = re.compile(r"\bregulars_[a-z_]+")
FIGURES = {
    "orders": 10.0,
    "quarantined_share": 0.01,
    "null_share": 0.0,
    "expected_total": 99.5,
    "band_low": 0.75,
    "band_high": 0.25,
    "drift_rfm": 0.3,
    "trained_days_churn": 4.0,
    "said_value": 100.0,
    "came_value": 90.0,
}
OUTCOME = RunOutcome(outcome="stopped", words="…", at=datetime(2026, 3, 3, 12, tzinfo=UTC))


@pytest.fixture(scope="module")
def metrics():
    """The text of /metrics of a server with a run and a regular run."""
    runs = fresh_runs()
    models = {"churn": {"version": "4", "grade": "B"}, "value": {"version": "baseline", "grade": "D", "stands_in": "RFM average"}}  # fmt: skip
    info = run_info(figures=FIGURES, accepted={"total_moved": "…"}, models=models)
    runs.publish(info, *score_tables(20))
    return client_of(runs, last_outcome=OUTCOME.to_dict).get("/metrics").text


def named_in(text):
    """Metrics that a file names, as the server tells them."""
    return {re.sub(r"_(bucket|count|sum)$", "", name) for name in METRIC.findall(text)}


def told_by(metrics):
    """The figures that the server tells, those included that nothing was counted in yet."""
    return {line.split()[2] for line in metrics.splitlines() if line.startswith("# TYPE ")}


def rules():
    text = (DEPLOY / "prometheus" / "regulars.rules.yml").read_text(encoding="utf-8")
    return [rule for group in yaml.safe_load(text)["groups"] for rule in group["rules"]]


def test_the_run_is_told_in_figures(metrics):
    for line in (
        'regulars_run_outcome{outcome="stopped"} 1.0',
        'regulars_run_outcome{outcome="published"} 0.0',
        "regulars_run_age_seconds 43200.0",
        'regulars_band_share{band="low"} 0.75',
        'regulars_input_drift{group="rfm"} 0.3',
        'regulars_model_age_days{model="churn"} 7.0',
        'regulars_baseline_stands_in{model="value"} 1.0',
        'regulars_baseline_stands_in{model="churn"} 0.0',
        'regulars_said{what="value"} 100.0',
        "regulars_gates_opened 1.0",
        "regulars_rows_quarantined_share 0.01",
    ):
        assert line in metrics.splitlines(), line


def test_every_alert_names_figures_of_the_server(metrics):
    # with a scorer only, and where several shops share a server (see `test_host`)
    of_others = {"regulars_scorer_up", "regulars_shop_up", "regulars_shop_scorer_refused"}
    names = told_by(metrics) | of_others
    for rule in rules():
        assert named_in(rule["expr"]), rule["alert"]
        assert named_in(rule["expr"]) <= names, rule["alert"]
        assert rule["labels"]["severity"] in {"page", "ticket", "info"}
        assert rule["annotations"]["summary"]
        assert rule["expr"].count("(") == rule["expr"].count(")")
    alerts = [rule["alert"] for rule in rules()]
    assert len(alerts) == len(set(alerts))
    outcomes = set(re.findall(r'outcome="(\w+)"', json.dumps(rules()).replace('\\"', '"')))
    assert outcomes == {name for name in OUTCOMES if EXIT_CODES[name]}


def test_every_panel_names_figures_of_the_server(metrics):
    board = json.loads((DEPLOY / "grafana" / "regulars.json").read_text(encoding="utf-8"))
    names = told_by(metrics)
    queries = [target["expr"] for panel in board["panels"] for target in panel["targets"]]
    assert set().union(*map(named_in, queries)) <= names
    places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in board["panels"]]
    assert len(set(places)) == len(places)
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])


def test_alerts_of_a_run_and_their_figures_are_in_the_docs():
    text = (ROOT / "docs" / "schedule.md").read_text(encoding="utf-8")
    for rule in rules():
        assert rule["alert"] in text
    for name in OUTCOMES:
        assert f"`{name}`" in text


def options_of_run():
    command = main.get_command(None, "run")
    return {option for parameter in command.params for option in parameter.opts}


def test_systemd_starts_the_command():
    unit = configparser.RawConfigParser(strict=False)
    unit.read(DEPLOY / "systemd" / "regulars-run.service")
    program, command = unit["Service"]["ExecStart"].split()
    assert program.endswith("/regulars")
    assert command == "run"
    timer = configparser.RawConfigParser()
    timer.read(DEPLOY / "systemd" / "regulars-run.timer")
    assert timer["Timer"]["Persistent"] == "true"
    assert re.fullmatch(r"\*-\*-\* \d\d:\d\d:\d\d", timer["Timer"]["OnCalendar"])


def test_the_line_of_cron_starts_the_command():
    lines = (DEPLOY / "cron" / "regulars").read_text().splitlines()
    (line,) = (line for line in lines if line and line[0].isdigit())
    *when, user, _ = line.split(maxsplit=6)
    assert when == ["10", "4", "*", "*", "*"]
    assert user == "regulars"
    assert "/bin/regulars run >>" in line


def test_kubernetes_starts_it_once_at_a_time_and_stops_at_a_gate():
    job = yaml.safe_load((DEPLOY / "kubernetes" / "cronjob.yaml").read_text())
    assert job["kind"] == "CronJob"
    assert job["spec"]["concurrencyPolicy"] == "Forbid"
    inner = job["spec"]["jobTemplate"]["spec"]
    (rule,) = inner["podFailurePolicy"]["rules"]
    assert rule["action"] == "FailJob"
    assert EXIT_CODES["stopped"] in rule["onExitCodes"]["values"]
    assert EXIT_CODES["failed"] not in rule["onExitCodes"]["values"]
    (container,) = inner["template"]["spec"]["containers"]
    assert container["name"] == rule["onExitCodes"]["containerName"]
    assert container["args"] == ["run"]
    mounted = {mount["name"] for mount in container["volumeMounts"]}
    assert mounted == {volume["name"] for volume in inner["template"]["spec"]["volumes"]}


@pytest.mark.parametrize("file", ORCHESTRATED, ids=lambda file: file.parent.name)
def test_examples_for_orchestrators_call_what_is_there(file):
    tree = ast.parse(file.read_text(encoding="utf-8"))
    compile(tree, str(file), "exec")
    lists = [node for node in ast.walk(tree) if isinstance(node, ast.List)]
    words = [
        [element.value for element in found.elts if isinstance(element, ast.Constant)]
        for found in lists
        if any(isinstance(element, ast.Name) and element.id == "REGULARS" for element in found.elts)
    ]
    assert words == [["run", "--json"]]
    assert {"--json"} <= options_of_run()
    constants = {
        target.id: node.value.value
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    assert constants["STOPPED_BY_A_GATE"] == EXIT_CODES["stopped"]
    keys = {
        node.slice.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant)
    }
    assert keys <= OUTCOME.to_dict().keys()
