"""What operators write to add a block."""

from datetime import UTC, datetime, timedelta
from typing import Final

import pytest

from domain.errors import InvalidValue
from domain.features.blocks import (
    SubjectKind,
    parse_end,
    parse_network,
    parse_prefix,
    parse_subject,
    parse_time,
)

NOW: Final = datetime(2026, 5, 1, 9, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("kind", "text", "subject"),
    [
        (SubjectKind.PREFIX, " +44 79", "prefix +4479"),
        (SubjectKind.NETWORK, "203.0.113.0/24", "network 203.0.113.0/24"),
        (SubjectKind.COUNTRY, "gb", "country GB"),
    ],
)
def test_a_subject_is_a_prefix_a_network_or_a_country(
    kind: SubjectKind, text: str, subject: str
) -> None:
    assert str(parse_subject(kind, text)) == subject


@pytest.mark.parametrize(
    ("text", "prefix"),
    [
        ("+1", "+1"),
        ("+44 (79) 00-12", "+44790012"),
    ],
)
def test_a_prefix_has_at_least_the_country_code(text: str, prefix: str) -> None:
    assert parse_prefix(text) == prefix


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("4479", "with \\+"),
        ("+\u0664\u0664", "with \\+"),
        ("+999", "No country"),
        ("+44 (0)79", "leave out the 0"),
        ("+447900123", "at most 8 digits"),
        ("+80012345", "at most 7 digits"),
    ],
)
def test_a_prefix_is_nobodys_number(text: str, problem: str) -> None:
    with pytest.raises(InvalidValue, match=problem):
        parse_prefix(text)


@pytest.mark.parametrize(
    ("text", "network"),
    [
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
        ("2001:db8::/80", "Write 2001:db8::/64"),
        ("::ffff:0:0/90", "one of IPv4"),
        ("example.org", "Write a network"),
        ("fe80::1%eth0", "without a zone"),
        ("fe80::%eth0/64", "without a zone"),
        ("1.2.3.0/0.0.0.255", "without a mask"),
        ("1.2.3.0/255.255.255.0", "without a mask"),
    ],
)
def test_an_invalid_network_says_what_is_valid(text: str, problem: str) -> None:
    with pytest.raises(InvalidValue, match=problem):
        parse_network(text)


def test_an_end_is_within_400_days() -> None:
    ends_at = parse_end(NOW, parse_time("2026-05-01T12:30+02:00"), is_by_token=True)
    assert ends_at == NOW + timedelta(hours=1)
    for text in ("2026-05-01T09:30:59Z", "2027-06-05T09:31Z", "2025-05-01T09:30Z"):
        with pytest.raises(InvalidValue, match="400 days at most"):
            parse_end(NOW, parse_time(text), is_by_token=False)


@pytest.mark.parametrize("text", ["tomorrow", "2026-05-01T09:30", "2026-02-30T09:30Z"])
def test_a_time_has_an_offset(text: str) -> None:
    with pytest.raises(InvalidValue, match="offset from UTC"):
        parse_time(text)
