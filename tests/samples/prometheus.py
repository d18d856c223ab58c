"""Prometheus with the sample of the docs, as a process."""

from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import httpx

from tests.support.plain_http import PLAIN_HTTP
from tests.support.servers.process import ServerProcess, find_or_install, free_ports

SAMPLES: Final = Path(__file__).parents[2] / "docs/deploy/prometheus"


class PrometheusProcess(ServerProcess):
    """A Prometheus with the sample and its rules, which scrapes one instance each second.

    Args:
        folder: Its folder.
        metrics_port: The port of the metrics of the instance.
    """

    name = "prometheus"

    def __init__(self, folder: Path, metrics_port: int) -> None:
        super().__init__(folder)
        (port,) = free_ports(1)
        self._address = f"127.0.0.1:{port}"
        folder.mkdir(parents=True)
        text = (SAMPLES / "prometheus.yml").read_text(encoding="utf-8")
        for written, used in (
            ("127.0.0.1:9464", f"127.0.0.1:{metrics_port}"),
            ("scrape_interval: 15s", "scrape_interval: 1s"),
            ("evaluation_interval: 15s", "evaluation_interval: 1s"),
        ):
            assert written in text
            text = text.replace(written, used, 1)
        (folder / "prometheus.yml").write_text(text, encoding="utf-8")
        rules = (SAMPLES / "alerts.yml").read_text(encoding="utf-8")
        (folder / "alerts.yml").write_text(rules, encoding="utf-8")

    def command(self) -> list[str]:
        program = find_or_install("prometheus")
        return [
            *(str(program), f"--config.file={self.folder}/prometheus.yml"),
            *(f"--storage.tsdb.path={self.folder}/data", f"--web.listen-address={self._address}"),
        ]

    def is_ready(self) -> bool:
        url = f"http://{self._address}/-/ready"
        with suppress(httpx.TransportError):
            return httpx.get(url, timeout=1, **PLAIN_HTTP).is_success
        return False

    def query(self, expression: str) -> list[dict[str, Any]]:
        """Return the series of an expression.

        Raises:
            AssertionError: The expression is wrong.
        """
        series: list[dict[str, Any]] = self._get("query", query=expression)["result"]
        return series

    def rules(self) -> list[dict[str, Any]]:
        """Return all rules with their state."""
        return [rule for group in self._get("rules")["groups"] for rule in group["rules"]]

    def _get(self, path: str, **parameters: str) -> Any:
        url = f"http://{self._address}/api/v1/{path}"
        response = httpx.get(url, params=parameters, timeout=20, **PLAIN_HTTP)
        assert response.is_success, response.text
        return response.json()["data"]
