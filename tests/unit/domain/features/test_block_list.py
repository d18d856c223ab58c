"""Which blocks are about a request."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

import pytest

from domain.administration.audit import Actor, ActorKind
from domain.errors import ConflictingValue
from domain.features.blocks import (
    MAX_BLOCKS,
    Block,
    BlockList,
    BlockNotFound,
    Subject,
    SubjectKind,
    TooManyBlocks,
)
from domain.phone import parse_phone
from tests.support.builders import an_id

NOW: Final = datetime(2026, 5, 1, 9, 30, tzinfo=UTC)
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


@pytest.mark.parametrize(
    ("text", "client_ip", "is_blocked"),
    [
        ("203.0.113.0/24", "203.0.113.7", True),
        ("203.0.113.0/24", "203.0.114.7", False),
        ("2001:db8::/32", "2001:db8:0:7::/64", True),
        ("2001:db8::/32", "203.0.113.7", False),
        ("203.0.113.0/24", "unknown", False),
    ],
)
def test_a_network_has_its_clients(text: str, client_ip: str, *, is_blocked: bool) -> None:
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
