"""The figures of docs/costs.md are right."""

import re
from pathlib import Path
from typing import Final

from adapters.price_file import read_prices
from application.costs.count_costs import CountCosts
from domain.costs.prices import MILLION, PriceList, format_amount
from domain.costs.report import TOTAL, CostGroup, CostReport, CostRow, make_period, sum_rows
from domain.costs.sums import CostSums
from domain.otp.delivery import Channel
from domain.otp.message_parts import measure_sms
from entrypoints.commands.statistics.costs import render_costs
from tests.support.builders import NOW
from tests.support.counted_events import ended_call, sent_message
from tests.support.fakes.clock import MovableClock

PAGE: Final = (Path(__file__).parents[2] / "docs/costs.md").read_text(encoding="utf-8")
CODE: Final = "123456 is your Acme code."


def block(language: str) -> str:
    match = re.search(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    assert match is not None
    return match[1]


def prices(folder: Path) -> PriceList:
    file = folder / "prices.toml"
    file.write_text(block("toml"), encoding="utf-8")
    return read_prices(file)


def test_the_campaign_costs_what_the_page_says(tmp_path: Path) -> None:
    length = measure_sms(block("text").strip())
    price = prices(tmp_path).price("IN", Channel.SMS)
    assert (length.encoding, length.parts) == ("UCS-2", 2)
    assert f"**{10_000 * 2 * price / MILLION:.2f} USD**" in PAGE
    assert f"it would be {10_000 * price / MILLION:.2f} USD" in PAGE
    assert f"= {4_000 * price / MILLION:.2f} USD more" in PAGE


def test_the_day_and_the_month_cost_what_the_page_says(tmp_path: Path) -> None:
    count = CountCosts(
        sums=CostSums("cafe", "USD"),
        prices=prices(tmp_path),
        free_providers=(),
        clock=MovableClock(),
    )
    for country, messages in {"IN": 3_000, "US": 500, "DE": 200}.items():
        for _ in range(messages):
            count(sent_message(country, "twilio", CODE))
    for _ in range(50):
        count(ended_call(40, "IN", "twilio"))
    (daily,) = count.sums.list_changed()
    rows = sum_rows(CostRow(entry.country, "USD", entry.costs) for entry in daily.entries)
    totals = sum_rows(CostRow(TOTAL, "USD", row.costs) for row in rows)

    report = CostReport(make_period(NOW.date(), NOW.date(), NOW.date()), rows, totals)
    _, *table = render_costs(report, CostGroup.COUNTRY)
    assert "\n".join(table) in PAGE
    millionths = totals[0].costs.millionths
    assert f"**{millionths / MILLION:.2f} USD**" in PAGE
    assert f"**{30 * millionths / MILLION:.2f} USD**" in PAGE


def test_the_prices_in_the_text_are_those_of_the_file(tmp_path: Path) -> None:
    price_list = prices(tmp_path)
    sms, voice = price_list.price("BR", Channel.SMS), price_list.price("DE", Channel.VOICE)
    assert f"Brazil costs {format_amount(sms)[:4]} USD" in PAGE
    assert f"Germany {format_amount(voice)[:4]} USD" in PAGE
