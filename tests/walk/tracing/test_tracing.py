"""Traces by OpenTelemetry: the spans that a collector gets from a running service."""

from pathlib import Path

import pytest

from tests.support.client import open_client
from tests.support.servers.collector import open_collector
from tests.support.servers.process import wait_until
from tests.support.service import Service

pytestmark = pytest.mark.slow


def test_a_request_is_a_span_whose_id_its_lines_have(tmp_path: Path) -> None:
    with open_collector() as collector:
        environ = {
            "OTEL_BSP_SCHEDULE_DELAY": "100",
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
            "DIALTONE_WORKERS": "2",
        }
        service = Service(tmp_path / "service", environ).start()
        with open_client(service) as http:
            http.post("/auth/request-otp", json={"phone": "+14155552671"})
        wait_until(lambda: bool(collector.spans), 30)
        service.stop()
    [span] = collector.spans
    assert span.name == "POST /auth/request-otp"
    assert f'"span_id":"{span.span_id.hex()}"' in service.log
