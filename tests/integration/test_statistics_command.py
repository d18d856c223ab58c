"""`dialtone statistics` as an operator uses it."""

import asyncio
import json
from pathlib import Path

from application.costs.feature import CostsFeature
from application.otp.feature import OtpFeature
from entrypoints.bootstrap import open_use_cases
from entrypoints.settings.read import read_settings
from tests.support.counted_events import (
    PROVIDER,
    accepted,
    delivered,
    logged_in,
    rejected,
    sent_message,
)
from tests.support.forked_service import ForkedService
from tests.support.service import Service


def count_some(service: Service) -> None:
    """Count events, as a command that ends after them."""

    async def count() -> None:
        async with open_use_cases(read_settings(service.environ, None)) as use_cases:
            events = use_cases.of(OtpFeature).request_otp.events
            for event in (
                *[accepted()] * 3,
                *[delivered()] * 2,
                *[logged_in()] * 2,
                rejected(),
            ):
                events.record(event)

    asyncio.run(count())


def test_a_report_has_what_the_service_has_written(tmp_path: Path) -> None:
    service = ForkedService(tmp_path)
    before = service.run("statistics")
    count_some(service)

    shown = service.run("statistics")
    by_hour = service.run("statistics", "--by", "hour", "--hours", "3").stdout.splitlines()
    other = service.run("statistics", "--country", "in", "--provider", "acme:open")
    as_json = json.loads(service.run("statistics", "--json").stdout)

    assert before.stdout.splitlines()[1:] == ["Nothing was counted."]
    assert shown.stdout.splitlines()[0].startswith("24 hours from 20")
    assert shown.stdout.splitlines()[1:] == [
        "country  sent  delivered  undelivered  logins  conversion",
        "US          3          2            0       2        67 %",
        "total       3          2            0       2        67 %",
        "",
        "rejections by  number",
        "per_ip              1",
        "",
        "security event        number",
        "otp_accepted               3",
        "login_succeeded            2",
        "otp_delivered              2",
        "otp_request_rejected       1",
    ]
    assert [line.split()[2:] for line in by_hour[2:4]] == [["0", "0", "0", "0", "-"]] * 2
    assert other.stdout.splitlines()[0].endswith("by country, only IN and acme:open:")
    assert other.stdout.splitlines()[2].split() == ["total", "0", "0", "0", "0", "-"]
    assert as_json["total"]["sent"] == 3


def test_an_invalid_argument_is_named(tmp_path: Path) -> None:
    for option, value, problem in (
        ("--hours", "169", "Statistics are of 1 to 168 hours."),
        ("--country", "", "A country is written as its ISO code"),
        ("--provider", "a\nb", "The name of a provider is one line"),
    ):
        ended = ForkedService(tmp_path).run("statistics", option, value)
        assert (ended.returncode, ended.stdout) == (2, "")
        assert f"{option}: {problem}" in ended.stderr


def test_the_providers_have_their_shares_and_the_price_of_an_entered_code(tmp_path: Path) -> None:
    (tmp_path / "prices.toml").write_text('currency = "USD"\n[US]\nsms = 8300\n', "utf-8")
    service = ForkedService(tmp_path, {"DIALTONE_PRICES": str(tmp_path / "prices.toml")})
    before = service.run("providers")
    count_some(service)

    async def count_costs() -> None:
        async with open_use_cases(read_settings(service.environ, None)) as use_cases:
            for _ in range(3):
                use_cases.of(CostsFeature).count(sent_message("US", PROVIDER))

    asyncio.run(count_costs())
    shown = service.run("providers").stdout.splitlines()
    as_json = json.loads(service.run("providers", "--json").stdout)
    as_csv = service.run("providers", "--format", "csv").stdout.splitlines()
    other = service.run("providers", "--country", "IN").stdout.splitlines()

    assert before.stdout.splitlines()[1:] == ["Nothing was counted."]
    assert shown[0].startswith("24 hours from 20")
    assert [line.split() for line in shown[2:]] == [
        [*name, "3", "2", "66.7", "%", "2", "66.7", "%", "0.024900", "USD", "0.012450", "USD"]
        for name in (["US", "sms", PROVIDER], ["total"])
    ]
    assert as_json["rows"] == [
        {**as_json["total"], "country": "US", "channel": "sms", "provider": PROVIDER}
    ]
    assert as_json["currency"] == "USD"
    assert as_json["total"]["price_of_entered_millionths"] == 12_450
    assert as_csv[1:] == [
        f'"US","sms","{PROVIDER}","3","2","66.7","2","66.7",'
        '"USD","0.024900","24900","0.012450","12450","0"'
    ]
    assert other[0].endswith("by country, channel and provider, only IN:")
    assert other[1:] == ["Nothing was counted."]


def test_an_invalid_time_of_providers_is_named(tmp_path: Path) -> None:
    for option, value, problem in (
        ("--to", "2026-7-1", "Write a day like 2026-07-01"),
        ("--from", "2020-01-01", "Messages are counted by hour for 8 days."),
        ("--country", "", "A country is written as its ISO code"),
    ):
        ended = ForkedService(tmp_path).run("providers", option, value)
        assert (ended.returncode, ended.stdout) == (2, "")
        assert f"{option}: {problem}" in ended.stderr
