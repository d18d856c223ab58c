"""What operators write to make a rule."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest

from domain.errors import InvalidValue
from domain.otp.named_limits import PER_NUMBER_RANGE, windows_by_name
from domain.otp.rate_limits import RateLimits
from domain.rules.parse_order import (
    InvalidOrder,
    LimitSettings,
    OrderText,
    parse_end,
    parse_network,
    parse_order,
    parse_prefix,
    parse_time,
    parse_value,
)

NOW: Final = datetime(2026, 5, 1, 9, 30, tzinfo=UTC)
SETTINGS: Final = LimitSettings(windows_by_name(RateLimits()), frozenset({"GB", "US"}))


@pytest.mark.parametrize(
    ("text", "prefix"),
    [
        ("+4479", "+4479"),
        ("+1", "+1"),
        ("+44 (79) 00-12", "+44790012"),
        ("+39 06", "+3906"),
        ("+225 01", "+22501"),
    ],
)
def test_a_prefix_has_at_least_the_country_code(text: str, prefix: str) -> None:
    assert parse_prefix(text) == prefix


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("4479", "with \\+"),
        ("+", "with \\+"),
        ("+44x", "with \\+"),
        ("+\u0664\u0664", "with \\+"),
        ("+4", "No country"),
        ("+999", "No country"),
        ("+44 (0)79", "leave out the 0"),
        ("+3606", "leave out the 0"),
        ("+447900123456", "the last four digits"),
        ("+4790123456", "the last four digits"),
    ],
)
def test_a_prefix_is_nobodys_number(text: str, problem: str) -> None:
    with pytest.raises(InvalidValue, match=problem):
        parse_prefix(text)


@pytest.mark.parametrize(
    ("text", "network"),
    [
        ("203.0.113.0/24", "203.0.113.0/24"),
        ("203.0.113.7", "203.0.113.7/32"),
        ("2001:DB8::/32", "2001:db8::/32"),
        ("2001:db8::7", "2001:db8::/64"),
        ("::ffff:203.0.113.0/120", "203.0.113.0/24"),
    ],
)
def test_a_network_is_one_of_ipv4_or_ipv6(text: str, network: str) -> None:
    assert parse_network(text) == network


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("203.0.113.7/24", "Did you mean 203.0.113.0/24"),
        ("0.0.0.0/0", "too large"),
        ("::/0", "too large"),
        ("2001:db8::/80", "Write 2001:db8::/64"),
        ("::ffff:0:0/90", "one of IPv4"),
        ("example.org", "Write a network"),
    ],
)
def test_an_invalid_network_says_what_is_valid(text: str, problem: str) -> None:
    with pytest.raises(InvalidValue, match=problem):
        parse_network(text)


@pytest.mark.parametrize("text", ["", "-1", "50/1h", "\u0663", "1e3", "1" * 10])
def test_a_value_is_a_whole_number(text: str) -> None:
    assert parse_value("50") == 50
    with pytest.raises(InvalidValue, match="whole number"):
        parse_value(text)


def test_an_end_is_within_thirty_days() -> None:
    assert parse_end(NOW, parse_time("2026-05-01T12:30+02:00")) == NOW + timedelta(hours=1)
    for text in ("2026-05-01T09:30:59Z", "2026-06-01T00:00Z", "2025-05-01T09:30Z"):
        with pytest.raises(InvalidValue, match="30 days at most"):
            parse_end(NOW, parse_time(text))


@pytest.mark.parametrize("text", ["tomorrow", "2026-05-01T09:30", "2026-02-30T09:30Z"])
def test_a_time_has_an_offset(text: str) -> None:
    with pytest.raises(InvalidValue, match="offset from UTC"):
        parse_time(text)


def a_block(**fields: Any) -> OrderText:
    return OrderText(kind="block", **fields)


def a_limit(limit: str | None, value: int | None, **fields: Any) -> OrderText:
    return OrderText(kind="limit", limit=limit, value=value, **fields)


@pytest.mark.parametrize(
    ("text", "order"),
    [
        (a_block(prefix="+4479"), "block prefix +4479"),
        (a_block(network="203.0.113.0/24"), "block network 203.0.113.0/24"),
        (a_block(country="gb"), "block country GB"),
        (
            a_limit("unverified_per_country", 50, country="GB"),
            "lower unverified_per_country to 50, country GB",
        ),
        (a_limit("unverified_total", 10_000), "raise unverified_total to 10000, total"),
        (
            a_limit("per_number_range", 2, prefix="+4479"),
            "lower per_number_range to 2, prefix +4479",
        ),
        # It is not served, and nothing is raised.
        (a_limit("all_per_country", 1, country="FR"), "lower all_per_country to 1, country FR"),
    ],
)
def test_an_order_blocks_or_changes_a_limit(text: OrderText, order: str) -> None:
    assert str(parse_order(text, SETTINGS)) == order


@pytest.mark.parametrize(
    ("text", "field", "problem"),
    [
        (OrderText(kind="raise"), "kind", "block"),
        (a_block(), "prefix", ""),
        (a_block(prefix="+4479", country="GB"), "country", "only one"),
        (a_block(country="XX"), "country", "ISO code"),
        (a_block(country="GB", value=5), "value", "changes no limit"),
        (a_block(country="GB", limit="per_ip"), "limit", "Rules change"),
        (a_limit(None, 5), "limit", ""),
        (a_limit("unverified_total", None), "value", ""),
        (a_limit("per_ip", 5), "limit", "Rules change: unverified_per_country"),
        (a_limit("unverified_total", 5, country="GB"), "country", "counts all phones"),
        (a_limit("unverified_per_country", 5, prefix="+44"), "prefix", "needs a country"),
        (a_limit("unverified_per_country", 5), "country", ""),
        (a_limit("unverified_total", 0), "value", "1 at least"),
        (a_limit("unverified_total", 5_000), "value", "is 5000 already"),
        (a_limit("unverified_total", 10_001), "value", "10000 at most"),
        (a_limit("failed_attempts_total", 5_001), "value", "No rule raises"),
        (a_limit("per_number_range", 1_000, prefix="+44"), "value", "No rule raises"),
        (a_limit("calls_per_country", 201, country="FR"), "value", "DIALTONE_COUNTRIES"),
    ],
)
def test_an_invalid_order_names_its_field(text: OrderText, field: str, problem: str) -> None:
    with pytest.raises(InvalidOrder) as raised:
        parse_order(text, SETTINGS)

    assert raised.value.field == field
    assert problem in (raised.value.error.message if raised.value.error else "")


def test_the_limit_of_number_ranges_is_the_largest_share() -> None:
    # Of all messages strangers have 6,000 in a country.
    assert SETTINGS.windows[PER_NUMBER_RANGE].limit == 300
