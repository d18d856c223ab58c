"""`dialtone statistics`, and what `check-settings` says of prices, as an operator uses them."""

import asyncio
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import pytest

from application.features.statistics.feature import StatisticsFeature
from entrypoints.bootstrap import open_use_cases
from tests.support.commands import CommandLine
from tests.support.counted_events import (
    accepted,
    delivered,
    ended_call,
    logged_in,
    rejected,
    sent_message,
)

PRICES: Final = """\
currency = "USD"
[IN]
sms = 83000
voice = 50000
[US]
sms = 8300
"""
TWILIO: Final = {
    "DIALTONE_SMS": "twilio",
    "DIALTONE_COUNTRIES": "IN,US,DE",
    "TWILIO_ACCOUNT_SID": "AC0123456789abcdef0123456789abcdef",
    "TWILIO_AUTH_TOKEN": "tops3cret",
    "TWILIO_FROM": "Acme",
    "TWILIO_VOICE_FROM": "+14155550006",
    "DIALTONE_PUBLIC_URL": "https://dialtone.example.org",
}


def with_prices(
    folder: Path, environ: Mapping[str, str] | None = None, prices: str = PRICES
) -> CommandLine:
    path = folder / "prices.toml"
    path.write_text(prices, encoding="utf-8")
    dialtone = CommandLine(folder, {"DIALTONE_PRICES": str(path), **(environ or {})})
    return dialtone.create_database()


def count_some(dialtone: CommandLine) -> None:
    """Count some messages, as a process that stops after them."""

    async def count() -> None:
        async with open_use_cases(dialtone.settings) as use_cases:
            count = use_cases.of(StatisticsFeature).count
            for event in (*[accepted()] * 3, *[delivered()] * 2, *[logged_in()] * 2, rejected()):
                count.record(event)
            for _ in range(3):
                count.count_cost(sent_message(text="नमस्ते" * 12))
            count.count_cost(sent_message(provider="console"))
            count.count_cost(ended_call(has_code=False))

    asyncio.run(count())


def test_a_report_has_what_a_stopped_process_counted(tmp_path: Path) -> None:
    dialtone = with_prices(tmp_path)
    before = dialtone.run("statistics")
    count_some(dialtone)

    shown = dialtone.run("statistics").stdout.splitlines()
    two = dialtone.run("statistics", "--by", "channel", "--by", "country").stdout.splitlines()
    today = f"{datetime.now(UTC):%Y-%m-%d}"
    by_day = dialtone.run("statistics", "--from", "2026-01-01", "--until", "2026-12-31")
    as_json = json.loads(dialtone.run("statistics", "--until", today, "--json").stdout)
    as_csv = dialtone.run("statistics", "--by", "provider", "--csv").stdout.splitlines()

    assert before.stdout.splitlines()[1:] == ["Nothing was counted."]
    assert shown[0].startswith("24 hours from 20")
    assert shown[1:] == [
        "country  sent  delivered  undelivered  logins        amount    phone line",
        "US          3          2            0       2  0.049800 USD  0.000000 USD",
        "IN          0          0            0       0  0.000000 USD  0.050000 USD",
        "total       3          2            0       2  0.049800 USD  0.050000 USD",
        "",
        "rejections by  number",
        "per_ip              1",
    ]
    assert two[0].endswith("by channel and country:")
    assert two[2].split()[:3] == ["sms", "US", "3"]
    assert by_day.stdout.splitlines()[0] == "365 days from 2026-01-01 00:00 (UTC), by country:"
    assert (as_json["period"], as_json["total"]["millionths"]) == ("day", 49_800)
    assert as_csv == [
        '"provider","sent","delivered","undelivered","logins","currency","amount","line_amount"',
        '"acme:open","3","2","0","2","USD","0.049800","0.050000"',
    ]


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--hours", "169"], "--hours: Statistics by hour are of 1 to 168 hours."),
        (["--until", "2026-7-1"], "--until: Write a day"),
        (["--by", "country", "--by", "country"], "--by: Statistics are summed by country"),
    ],
)
def test_an_invalid_argument_is_named(
    dialtone: CommandLine, arguments: list[str], problem: str
) -> None:
    ended = dialtone.run("statistics", *arguments)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert problem in ended.stderr


def notes(folder: Path, environ: Mapping[str, str], prices: str) -> list[str]:
    """Return the lines of `check-settings` about prices."""
    shown = with_prices(folder, environ, prices).run("check-settings").stdout.splitlines()
    return [line for line in shown if "price" in line.lower() and not line.startswith("DIALTONE_")]


def test_prices_are_shown_and_countries_without_one(tmp_path: Path) -> None:
    assert notes(tmp_path, TWILIO, PRICES) == [
        "Price of a message part (sms) to IN: 0.083 USD by twilio.",
        "Price of a message part (sms) to US: 0.0083 USD by twilio.",
        "1 of 3 countries lack a price of sms, and have the highest one, 0.083 USD for each "
        "message part: DE.",
        "Price of a minute (voice) to IN: 0.05 USD by twilio.",
        "2 of 3 countries lack a price of voice, and have the highest one, 0.05 USD for each "
        "minute: DE, US.",
    ]
    assert notes(tmp_path, {"DIALTONE_COUNTRIES": "IN,US"}, PRICES) == []


TWO: Final = TWILIO | {
    "DIALTONE_SMS": "twilio,https://sms.acme.example",
    "DIALTONE_SMS_HOOK_SECRET": "whsec_" + "QUFB" * 12,
    "DIALTONE_COUNTRIES": "IN,DE",
}
OF_HOOK: Final = '[IN."https://sms.acme.example"]\nsms = 70000\n'


def test_each_provider_has_its_price_and_those_that_lack_one_are_named(tmp_path: Path) -> None:
    prices = PRICES.replace("sms = 83000\n", "") + OF_HOOK + "[US.vonage]\nsms = 1\n"
    assert notes(tmp_path, TWO, prices) == [
        "Price of a message part (sms) to IN: 0.07 USD by https://sms.acme.example.",
        "2 of 2 countries lack a price of sms, and have the highest one, 0.07 USD for each "
        "message part: DE, IN by twilio.",
        "Price of a minute (voice) to IN: 0.05 USD by twilio.",
        "1 of 2 countries lack a price of voice, and have the highest one, 0.05 USD for each "
        "minute: DE.",
        "Not used: the prices of vonage, which no setting names.",
    ]


def test_a_misspelled_provider_is_an_error(tmp_path: Path) -> None:
    wrong = with_prices(tmp_path, TWO, PRICES + OF_HOOK.replace("acme", "acne"))
    ended = wrong.run("check-settings")
    assert ended.returncode == 2
    assert (
        "IN: it has a price of sms for the provider 'https://sms.acne.example', and the settings "
        "have none of this name: twilio, https://sms.acme.example. Correct the name, or remove the "
        "price."
    ) in ended.stderr + ended.stdout
