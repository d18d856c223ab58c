"""What operators write to add a block, and which blocks are about a request."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

import pytest

from domain.administration.audit import Actor, ActorKind
from domain.errors import ConflictingValue, InvalidValue
from domain.features.blocks import (
    MAX_BLOCKS,
    Block,
    BlockList,
    BlockNotFound,
    Subject,
    SubjectKind,
    TooManyBlocks,
    parse_end,
    parse_subject,
    parse_time,
)
from domain.phone import parse_phone
from tests.support.builders import an_id

NOW: Final = datetime(2026, 5, 1, 9, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("kind", "text", "subject"),
    [
        (SubjectKind.PREFIX, " +44 79", "prefix +4479"),
        (SubjectKind.PREFIX, "+1", "prefix +1"),
        (SubjectKind.PREFIX, "+44 (79) 00-12", "prefix +44790012"),
        (SubjectKind.COUNTRY, "gb", "country GB"),
        (SubjectKind.NETWORK, "203.0.113.0/24", "network 203.0.113.0/24"),
        (SubjectKind.NETWORK, "203.0.113.7", "network 203.0.113.7/32"),
        (SubjectKind.NETWORK, "2001:DB8::/32", "network 2001:db8::/32"),
        (SubjectKind.NETWORK, "2001:db8::7", "network 2001:db8::/64"),
        (SubjectKind.NETWORK, "::ffff:203.0.113.0/120", "network 203.0.113.0/24"),
        (SubjectKind.NETWORK, "64:ff9b::203.0.113.7", "network 203.0.113.7/32"),
    ],
)
def test_a_subject_is_a_prefix_a_network_or_a_country(
    kind: SubjectKind, text: str, subject: str
) -> None:
    assert str(parse_subject(kind, text)) == subject


@pytest.mark.parametrize(
    ("kind", "text", "problem"),
    [
        (SubjectKind.PREFIX, "4479", "with \\+"),
        (SubjectKind.PREFIX, "+\u0664\u0664", "with \\+"),
        (SubjectKind.PREFIX, "+999", "No country"),
        (SubjectKind.PREFIX, "+44 (0)79", "leave out the 0"),
        (SubjectKind.PREFIX, "+447900123", "at most 8 digits"),
        (SubjectKind.PREFIX, "+80012345", "at most 7 digits"),
        (SubjectKind.NETWORK, "203.0.113.7/24", "Did you mean 203.0.113.0/24"),
        (SubjectKind.NETWORK, "0.0.0.0/0", "too large"),
        (SubjectKind.NETWORK, "2001:db8::/80", "Write 2001:db8::/64"),
        (SubjectKind.NETWORK, "::ffff:0:0/90", "one of IPv4"),
        (SubjectKind.NETWORK, "64:ff9b::/64", "one of IPv4"),
        (SubjectKind.NETWORK, "example.org", "Write a network"),
        (SubjectKind.NETWORK, "fe80::1%eth0", "without a zone"),
        (SubjectKind.NETWORK, "fe80::%eth0/64", "without a zone"),
        (SubjectKind.NETWORK, "1.2.3.0/0.0.0.255", "without a mask"),
        (SubjectKind.NETWORK, "1.2.3.0/255.255.255.0", "without a mask"),
    ],
)
def test_an_invalid_subject_says_what_is_valid(kind: SubjectKind, text: str, problem: str) -> None:
    with pytest.raises(InvalidValue, match=problem):
        parse_subject(kind, text)


def test_an_end_has_an_offset_and_is_within_400_days() -> None:
    for text in ("tomorrow", "2026-05-01T09:30", "2026-02-30T09:30Z"):
        with pytest.raises(InvalidValue, match="offset from UTC"):
            parse_time(text)
    ends_at = parse_end(NOW, parse_time("2026-05-01T12:30+02:00"), is_by_token=True)
    assert ends_at == NOW + timedelta(hours=1)
    for text in ("2026-05-01T09:30:59Z", "2027-06-05T09:31Z", "2025-05-01T09:30Z"):
        with pytest.raises(InvalidValue, match="400 days at most"):
            parse_end(NOW, parse_time(text), is_by_token=False)
    day = timedelta(days=1)
    assert parse_end(NOW, NOW + day, is_by_token=True) == NOW + day
    with pytest.raises(InvalidValue, match="24 hours at most"):
        parse_end(NOW, NOW + day + timedelta(seconds=1), is_by_token=True)


HOUR: Final = timedelta(hours=1)
PHONE: Final = parse_phone("+447900123456", None)


def a_block(kind: SubjectKind, text: str, number: int = 1, hours: int = 1) -> Block:
    return Block(
        id=an_id(number),
        subject=Subject(kind, text),
        reason="a flood",
        created_at=NOW,
        created_by=Actor(ActorKind.OPERATING_SYSTEM_USER, "jane"),
        ends_at=NOW + hours * HOUR,
    )


def test_a_network_has_its_clients() -> None:
    for text, client_ip, is_blocked in (
        ("203.0.113.0/24", "203.0.113.7", True),
        ("203.0.113.0/24", "203.0.114.7", False),
        ("2001:db8::/32", "2001:db8:0:7::/64", True),
        ("2001:db8::/32", "203.0.113.7", False),
        ("203.0.113.0/24", "unknown", False),
    ):
        blocks = BlockList((a_block(SubjectKind.NETWORK, text),))
        assert bool(blocks.find_block_of_client(client_ip, NOW)) is is_blocked
        assert blocks.find_block(PHONE, NOW) is None


def test_of_several_blocks_the_last_end_decides_and_no_block_outlives_its_own() -> None:
    short = a_block(SubjectKind.PREFIX, "+4479")
    long = a_block(SubjectKind.COUNTRY, "GB", hours=2)
    other = a_block(SubjectKind.COUNTRY, "FR", hours=9)
    blocks = BlockList((long, short, other))

    assert blocks.find_block(PHONE, NOW) == long
    assert blocks.find_block_of_client("203.0.113.7", NOW) is None
    assert blocks.find_block(PHONE, NOW + 2 * HOUR) is None
    assert blocks.active(NOW + 2 * HOUR) == [other]


def test_fifty_blocks_are_active_at_most() -> None:
    blocks = BlockList(
        tuple(a_block(SubjectKind.COUNTRY, "GB", number=number) for number in range(MAX_BLOCKS))
    )
    new = a_block(SubjectKind.COUNTRY, "FR", number=99)

    with pytest.raises(TooManyBlocks):
        blocks.add(new)
    later = replace(new, created_at=NOW + HOUR)
    assert blocks.add(later).blocks == (later,)
    with pytest.raises(ConflictingValue):
        BlockList((new,)).add(replace(new, ends_at=new.ends_at - timedelta(seconds=1)))
    longer = replace(new, id=an_id(98), ends_at=new.ends_at + timedelta(seconds=1))
    assert BlockList((new,)).add(longer).blocks == (new, longer)
    assert len(blocks.end(an_id(7), NOW).add(new).blocks) == MAX_BLOCKS
    with pytest.raises(BlockNotFound):
        blocks.end(an_id(99), NOW)
