"""The dashboards and alert rules in docs/deploy name metrics, labels and headings that exist.

`test_prometheus.py` has the tests with Prometheus itself.
"""

import json
import re
from pathlib import Path
from typing import Any, Final

DOCS: Final = Path(__file__).parents[2] / "docs"
ALERTS: Final = (DOCS / "deploy/prometheus/alerts.yml").read_text(encoding="utf-8")
DASHBOARDS: Final = sorted((DOCS / "deploy/grafana").glob("*.json"))
OF_PROMETHEUS: Final = {"up"}
"""Prometheus makes it for each target."""
LABELS_OF_PROMETHEUS: Final = {"instance", "job"}
SUFFIXES: Final = ("_bucket", "_sum", "_count")
"""Of the series of a histogram."""
_ROW: Final = re.compile(r"^\| `(dialtone_\w+)` \|([^|]*)\|", re.MULTILINE)
_RECORD: Final = re.compile(r"record: (\S+)")
_EXPRESSION: Final = re.compile(r"expr: (?:>-\n)?((?:.+)(?:\n {10,}.+)*)")
_NAME: Final = re.compile(r"\bdialtone[:_][\w:]+|\bup\b")
_LABELS: Final = re.compile(r"\b(?:by|on) \(([^)]*)\)|\{([^{}]*)\}")
_MATCHER: Final = re.compile(r"(\w+)(?:=~|!~|!=|=)\"")


def metrics() -> dict[str, set[str]]:
    """Return the labels of each metric in docs/metrics.md, which agrees with the code."""
    page = (DOCS / "metrics.md").read_text(encoding="utf-8")
    return {name: set(re.findall(r"`(\w+)`", cell)) for name, cell in _ROW.findall(page)}


def panels(file: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(file.read_text(encoding="utf-8"))["panels"]
    return found


def expressions() -> list[str]:
    """Return all expressions of the dashboards and the rules."""
    of_panels = [
        target["expr"]
        for file in DASHBOARDS
        for panel in panels(file)
        for target in panel.get("targets", [])
    ]
    return of_panels + _EXPRESSION.findall(ALERTS)


def test_dashboards_and_alerts_name_only_metrics_and_labels_that_exist() -> None:
    existing, records = metrics(), set(_RECORD.findall(ALERTS))
    problems = []
    for expression in expressions():
        labels: set[str] = set(LABELS_OF_PROMETHEUS)
        for name in _NAME.findall(expression):
            metric = name if name in existing else re.sub(rf"(?:{'|'.join(SUFFIXES)})$", "", name)
            if metric in existing:
                labels |= existing[metric] | ({"le"} if metric != name else set())
            elif metric in records:
                labels |= {"country", "provider", "result"}
            elif metric not in OF_PROMETHEUS:
                problems.append(f"{name} does not exist: {expression}")
        for group, matchers in _LABELS.findall(expression):
            used = set(re.findall(r"\w+", group)) | set(_MATCHER.findall(matchers))
            problems += [f"{label} is no label: {expression}" for label in used - labels]

    assert expressions()
    assert not problems, "\n".join(problems)


def test_each_metric_is_in_a_dashboard() -> None:
    shown = "".join(file.read_text(encoding="utf-8") for file in DASHBOARDS)

    assert [name for name in metrics() if name not in shown] == []


def test_each_alert_has_a_severity_and_a_runbook_that_exists() -> None:
    alerts = re.split(r"- alert: ", ALERTS)[1:]
    links = [re.findall(r"runbook: docs/runbooks\.md#(\S+)", alert) for alert in alerts]
    runbooks = (DOCS / "runbooks.md").read_text(encoding="utf-8")
    headings = {name.lower().replace(" ", "-") for name in re.findall(r"^## (.+)$", runbooks, re.M)}

    assert alerts
    assert [len(found) for found in links] == [1] * len(alerts)
    assert {heading for found in links for heading in found} <= headings
    for alert in alerts:
        assert len(re.findall(r"severity: (?:page|ticket)\n", alert)) == 1, alert
        assert len(re.findall(r"^ +(?:summary|description):", alert, re.M)) == 2, alert
        assert alert.partition("\n")[0] in runbooks
