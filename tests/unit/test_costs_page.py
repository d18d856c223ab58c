"""The report of docs/costs.md is what its messages cost."""

from pathlib import Path
from typing import Final

from adapters.price_file import read_prices
from application.costs.count_costs import CountCosts
from domain.costs.report import CostGroup, CostReport, CostRow, make_period, sum_rows
from domain.costs.sums import CostSums
from entrypoints.commands.statistics.costs import render_costs
from tests.support.builders import NOW
from tests.support.counted_events import ended_call, sent_message
from tests.support.fakes.clock import MovableClock
from tests.support.markdown import blocks_in, page

PAGE: Final = page("docs/costs.md")
CODE: Final = "123456 is your Acme code."


def test_the_report_of_the_page_follows_from_its_prices(tmp_path: Path) -> None:
    file = tmp_path / "prices.toml"
    (prices,) = blocks_in("toml", PAGE)
    file.write_text(prices, encoding="utf-8")
    count = CountCosts(
        sums=CostSums("cafe", "USD"),
        prices=read_prices(file),
        free_providers=(),
        clock=MovableClock(),
    )
    for country, messages in {"IN": 3_000, "US": 500, "DE": 200}.items():
        for _ in range(messages):
            count(sent_message(country, "twilio", CODE))
    for _ in range(50):
        count(ended_call(40, "IN", "twilio"))
    (daily,) = count.sums.list_changed()
    rows = sum_rows(CostRow((entry.country,), "USD", entry.costs) for entry in daily.entries)

    period = make_period(NOW.date(), NOW.date(), NOW.date())
    _, *table = render_costs(CostReport(period, [CostGroup.COUNTRY], rows))
    assert "\n".join(table) in PAGE
