"""Costs of a service that is killed, and of one that stops."""

import json
import signal
from pathlib import Path
from typing import Any, Final

from tests.e2e.phone_line import PhoneLine, run_phone_line

PRICES: Final = 'currency = "USD"\n[US]\nsms = 8300\nvoice = 14000\n'


def totals(line: PhoneLine) -> list[dict[str, Any]]:
    report: dict[str, Any] = json.loads(line.service.run("costs", "--json").stdout)
    found: list[dict[str, Any]] = report["totals"]
    return found


def minutes(line: PhoneLine) -> int:
    return sum(total["minutes"] for total in totals(line))


def test_a_killed_service_keeps_what_was_written_and_a_stopped_one_all(
    tmp_path: Path, phone: str
) -> None:
    file = tmp_path / "prices.toml"
    file.write_text(PRICES, encoding="utf-8")
    with run_phone_line(tmp_path / "service", {"DIALTONE_PRICES": str(file)}) as line:
        line.call(phone).hang_up(seconds=61)
        line.service.wait_for(lambda: bool(line.read_records()["daily_costs"]))
        line.service.end(signal.SIGKILL)
        assert minutes(line) == 2

        line.service.start()
        line.call(phone).hang_up(seconds=5)
        line.service.end(signal.SIGTERM)

        assert minutes(line) == 3
        assert "costs_not_written" not in line.service.log
