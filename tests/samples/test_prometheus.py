"""The samples for Prometheus and Grafana, with Prometheus and its tool (Debian's `prometheus`)."""

import re
import subprocess
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, Final

import pytest

from tests.samples.own_messenger import OWN_FACTORY, OwnMessenger
from tests.samples.prometheus import PrometheusProcess
from tests.samples.test_dashboards import DASHBOARDS, DOCS, panels
from tests.support.client import open_client, sign_in
from tests.support.images import still_gif
from tests.support.servers.fake_hook import FakeReceiver
from tests.support.servers.fake_twilio import FakeTwilio, rejects
from tests.support.servers.process import find_or_install, free_ports
from tests.support.service import Service, running

FOLDER: Final = DOCS / "deploy/prometheus"
WITHOUT_VALUES: Final = {
    "Errors by route",
    "Errors of the stores",
    "Last cleanup",
    "Next service token",
    "Deleted by cleanups",
    "Delivered",
    "Later status",
    "Undelivered",
    "Undelivered, 24 hours",
}
"""Panels of what does not happen here."""


@pytest.fixture
def prometheus(tmp_path: Path) -> Iterator[PrometheusProcess]:
    """One that has scraped a service whose first provider rejects all messages."""
    folder = tmp_path / "service"
    folder.mkdir()
    own = OwnMessenger(folder).install()
    (metrics_port,) = free_ports(1)
    environ = {
        "DIALTONE_METRICS_BIND": f"127.0.0.1:{metrics_port}",
        "DIALTONE_SMS": f"twilio,{OWN_FACTORY}",
        "DIALTONE_COUNTRIES": "US",
        "DIALTONE_SMS_LIMIT_PER_COUNTRY": "20/1h",
        "DIALTONE_ATTESTATION": "altcha",
        "DIALTONE_TRUSTED_PROXIES": "127.0.0.1",
    }
    with (
        FakeTwilio() as twilio,
        FakeReceiver() as receiver,
        running(folder, twilio.environ | receiver.environ | environ, own.inbox) as service,
        PrometheusProcess(tmp_path / "prometheus", metrics_port) as prometheus,
    ):
        twilio.behavior = rejects(20003, 401)
        # An increase needs a value before it.
        for logins in (1, 2):
            use(service, logins)
            service.wait_for(partial(scraped_twice, prometheus, logins))
        yield prometheus


def use(service: Service, number: int) -> None:
    """Sign in, upload an image, and ask for more codes than the limit of a network allows."""
    phone, client_ip = f"+1415{555 + number}4201", f"198.18.{number}.1"
    token = sign_in(service, phone, {"X-Forwarded-For": client_ip})
    headers = {"Authorization": f"Bearer {token}", "X-Forwarded-For": client_ip}
    with open_client(service, headers) as http:
        body = {"username": f"user {number}", "number": phone}
        user_id = http.post("/users", json=body).json()["user_id"]
        form: dict[str, Any] = {
            "files": {"file": ("a.gif", still_gif())},
            "data": {"user_id": user_id},
        }
        assert http.post("/library/upload", **form).status_code == 201
        phones = [f"{phone[:-1]}{digit}" for digit in range(2, 8)]
        statuses = [
            http.post("/auth/request-otp", json={"phone": other}).status_code for other in phones
        ]
        assert statuses[-1] == 429
        wrong_proof = {"type": "altcha", "response": "wrong"}
        request = {"phone": phones[-1], "attestation": wrong_proof}
        assert http.post("/auth/request-otp", json=request).status_code == 403


def scraped_twice(prometheus: PrometheusProcess, logins: int) -> bool:
    """Return whether Prometheus has two values since these logins and their events."""
    return all(
        prometheus.query(f"count_over_time((sum({metric}) >= {logins})[1m:1s]) >= 2")
        for metric in ("dialtone_logins_total", "dialtone_events_total")
    )


def test_every_panel_shows_what_happened_and_no_rule_fails(prometheus: PrometheusProcess) -> None:
    empty = {
        panel["title"]
        for file in DASHBOARDS
        for panel in panels(file)
        for target in panel.get("targets", [])
        if not prometheus.query(as_grafana_sends(target["expr"]))
    }

    assert empty == WITHOUT_VALUES
    rules = prometheus.rules()
    assert len(rules) > 15
    assert [rule for rule in rules if rule["health"] != "ok"] == []


def as_grafana_sends(expression: str) -> str:
    """Return the expression of a panel with all instances, countries and providers."""
    expression = re.sub(r"\$__(?:rate_interval|range)", "1m", expression)
    return re.sub(r"\$\w+", ".*", expression)


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
