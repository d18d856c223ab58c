"""The metrics of a running service, with several workers."""

import os
import re
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Final

import httpx
from prometheus_client.parser import text_string_to_metric_families

from tests.support.client import me, sign_in
from tests.support.plain_http import PLAIN_HTTP
from tests.support.servers.process import free_ports
from tests.support.service import running

PHONE: Final = "+14155591001"
REQUESTS: Final = 60


def value(text: str, name: str, **labels: str) -> float:
    """Return the sum of the samples with these labels."""
    return sum(
        sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == f"dialtone_{name}" and labels.items() <= sample.labels.items()
    )


def count_of_user(text: str) -> float:
    return value(text, "http_requests_total", route="/users/me", status="404")


def test_any_worker_answers_for_all_and_a_killed_one_loses_nothing(tmp_path: Path) -> None:
    [port] = free_ports(1)
    settings = {"DIALTONE_WORKERS": "3", "DIALTONE_METRICS_BIND": f"127.0.0.1:{port}"}
    with running(tmp_path, settings) as service:

        def scrape() -> str:
            """Return the answer of one worker, with a connection of its own."""
            response = httpx.get(f"http://127.0.0.1:{port}/metrics", timeout=20, **PLAIN_HTTP)
            assert response.is_success
            return response.text

        def count_listeners() -> int:
            """Return how many workers serve metrics; one that starts counts itself before that."""
            sockets = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()]
            return sum(it[1].endswith(f":{port:04X}") and it[3] == "0A" for it in sockets)

        def wait_until(count: int, read: Callable[[str], float]) -> None:
            service.wait_for(lambda: read(scrape()) == count)

        for method, path in (
            ("GET", f"/{PHONE}"),
            ("GET", f"/users/{'0' * 24}"),
            ("BREW", "/users"),
        ):
            httpx.request(method, f"{service.url}{path}", **PLAIN_HTTP)
        token = sign_in(service, PHONE)
        for number, worker in enumerate(service.workers, start=1):
            for _ in range(REQUESTS // 3):
                assert me(service, token) == 404
            service.wait_for(lambda: count_listeners() == 3)
            # A response may arrive a moment before it is counted.
            wait_until(number * REQUESTS // 3, count_of_user)
            os.kill(worker, signal.SIGKILL)
            service.wait_for(lambda ended=worker: ended not in service.workers)  # type: ignore[misc]
            wait_until(3 + number, lambda text: value(text, "worker_starts_total"))
            service.wait_until_ready("ready")
        # A task of a worker may call the database at any time.
        wait_until(0, lambda text: value(text, "storage_calls_in_progress"))
        for text in [scrape() for _ in range(9)]:
            assert count_of_user(text) == REQUESTS
            assert value(text, "storage_duration_seconds_count", operation="load") >= REQUESTS
            assert value(text, "logins_total", country="US", provider="console", channel="sms") == 1
            assert_labels_name_nobody(text)


def assert_labels_name_nobody(text: str) -> None:
    labels = {
        label
        for family in text_string_to_metric_families(text)
        if family.name != "dialtone_build_info"  # the version and the commit
        for sample in family.samples
        for name, label in sample.labels.items()
        if name != "le"
    }
    assert {"/users/{user_id}", "-", "other", "US"} <= labels
    assert [label for label in labels if re.search(r"\d{5}|\d\.\d|[0-9a-f]{16}", label)] == []
