"""What operators do to a user's role."""

import asyncio
from collections.abc import Awaitable, Callable

from application.use_cases import UseCases
from domain.errors import InvalidValue, UserNotFound
from domain.identifier import parse_identifier
from domain.identities.identity import Identity
from domain.phone import PhoneNumber, parse_phone
from entrypoints.bootstrap import open_use_cases
from entrypoints.commands.exit_codes import DONE, FAILED
from entrypoints.commands.streams import complain, say
from entrypoints.settings import Settings

_User = str | PhoneNumber
_Act = Callable[[UseCases, _User], Awaitable[Identity]]


def promote(settings: Settings, user: str) -> int:
    """Make somebody an administrator."""

    async def act(use_cases: UseCases, parsed: _User) -> Identity:
        return await use_cases.promote_user(parsed)

    return _changed(user, settings, act, "is an administrator from now on.")


def demote(settings: Settings, user: str) -> int:
    """Make an administrator a member again."""

    async def act(use_cases: UseCases, parsed: _User) -> Identity:
        return await use_cases.demote_user(parsed)

    return _changed(user, settings, act, "is no administrator from now on.")


def _changed(user: str, settings: Settings, act: _Act, outcome: str) -> int:
    try:
        parsed = parse_identifier(user) or parse_phone(user, settings.default_region)
        identity = asyncio.run(_acted(settings, act, parsed))
    except (InvalidValue, UserNotFound):
        shown = user.encode("unicode_escape").decode()
        complain(f"Nobody is known as {shown}: give a user id, or a phone that signed in.")
        return FAILED
    say(f"{identity.id} {outcome}")
    return DONE


async def _acted(settings: Settings, act: _Act, user: _User) -> Identity:
    async with open_use_cases(settings) as use_cases:
        return await act(use_cases, user)
