"""Budgets, in a service that runs: a stranger waits, and the operator sees why."""

import json
from pathlib import Path

from tests.support.servers.http_server import Exchange, HttpServer
from tests.support.walker import walking

SECRET = "whsec_YnVkZ2V0cyBvZiBhIHdhbGssIGZvciB0ZXN0cyBvbmx5"


def accept(exchange: Exchange) -> None:
    exchange.respond(200, b"{}")


def test_a_stranger_waits_above_the_part_of_an_hour(tmp_path: Path) -> None:
    prices = tmp_path / "prices.toml"
    prices.write_text('currency = "USD"\n[US]\nsms = 10000\n', "utf-8")
    with (
        HttpServer(accept) as hook,
        walking(
            tmp_path / "service",
            DIALTONE_SMS=hook.url,
            DIALTONE_SMS_HOOK_SECRET=SECRET,
            DIALTONE_COUNTRIES="US",
            DIALTONE_PRICES=str(prices),
            DIALTONE_BUDGET_PER_DAY="0.2 USD",
            DIALTONE_HARD_BUDGET_PER_COUNTRY="US=0.5",
        ) as walker,
    ):
        responses = [
            walker.http.post("/auth/request-otp", json={"phone": f"+1415557170{number}"})
            for number in range(3)
        ]
        assert [response.status_code for response in responses] == [200, 200, 429]
        assert int(responses[2].headers["Retry-After"]) > 3500
        run = walker.service.run
        shown = json.loads(run("budgets", "--json").stdout)
        assert [each["used"] for each in shown["budgets"]] == [20_000, 20_000]
        assert "0.120000" in run("budgets").stdout
        settings = run("check-settings").stdout
        assert "Strangers get 0.12 of it, and at most 0.02 of that in an hour" in settings
