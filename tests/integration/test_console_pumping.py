"""Open warnings of pumping on the first page of the web console."""

from dataclasses import replace
from datetime import timedelta

from adapters.records.features.pumping import make_pumping_repositories
from application.update import change
from domain.identities.role import Role
from domain.pumping.warning import WARNINGS_ID, PumpingWarning, PumpingWarnings
from tests.integration.console import ConsoleDriver, open_console
from tests.support.app_harness import AppHarness

HEADING = "Warnings of message pumping"


async def add_warnings(console: ConsoleDriver) -> None:
    now = console.harness.clock.now()
    of_country = PumpingWarning(
        id="0" * 24,
        country="AZ",
        number_range="",
        opened_at=now,
        ends_at=now + timedelta(hours=1),
        sent=1240,
        networks=20,
        share_percent=3,
        usual_percent=61,
    )
    of_ranges = [
        replace(of_country, id=f"{number:024x}", number_range=f"r{number}", country="GB")
        for number in range(1, 23)
    ]
    of_ranges[-1] = replace(of_ranges[-1], prefix="+447900")
    warnings = PumpingWarnings((*of_ranges, of_country))
    repositories = make_pumping_repositories(console.harness.database.stores)
    await change(repositories.warning_sets, WARNINGS_ID, lambda _: (warnings, None))


async def test_the_overview_has_the_open_warnings_those_of_countries_first() -> None:
    async with open_console(AppHarness()) as console:
        assert HEADING not in (await console.get("")).text
        await add_warnings(console)
        text = (await console.get("")).text
        section = text.partition(HEADING)[2].partition("</section>")[0]
        country, newest, *others = section.partition("<ul>")[2].split("<li>")[1:]
        assert "AZ: 3 % of 1,240 codes were entered, usual are 61 %." in country
        assert "GB, a number range +447900****: 3 %" in newest
        assert "GB, a number range (its digits show with its next request): 3 %" in others[0]
        assert "And 3 more." in others[-1]


async def test_who_reads_no_numbers_sees_no_warnings() -> None:
    async with open_console(AppHarness(), role=Role.SUPPORT) as console:
        await add_warnings(console)
        page = await console.get("")
        assert page.status_code == 200
        assert HEADING not in page.text
