"""What operators do to a phone."""

import asyncio
from collections.abc import Awaitable, Callable

from application.use_cases import UseCases
from domain.errors import InvalidValue, UserNotFound
from domain.phone import PhoneNumber, parse_phone
from entrypoints.bootstrap import open_use_cases
from entrypoints.commands.exit_codes import DONE, FAILED
from entrypoints.commands.streams import complain, say
from entrypoints.settings import Settings

_Act = Callable[[UseCases, PhoneNumber], Awaitable[str]]
"""Does something to a phone; gives what became of it, to be said after its name."""


def block(settings: Settings, phone: str) -> int:
    """Sign a phone out and let it in no more."""

    async def act(use_cases: UseCases, parsed: PhoneNumber) -> str:
        await use_cases.block_phone(parsed)
        return "is blocked from now on."

    return _done_to(phone, settings, act)


def unblock(settings: Settings, phone: str) -> int:
    """Let a phone that was blocked sign in again."""

    async def act(use_cases: UseCases, parsed: PhoneNumber) -> str:
        await use_cases.unblock_phone(parsed)
        return "is not blocked from now on."

    return _done_to(phone, settings, act)


def logout(settings: Settings, phone: str) -> int:
    """End every session of a phone."""

    async def act(use_cases: UseCases, parsed: PhoneNumber) -> str:
        ended = await use_cases.revoke_phone_sessions(parsed)
        return f"is signed out; sessions ended: {ended}."

    return _done_to(phone, settings, act)


def _done_to(phone: str, settings: Settings, act: _Act) -> int:
    try:
        parsed = parse_phone(phone, settings.default_region)
    except InvalidValue as error:
        complain(error.message)
        return FAILED
    try:
        outcome = asyncio.run(_acted(settings, act, parsed))
    except UserNotFound:
        complain(f"Nobody has signed in with {parsed.masked}, or they are deleted.")
        return FAILED
    say(f"{parsed.masked} {outcome}")
    return DONE


async def _acted(settings: Settings, act: _Act, phone: PhoneNumber) -> str:
    async with open_use_cases(settings) as use_cases:
        return await act(use_cases, phone)
