"""Phones with a past: some signed in two days ago, some of those were blocked since."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Final

from application.otp.request_otp import RequestOtpCommand
from application.otp.verify_otp import LoggedIn, VerifyOtpCommand
from application.use_cases import UseCases
from domain.otp.challenge import parse_otp_code
from domain.phone import PhoneNumber
from entrypoints.bootstrap import open_use_cases
from entrypoints.settings import read_settings
from tests.benchmarks.load import address_of
from tests.stateful.hosting import logging_nothing
from tests.support.fakes.clock import MovableClock
from tests.support.fakes.messenger import FakeMessenger

_AT_ONCE: Final = 32
_SENT: Final = FakeMessenger()


@asynccontextmanager
async def open_messenger(*, environ: Mapping[str, str]) -> AsyncIterator[FakeMessenger]:
    """A sender for the time before the service starts: `DIALTONE_SMS` names this factory."""
    yield _SENT


async def give_a_past(
    environ: Mapping[str, str], known: Sequence[PhoneNumber], blocked: Sequence[PhoneNumber]
) -> None:
    """Have all of these sign in by a service with these settings, and block some of them."""
    settings = read_settings(
        {**environ, "DIALTONE_SMS": f"{__name__}:{open_messenger.__name__}"}, None
    )
    clock = MovableClock(datetime.now(UTC) - timedelta(days=2))
    _SENT.messages.clear()
    with logging_nothing():
        async with open_use_cases(settings, clock) as use_cases:
            people = [*known, *blocked]
            for first in range(0, len(people), _AT_ONCE):
                await asyncio.gather(
                    *(_signs_in(use_cases, one, first) for one in people[first:][:_AT_ONCE])
                )
            for phone in blocked:
                await use_cases.block_phone(phone)


async def _signs_in(use_cases: UseCases, phone: PhoneNumber, number: int) -> None:
    address = address_of(number)
    await use_cases.request_otp(RequestOtpCommand(phone, address))
    (code,) = (one.code for one in reversed(_SENT.messages[-_AT_ONCE:]) if one.phone == phone)
    outcome = await use_cases.verify_otp(VerifyOtpCommand(phone, parse_otp_code(code), address))
    assert isinstance(outcome, LoggedIn)
