"""`dialtone costs` and `dialtone prices` as an operator uses them."""

import asyncio
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from application.costs.feature import CostsFeature
from entrypoints.bootstrap import open_use_cases
from entrypoints.settings.read import read_settings
from tests.support.counted_events import sent_message
from tests.support.forked_service import ForkedService
from tests.support.service import Service

PRICES: Final = """\
currency = "USD"
[IN]
sms = 83000
voice = 50000
[US]
sms = 8300
"""
DAY: Final = "2026-07-01"
COSTS: Final = ("costs", "--from", DAY, "--to", DAY)
TWILIO: Final = {
    "DIALTONE_SMS": "twilio",
    "DIALTONE_COUNTRIES": "IN,US,DE",
    "TWILIO_ACCOUNT_SID": "AC0123456789abcdef0123456789abcdef",
    "TWILIO_AUTH_TOKEN": "tops3cret",
    "TWILIO_FROM": "Acme",
    "TWILIO_VOICE_FROM": "+14155550006",
    "DIALTONE_PUBLIC_URL": "https://dialtone.example.org",
}


class NoonOfTheDay:
    def now(self) -> datetime:
        return datetime(2026, 7, 1, 12, tzinfo=UTC)


def make_service(
    folder: Path, environ: Mapping[str, str] | None = None, prices: str = PRICES
) -> Service:
    (folder / "prices.toml").write_text(prices, encoding="utf-8")
    return ForkedService(folder, {"DIALTONE_PRICES": "prices.toml", **(environ or {})})


def count_a_day(service: Service, prices: Path) -> None:
    """Count some messages, as a process that stops after them."""

    async def count() -> None:
        settings = read_settings(service.environ | {"DIALTONE_PRICES": str(prices)}, None)
        async with open_use_cases(settings, clock=NoonOfTheDay()) as use_cases:
            for country in ("IN", "IN", "US", "BR"):
                use_cases.of(CostsFeature).count(sent_message(country, "acme:open", "नमस्ते" * 12))
            use_cases.of(CostsFeature).count(sent_message("IN", "console"))

    asyncio.run(count())


def test_a_report_has_what_a_stopped_process_counted(tmp_path: Path) -> None:
    service = make_service(tmp_path)
    count_a_day(service, tmp_path / "prices.toml")

    shown = service.run(*COSTS)
    by_provider = json.loads(service.run(*COSTS, "--by", "provider", "--json").stdout)
    by_two = service.run(*COSTS, "--by", "country,provider").stdout.splitlines()
    table = service.run(*COSTS, "--by", "provider,channel", "--format", "csv").stdout
    nothing = service.run("costs", "--from", "2026-07-02", "--to", "2026-07-02")

    assert shown.stdout.splitlines() == [
        "From 2026-07-01 to 2026-07-01 (UTC), by country:",
        "country  messages  parts  minutes        amount",
        "IN              2      4        0  0.332000 USD",
        "BR              1      2        0  0.166000 USD",
        "US              1      2        0  0.016600 USD",
        "total           4      8        0  0.514600 USD",
    ]
    assert by_provider["rows"] == [{**by_provider["totals"][0], "name": "acme:open"}]
    assert by_two[0].endswith("by country and provider:")
    assert by_two[2] == "IN       acme:open         2      4        0  0.332000 USD"
    assert by_two[-1] == "total                      4      8        0  0.514600 USD"
    assert table.splitlines() == [
        '"provider","channel","currency","amount","millionths","messages","parts","minutes"',
        '"acme:open","sms","USD","0.514600","514600","4","8","0"',
    ]
    assert nothing.stdout.splitlines()[1:] == ["Nothing was counted."]


def test_without_prices_the_missing_setting_is_named(tmp_path: Path) -> None:
    for command in (["costs"], ["prices", "check"]):
        ended = ForkedService(tmp_path).run(*command)
        assert (ended.returncode, ended.stdout) == (1, "")
        assert "DIALTONE_PRICES is not set" in ended.stderr
        assert "Example: DIALTONE_PRICES=/etc/dialtone/prices.toml" in ended.stderr


def test_invalid_values_are_named_by_their_option(tmp_path: Path) -> None:
    service = make_service(tmp_path)
    for option, arguments in {
        "--to: Write a day": ("--to", "2026-7-1"),
        "--from: The first day is later": ("--from", "2026-07-02", "--to", DAY),
        "--by: Costs are summed by country, provider or channel": ("--by", "country,country"),
    }.items():
        ended = service.run("costs", *arguments)
        assert (ended.returncode, option in ended.stderr) == (2, True), ended.stderr


def test_countries_without_a_price_are_listed_with_the_price_that_they_have(
    tmp_path: Path,
) -> None:
    assert make_service(tmp_path, TWILIO).run("prices", "check").stdout.splitlines() == [
        "country  channel  provider  for each             price",
        "DE       sms      twilio    message part  0.083000 USD",
        "DE       voice    twilio    minute        0.050000 USD",
        "IN       sms      twilio    message part  0.083000 USD",
        "IN       voice    twilio    minute        0.050000 USD",
        "US       sms      twilio    message part  0.008300 USD",
        "US       voice    twilio    minute        0.050000 USD",
        "",
        "sms: 1 of 3 countries have no price. They have the highest one, 0.083000 USD for each "
        "message part:",
        "  DE",
        "voice: 2 of 3 countries have no price. They have the highest one, 0.050000 USD for each "
        "minute:",
        "  DE",
        "  US",
    ]
    complete = make_service(tmp_path, {"DIALTONE_COUNTRIES": "IN,US"}).run("prices", "check")
    assert complete.stdout == "sms: all 2 countries have a price.\n"


TWO: Final = TWILIO | {
    "DIALTONE_SMS": "twilio,https://sms.acme.example",
    "DIALTONE_SMS_HOOK_SECRET": "whsec_" + "QUFB" * 12,
    "DIALTONE_COUNTRIES": "IN,DE",
}
OF_HOOK: Final = '[IN."https://sms.acme.example"]\nsms = 70000\n'


def test_each_provider_has_its_price_and_those_that_lack_one_are_named(tmp_path: Path) -> None:
    prices = PRICES.replace("sms = 83000\n", "") + OF_HOOK + "[US.twilio]\nwhatsapp = 1\n"
    shown = make_service(tmp_path, TWO, prices).run("prices", "check").stdout.splitlines()

    assert "IN       sms      https://sms.acme.example  message part  0.070000 USD" in shown
    assert "IN       sms      twilio                    message part  0.070000 USD" in shown
    missing = shown[shown.index("") + 1 :]
    assert missing == [
        "sms: 2 of 2 countries have no price. They have the highest one, 0.070000 USD for each "
        "message part:",
        "  DE",
        "  IN, by twilio",
        "voice: 1 of 2 countries have no price. They have the highest one, 0.050000 USD for each "
        "minute:",
        "  DE",
    ]


def test_a_misspelled_provider_is_an_error_and_one_out_of_use_is_named(tmp_path: Path) -> None:
    wrong = make_service(tmp_path, TWO, PRICES + OF_HOOK.replace("acme", "acne"))
    ended = wrong.run("check-settings")
    assert ended.returncode == 2
    assert (
        "IN: it has a price of sms for the provider 'https://sms.acne.example', and the settings "
        "have none of this name: twilio, https://sms.acme.example. Correct the name, or remove the "
        "price."
    ) in ended.stderr + ended.stdout

    hook_only = TWO | {"DIALTONE_SMS": "https://sms.acme.example", "DIALTONE_VOICE": "none"}
    unused = make_service(tmp_path, hook_only, PRICES + "[IN.twilio]\nsms = 1\n")
    assert unused.run("prices", "check").stdout.splitlines()[-1] == (
        "Not used: the prices of twilio, which no setting names."
    )
