"""The console's pages of numbers: overview, activity, costs and security."""

import html
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Final

import pytest

from application.costs.feature import CostsFeature
from application.statistics.feature import StatisticsFeature
from domain.costs.prices import PriceList
from domain.otp.delivery import Channel
from domain.statistics.hourly_counts import DeliveryCounts
from domain.statistics.period_sums import DeliveryGroup
from tests.integration.console import ConsoleDriver, open_console
from tests.support.app_harness import AppHarness
from tests.support.builders import a_phone, a_user, an_id, an_identity
from tests.support.counted_events import sent_message
from tests.support.fakes.messenger import REJECTED
from tests.support.policies import make_policy

PRICES: Final = PriceList("USD", {("IN", Channel.SMS): 83_000, ("US", Channel.SMS): 8_300})
_TAG: Final = re.compile(r"<[^>]+>")


@pytest.fixture
async def console() -> AsyncIterator[ConsoleDriver]:
    async with open_console(AppHarness(policy=make_policy(prices=PRICES))) as opened:
        yield opened


async def count_some(console: ConsoleDriver) -> None:
    """Count messages to two countries, now and three days ago."""
    statistics, clock = console.harness.use_cases.of(StatisticsFeature), console.harness.clock
    for group, counts in (
        (DeliveryGroup("IN", Channel.SMS, "acme:open"), DeliveryCounts(400, 300, 50, 200)),
        (DeliveryGroup("FR", Channel.VOICE, "<b>"), DeliveryCounts(sent=100)),
    ):
        statistics.sums.add_delivery(clock.now(), group, counts)
    earlier = clock.now() - timedelta(days=3)
    statistics.sums.add_delivery(
        earlier, DeliveryGroup("DE", Channel.SMS, "acme:open"), DeliveryCounts(sent=7)
    )
    for limit, number in (("per_ip", 30), ("all_total", 10)):
        for _ in range(number):
            statistics.sums.add_rejection(clock.now(), limit)
    statistics.sums.add_event(clock.now(), "otp_attempts_exhausted")
    await statistics.write()
    costs = console.harness.use_cases.of(CostsFeature)
    costs.count(sent_message("IN"))
    await costs.write()


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


def titles(page: str) -> list[str]:
    """Return what screen readers say of each plot."""
    return re.findall(r'<title id="[a-z]+-title">([^<]+)</title>', page)


async def test_a_page_without_numbers_says_so(console: ConsoleDriver) -> None:
    for path, sentence in (
        ("/activity", "<p>No message was sent, and nobody logged in.</p>"),
        ("/costs", "<p>Nothing was counted.</p>"),
        ("/security", "<p>No limit rejected anything.</p>"),
    ):
        page = await console.get(path)
        assert (page.status_code, sentence in page.text) == (200, True)


async def test_the_overview_has_the_figures_of_a_day(console: ConsoleDriver) -> None:
    await count_some(console)
    user = an_identity(id=an_id(2), phone=a_phone(2), user=a_user())
    await console.harness.database.repositories().identities.add(user)
    page = await console.get("")
    assert dict(re.findall(r"<dt>(.*?)</dt><dd>(.*?)</dd>", page.text)) == {
        "Accounts with a username": "1",
        "Codes sent": "500",
        "Logins": "200",
        "Conversion": "40 %",
        "Undelivered": "50",
        "Rejected by a limit": "40",
        "Security warnings": "1",
        "Costs today (UTC)": "0.08 USD",
    }
    assert len(titles(page.text)) == 1
    assert ["database", "ok"] in rows(page.text, "Parts, as /health/ready checks them")


async def test_the_overview_opens_while_a_part_does_not_work(console: ConsoleDriver) -> None:
    console.harness.messenger.result = REJECTED
    console.harness.faults.fail_on("identities.count_users")
    page = await console.get("")
    assert (page.status_code, "They are still being counted" in page.text) == (200, True)
    assert ["messages", REJECTED.reason] in rows(page.text, "Parts, as /health/ready checks them")


async def test_each_plot_of_activity_says_what_its_table_says(console: ConsoleDriver) -> None:
    await count_some(console)
    page = await console.get("/activity")
    hour = f"{console.harness.clock.now():%b %d %H:00} UTC"
    assert titles(page.text) == [
        "Messages and logins by hour: sent 500, logins 200."
        f" The most sent in an hour: 500, from {hour}.",
        "Messages and logins by country: IN: sent 400, logins 200; FR: sent 100, logins 0.",
        "Messages and logins by provider: acme:open: sent 400, logins 200; &lt;b&gt;: sent 100,"
        " logins 0.",
        "Messages and logins by channel: sms: sent 400, logins 200; voice: sent 100, logins 0.",
    ]
    by_hour = rows(page.text, "Messages and logins by hour")
    assert len(by_hour) == 24
    assert by_hour[0][1:] == ["500", "200", "40 %", "300", "50"]
    assert by_hour[1][1:] == ["0", "0", "\N{EN DASH}", "0", "0"]
    assert rows(page.text, "Messages and logins by country") == [
        ["IN", "400", "200", "50 %", "300", "50"],
        ["FR", "100", "0", "0 %", "0", "0"],
    ]
    providers = [row[0] for row in rows(page.text, "Messages and logins by provider")]
    assert providers == ["acme:open", "&lt;b&gt;"]


async def test_any_number_of_hours_up_to_a_week_is_shown(console: ConsoleDriver) -> None:
    await count_some(console)
    page = await console.get("/activity?hours=5")
    assert len(rows(page.text, "Messages and logins by hour")) == 5
    for hours in ("0", "169", "x", "00024"):
        page = await console.get(f"/activity?hours={hours}")
        assert (page.status_code, 'id="hours-error"' in page.text) == (400, True)


async def test_messages_are_selected_by_links_and_fields(console: ConsoleDriver) -> None:
    await count_some(console)
    week = await console.get("/activity?hours=168")
    countries = [row[0] for row in rows(week.text, "Messages and logins by country")]
    assert countries == ["IN", "FR", "DE"]
    link = "/activity?hours=168&amp;provider=acme%3Aopen"
    assert f'href="/console{link}"' in week.text
    selected = await console.get(html.unescape(link) + "&country=de")
    assert [row[:2] for row in rows(selected.text, "Messages and logins by country")] == [
        ["DE", "7"]
    ]
    assert "only DE and acme:open" in selected.text


async def test_a_wrong_country_is_an_error_at_its_field(console: ConsoleDriver) -> None:
    page = await console.get("/activity?country=Atlantis&hours=5")
    assert page.status_code == 400
    assert "<title>Error: Activity" in page.text
    field = re.search(r'<input id="country"[^>]*>', page.text)
    assert field is not None
    assert 'value="Atlantis"' in field[0]
    assert 'aria-invalid="true" aria-describedby="country-hint country-error"' in field[0]
    assert page.text.index('<a href="#country">Correct it</a>') < page.text.index("<h2")


async def test_costs_are_those_of_this_month_or_of_other_days(console: ConsoleDriver) -> None:
    await count_some(console)
    page = await console.get("/costs?from=2026-05-09&by=provider")
    assert rows(page.text, "Costs by provider") == [
        ["acme:open", "0.083000 USD", "", "1", "1", "0"],
    ]
    by_two = await console.get("/costs?from=2026-05-09&by=country,provider")
    amounts = ["0.083000 USD", "", "1", "1", "0"]
    assert rows(by_two.text, "Costs by country and provider") == [
        ["IN", "all", *amounts],
        ["IN", "acme:open", *amounts],
    ]
    download = re.search(r'href="/console(/costs[^"]*format=csv)"', by_two.text)
    assert download is not None
    csv = await console.get(html.unescape(download[1]))
    assert csv.headers["content-type"].startswith("text/csv")
    assert csv.text.splitlines()[1] == '"IN","acme:open","USD","0.083000","83000","1","1","0"'
    three = await console.get("/costs?by=country,provider,channel&format=csv")
    assert (three.status_code, "or by two of these" in three.text) == (400, True)
    wrong = await console.get("/costs?from=2026-13-01&to=2026-01-01")
    assert wrong.status_code == 400
    assert 'aria-describedby="from-hint from-error"' in wrong.text
    earlier = await console.get("/costs?from=2025-01-01&to=2025-01-31")
    assert "From 2025-01-01 to 2025-01-31 (UTC), by country." in earlier.text
    assert "Nothing was counted." in earlier.text


async def test_without_prices_the_page_says_how_to_count_costs() -> None:
    async with open_console(AppHarness()) as console:
        page = await console.get("/costs")
        assert (page.status_code, "DIALTONE_PRICES" in page.text) == (200, True)
        assert "Costs today" not in (await console.get("")).text


async def test_rejections_and_events_are_listed_and_one_of_them_by_hour(
    console: ConsoleDriver,
) -> None:
    await count_some(console)
    page = await console.get("/security")
    assert rows(page.text, "Rejections by limit") == [["per_ip", "30", ""], ["all_total", "10", ""]]
    assert rows(page.text, "Security events by type") == [
        ["otp_attempts_exhausted (warning)", "1", ""]
    ]
    assert rows(page.text, "Rejections by hour")[0][1:] == ["40"]
    assert rows(page.text, "Security events by hour")[0][1:] == ["1"]
    assert titles(page.text)[1].startswith("Security events by hour: events 1. ")

    selected = await console.get("/security?limit=all_total")
    assert rows(selected.text, "all_total by hour")[0][1:] == ["10"]
    assert titles(selected.text)[0].startswith("all_total by hour: rejections 10.")
    unknown = await console.get("/security?limit=%3Cscript%3E")
    assert "<script>" not in unknown.text
