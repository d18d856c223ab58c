"""The report of docs/costs.md is what its messages cost."""

from pathlib import Path
from typing import Final

from adapters.price_file import read_prices
from application.costs.count_costs import CountCosts
from domain.costs.report import CostGroup, CostReport, CostRow, make_period, sum_rows
from domain.costs.sums import CostSums
from domain.otp.delivery import Channel
from entrypoints.commands.statistics.costs import render_costs
from tests.support.builders import NOW
from tests.support.counted_events import ended_call, sent_message
from tests.support.fakes.clock import MovableClock
from tests.support.markdown import blocks_in, page

PAGE: Final = page("docs/costs.md")
CODE: Final = "123456 is your Acme code."


def count_with(prices: str, folder: Path) -> CountCosts:
    """Return what counts with a price file."""
    file = folder / "prices.toml"
    file.write_text(prices, encoding="utf-8")
    return CountCosts(
        sums=CostSums("cafe", "USD"),
        prices=read_prices(file),
        free_providers=(),
        clock=MovableClock(),
    )


def table_of(count: CountCosts, *groups: CostGroup) -> str:
    """Return the table of what was counted."""
    (daily,) = count.sums.list_changed()
    rows = sum_rows(
        CostRow(tuple(group.name_of(entry) for group in groups), "USD", entry.costs)
        for entry in daily.entries
    )
    period = make_period(NOW.date(), NOW.date(), NOW.date())
    _, *table = render_costs(CostReport(period, groups, rows))
    return "\n".join(table)


def test_the_report_of_the_page_follows_from_its_prices(tmp_path: Path) -> None:
    prices, _ = blocks_in("toml", PAGE)
    count = count_with(prices, tmp_path)
    for country, messages in {"IN": 3_000, "US": 500, "DE": 200}.items():
        for _ in range(messages):
            count(sent_message(country, "twilio", CODE))
    for _ in range(50):
        count(ended_call(40, "IN", "twilio"))

    assert table_of(count, CostGroup.COUNTRY) in PAGE


def test_the_report_with_two_providers_and_whatsapp_follows_from_its_prices(
    tmp_path: Path,
) -> None:
    _, prices = blocks_in("toml", PAGE)
    count = count_with(prices, tmp_path)
    for country, messages, provider, channel in (
        ("IN", 600, "twilio", Channel.SMS),
        ("IN", 400, "vonage", Channel.SMS),
        ("IN", 2_000, "meta", Channel.WHATSAPP),
        ("BR", 10, "twilio", Channel.SMS),
    ):
        for _ in range(messages):
            count(sent_message(country, provider, CODE, channel))

    assert table_of(count, CostGroup.PROVIDER, CostGroup.CHANNEL) in PAGE
