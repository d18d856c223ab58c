"""Every security event is told by something, with the members that its row of the page names."""

import re
from collections import defaultdict
from dataclasses import fields
from datetime import timedelta
from pathlib import Path
from typing import Final

import pytest

from application.otp.verify_otp import LoggedIn
from application.ports.security_events import Fact, SecurityEvent
from application.wiring import Policy
from domain.errors import DomainError, TooManyAttempts
from domain.identities.refresh_token import RefreshToken, parse_refresh_token
from domain.otp.challenge import OtpCode
from domain.otp.test_otps import TestOtp, TestOtps
from tests.support.builders import a_phone
from tests.support.fakes.messenger import ACCEPTED, REJECTED, UNKNOWN
from tests.unit.application.wiring import House, not_this

PAGE: Final = Path(__file__).parents[3] / "docs/security-events.md"
_ROW: Final = re.compile(r"^\| `(\w+)` \|.*\| ([`\w ]+) \|$", re.MULTILINE)
_NAMES: Final = {"identity_id": "identity"}
SENDER: Final = a_phone(2)
REVIEWER: Final = a_phone(3)


def a_house() -> House:
    number = TestOtp(REVIEWER, OtpCode("123456"))
    return House(rules=Policy(test_otps=TestOtps((number,))))


async def signed_in(house: House) -> RefreshToken:
    house.wait(hours=12)
    await house.ask()
    answer = await house.answer(house.messenger.messages[-1].code, wants_refresh=True)
    assert isinstance(answer, LoggedIn)
    assert answer.tokens.refresh_token is not None
    return parse_refresh_token(answer.tokens.refresh_token)


async def everything(house: House) -> None:
    """Whatever can happen to a phone, its sessions and its user."""
    await ask_in_every_way(house)
    await answer_in_every_way(house)
    token = await signed_in(house)
    await house.use_cases.refresh_session(token)
    house.wait(timedelta(minutes=1).total_seconds())
    for _ in ("reused", "refused"):
        with pytest.raises(DomainError):
            await house.use_cases.refresh_session(token)
    principal = await house.user()
    await house.use_cases.revoke_phone_sessions(a_phone())
    await house.use_cases.promote_user(a_phone())
    await house.use_cases.demote_user(a_phone())
    await house.use_cases.block_phone(a_phone())
    house.wait(hours=12)
    house.messenger.result = UNKNOWN
    await house.ask(SENDER)
    await house.ask()
    await house.use_cases.unblock_phone(a_phone())
    await house.use_cases.delete_user(principal)


async def ask_in_every_way(house: House) -> None:
    for result in (UNKNOWN, REJECTED, ACCEPTED):
        house.messenger.result = result
        house.wait(hours=12)
        try:
            for _ in ("at first", "within the cool-down"):
                await house.ask(SENDER)
        except DomainError:
            assert result is REJECTED


async def answer_in_every_way(house: House) -> None:
    await house.ask(REVIEWER)
    await house.answer("123456", REVIEWER)
    wrong = not_this(house.messenger.messages[-1].code)
    for _ in range(5):
        await house.answer(wrong, SENDER)
    with pytest.raises(TooManyAttempts):
        await house.answer(wrong, SENDER)


def members(event: SecurityEvent) -> set[str]:
    given = {one.name for one in fields(event) if getattr(event, one.name) is not None}
    return {_NAMES.get(name, name) for name in given - {"fact"}}


async def test_every_event_is_told_with_the_members_of_its_row() -> None:
    house = a_house()
    await everything(house)

    told: dict[str, set[str]] = defaultdict(set)
    for event in house.events.told:
        told[event.fact.value] |= members(event)

    rows = _ROW.findall(PAGE.read_text(encoding="utf-8"))
    assert told == {name: set(re.findall(r"\w+", listed)) for name, listed in rows}
    assert set(told) == {fact.value for fact in Fact}
