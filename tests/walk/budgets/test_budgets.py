"""Budgets, in a service that runs: strangers wait above one, which a start reads."""

from pathlib import Path

import pytest

from tests.support.servers.http_server import Exchange, HttpServer
from tests.support.walker import walking

pytestmark = pytest.mark.slow

SECRET = "whsec_YnVkZ2V0cyBvZiBhIHdhbGssIGZvciB0ZXN0cyBvbmx5"


def accept(exchange: Exchange) -> None:
    exchange.respond(200, b"{}")


def test_a_stranger_waits_above_a_budget(tmp_path: Path) -> None:
    prices = tmp_path / "prices.toml"
    prices.write_text('currency = "USD"\n[US]\nsms = 10000\n', "utf-8")
    with HttpServer(accept) as hook:
        settings = {
            "DIALTONE_SMS": hook.url,
            "DIALTONE_SMS_HOOK_SECRET": SECRET,
            "DIALTONE_COUNTRIES": "US",
            "DIALTONE_PRICES": str(prices),
            "DIALTONE_BUDGET_PER_DAY": "0.01 USD",
        }
        for number, status in ((0, 200), (1, 429)):
            with walking(tmp_path / "service", **settings) as walker:
                body = {"phone": f"+1415557170{number}"}
                response = walker.http.post("/auth/request-otp", json=body)
                assert response.status_code == status, response.text
                shown = walker.service.run("check-settings").stdout
                assert "have cost 0.01 USD in 24 hours" in shown
