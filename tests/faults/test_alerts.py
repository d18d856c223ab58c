"""The samples for Prometheus and Grafana, with Prometheus' own tool (Debian's `prometheus`)."""

import json
import re
import subprocess
from pathlib import Path
from typing import Final

import pytest

from tests.support.servers.process import find_or_install
from tests.tooling.test_dashboards import DASHBOARDS, DOCS, panels

FOLDER: Final = DOCS / "deploy/prometheus"
_PERIOD: Final = re.compile(r"\$__(?:rate_interval|range)")
"""Grafana writes a time there. Its other variables are values of labels."""


def promtool(*arguments: str | Path) -> str:
    """Run promtool, and return its output.

    Raises:
        AssertionError: It found an error.
    """
    program = find_or_install("promtool", "prometheus")
    ended = subprocess.run(
        [program, *arguments], cwd=FOLDER, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def test_the_rules_and_the_configuration_are_valid() -> None:
    assert "SUCCESS" in promtool("check", "config", "prometheus.yml")
    assert "SUCCESS" in promtool("check", "rules", "alerts.yml")


def test_each_alert_fires_when_it_should_and_not_otherwise() -> None:
    assert "SUCCESS" in promtool("test", "rules", "alerts_test.yml")


def test_each_alert_has_a_case_that_fires_and_one_that_does_not() -> None:
    alerts = set(re.findall(r"- alert: (\w+)", (FOLDER / "alerts.yml").read_text()))
    cases = re.findall(
        r"alertname: (\w+)\n +eval_time: \S+\n +exp_alerts:( \[\])?",
        (FOLDER / "alerts_test.yml").read_text(),
    )

    assert {name for name, is_silent in cases if not is_silent} == alerts
    assert {name for name, is_silent in cases if is_silent} == alerts


@pytest.mark.parametrize("file", DASHBOARDS, ids=lambda file: file.stem)
def test_the_expressions_of_a_dashboard_are_valid(file: Path, tmp_path: Path) -> None:
    expressions = [
        _PERIOD.sub("5m", target["expr"])
        for panel in panels(file)
        for target in panel.get("targets", [])
    ]
    rules = [
        {"record": f"panel:{number}", "expr": expression}
        for number, expression in enumerate(expressions)
    ]
    # JSON is YAML.
    written = tmp_path / "rules.yml"
    written.write_text(json.dumps({"groups": [{"name": "panels", "rules": rules}]}))

    assert f"SUCCESS: {len(rules)} rules found" in promtool("check", "rules", written)
