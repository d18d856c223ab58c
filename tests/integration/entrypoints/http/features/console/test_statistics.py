"""The console's pages of numbers: overview and statistics."""

import html
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Final

import pytest

from application.features.statistics.feature import StatisticsFeature
from domain.features.statistics import CountedGroup, Result
from domain.otp.delivery import Channel
from tests.integration.entrypoints.http.features.console.pages import ConsoleDriver, open_console
from tests.support.app_harness import AppHarness
from tests.support.builders import a_phone, a_user, an_id, an_identity
from tests.support.counted_events import rejected

_TAG: Final = re.compile(r"<[^>]+>")


@pytest.fixture
async def console() -> AsyncIterator[ConsoleDriver]:
    async with open_console(AppHarness()) as opened:
        yield opened


async def count_some(console: ConsoleDriver) -> None:
    """Count messages to two countries, now and three days ago."""
    statistics, clock = console.harness.use_cases.of(StatisticsFeature), console.harness.clock
    for moment, country, channel, provider, counts in (
        (clock.now(), "IN", Channel.SMS, "acme:open", {"sent": 400, "logins": 200}),
        (clock.now(), "IN", Channel.SMS, "acme:open", {"delivered": 300, "undelivered": 50}),
        (clock.now(), "FR", Channel.VOICE, "<b>", {"sent": 100}),
        (clock.now() - timedelta(days=3), "DE", Channel.SMS, "acme:open", {"sent": 7}),
    ):
        for result, count in counts.items():
            for sums in statistics.count.sums:
                sums.add(moment, CountedGroup(country, channel, provider, Result(result)), count)
    for limit, number in (("per_ip", 30), ("all_total", 10)):
        for _ in range(number):
            statistics.count.record(rejected(limit=limit))
    await statistics.write()


def rows(page: str, caption: str) -> list[list[str]]:
    """Return the cells of a table's body as text."""
    table = re.search(rf"<caption>{re.escape(caption)}</caption>(.*?)</table>", page, re.DOTALL)
    assert table is not None, page
    body = re.search(r"<tbody>(.*?)</tbody>", table[1], re.DOTALL)
    assert body is not None
    return [
        [
            " ".join(_TAG.sub(" ", cell.replace("<wbr>", "")).split())
            for cell in re.findall(r"<t[dh]\b[^>]*>(.*?)</t[dh]>", row, re.DOTALL)
        ]
        for row in re.findall(r"<tr>(.*?)</tr>", body[1], re.DOTALL)
    ]


async def test_the_overview_has_the_figures_of_a_day(console: ConsoleDriver) -> None:
    await count_some(console)
    user = an_identity(id=an_id(2), phone=a_phone(2), user=a_user())
    await console.harness.database.repositories().identities.add(user)
    page = await console.get("")
    assert dict(re.findall(r"<dt>(.*?)</dt><dd>(.*?)</dd>", page.text)) == {
        "Accounts with a username": "1",
        "Codes sent": "500",
        "Logins": "200",
        "Undelivered": "50",
        "Rejected by a limit": "40",
    }
    assert ["database", "ok"] in rows(page.text, "Parts, as /health/ready checks them")


async def test_days_are_shown_by_two_dimensions_and_downloaded_as_csv(
    console: ConsoleDriver,
) -> None:
    await count_some(console)
    first = console.harness.clock.now().date() - timedelta(days=3)
    page = await console.get(f"/statistics?from={first}&by=provider,country&hours=")
    caption = "Messages and logins by provider and country"
    assert [row[:3] for row in rows(page.text, caption)] == [
        ["acme:open", "IN", "400"],
        ["acme:open", "DE", "7"],
        ["&lt;b&gt;", "FR", "100"],
        ["none", "US", "0"],
    ]
    assert len(rows(page.text, "Messages and logins by day")) == 4
    download = re.search(r'href="([^"]*format=csv)"', page.text)
    assert download is not None
    csv = await console.get("/statistics" + html.unescape(download[1]))
    assert csv.headers["content-type"].startswith("text/csv")
    assert csv.text.splitlines()[1] == '"acme:open","IN","400","0","300","50","200","0"'
