"""`dialtone statistics`, as an operator uses it."""

import asyncio
import json
from datetime import UTC, datetime

from application.features.statistics.feature import StatisticsFeature
from entrypoints.composition.use_cases import open_use_cases
from tests.support.commands import CommandLine
from tests.support.counted_events import accepted, delivered, logged_in, rejected


def count_some(dialtone: CommandLine) -> None:
    """Count some messages, as a process that stops after them."""

    async def count() -> None:
        async with open_use_cases(dialtone.settings) as use_cases:
            count = use_cases.of(StatisticsFeature).count
            events = (*[accepted()] * 3, *[delivered()] * 2, *[logged_in()] * 2, rejected())
            for event in (*events, delivered(country="IN")):
                count.record(event)

    asyncio.run(count())


def test_a_report_has_what_a_stopped_process_counted(dialtone: CommandLine) -> None:
    before = dialtone.run("statistics")
    count_some(dialtone)

    shown = dialtone.run("statistics").stdout.splitlines()
    two = dialtone.run("statistics", "--by", "channel", "--by", "country").stdout.splitlines()
    today = f"{datetime.now(UTC):%Y-%m-%d}"
    as_json = json.loads(dialtone.run("statistics", "--until", today, "--json").stdout)

    assert before.stdout.splitlines()[1:] == ["Nothing was counted."]
    assert shown[0].startswith("24 hours from 20")
    assert shown[1:] == [
        "country  sent  not taken  delivered  undelivered  logins  rejected",
        "US          3          0          2            0       2         1",
        "IN          0          0          1            0       0         0",
        "total       3          0          3            0       2         1",
        "",
        "rejections by  number",
        "per_ip              1",
    ]
    assert two[0].endswith("by channel and country:")
    assert two[2].split()[:3] == ["sms", "US", "3"]
    assert (as_json["period"], as_json["total"]["delivered"]) == ("day", 3)
