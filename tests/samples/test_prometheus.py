"""The samples for Prometheus and Grafana: alerts that fire and end, and names that exist."""

import json
import re
import subprocess
from typing import Any, Final

from tests.support.markdown import PROJECT, page
from tests.support.servers.process import find_or_install

FOLDER: Final = PROJECT / "docs/deploy/prometheus"
ALERTS: Final = (FOLDER / "alerts.yml").read_text(encoding="utf-8")
CASES: Final = (FOLDER / "alerts_test.yml").read_text(encoding="utf-8")
DASHBOARD: Final = (PROJECT / "docs/deploy/grafana/dialtone.json").read_text(encoding="utf-8")


def promtool(*arguments: str) -> None:
    program = find_or_install("promtool", "prometheus")
    ended = subprocess.run(
        [program, *arguments], cwd=FOLDER, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_each_alert_fires_and_ends() -> None:
    promtool("check", "config", "prometheus.yml")
    promtool("test", "rules", "alerts_test.yml")
    alerts = re.findall(r"- alert: (\w+)", ALERTS)
    assert alerts
    assert [name for name in alerts if f'alertname="{name}"' not in CASES] == []


def test_each_alert_has_a_severity_and_a_runbook_that_exists() -> None:
    runbooks = page("docs/runbooks.md")
    headings = {name.lower().replace(" ", "-") for name in re.findall(r"^## (.+)$", runbooks, re.M)}
    for alert in re.split(r"- alert: ", ALERTS)[1:]:
        assert len(re.findall(r"severity: (?:page|ticket)\n", alert)) == 1, alert
        assert {*re.findall(r"runbook: docs/runbooks\.md#(\S+)", alert)} & headings, alert


def test_all_metrics_of_the_alerts_and_the_dashboard_exist() -> None:
    # That the page has the metrics of the code is tested elsewhere.
    existing = {*re.findall(r"^\| `(dialtone_\w+)` \|", page("docs/log.md"), re.M)}
    panels: list[dict[str, Any]] = json.loads(DASHBOARD)["panels"]
    expressions = [target["expr"] for panel in panels for target in panel["targets"]]
    named = {*re.findall(r"\bdialtone_\w+", "\n".join([ALERTS, CASES, *expressions]))}
    assert len(named) > 20
    of_histograms = re.compile(r"(?<=_seconds)_(?:bucket|sum|count)$")
    assert {of_histograms.sub("", name) for name in named} <= existing
