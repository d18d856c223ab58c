"""Passkeys of the staff, with which it signs in to the web console."""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from adapters.databases.records.features.staff_passkeys import (
    KINDS,
    make_staff_passkeys_repositories,
)
from adapters.databases.records.kinds import STAFF
from adapters.databases.records.record_store import RecordStore
from domain.identities.role import Role
from entrypoints.features.console import ConsoleSettings
from entrypoints.features.feature import Feature
from entrypoints.features.passkeys import is_ip, read_identities
from entrypoints.settings.declaration import setting
from entrypoints.settings.rules import Problem
from entrypoints.settings.settings import Settings
from entrypoints.settings.startup_error import StartupError

if TYPE_CHECKING:
    from entrypoints.http.plugin import ApiPlugin
    from entrypoints.parts.composition import Composition

_ENROLMENT_PATH: Final = "/console/passkeys/enrol"
_DEFAULT_PORTS: Final[Mapping[str, int]] = {"http": 80, "https": 443}
_NO_CONSOLE: Final = "Passkeys are used in the web console: set DIALTONE_WEB_CONSOLE=yes."
_NO_HOST_NAME: Final = (
    "DIALTONE_PUBLIC_URL has an IP address, and browsers make passkeys for host names only: use "
    "the name of the host, such as https://dialtone.example.org, or http://localhost:8000 on this "
    "machine."
)


class StaffPasskeys(StrEnum):
    """Who of the staff needs a passkey."""

    OPTIONAL = "optional"
    REQUIRED = "required"


@dataclass(frozen=True, kw_only=True)
class StaffPasskeySettings(Settings):
    """Who of the staff needs a passkey."""

    staff_passkeys: StaffPasskeys = setting(
        "required asks all staff for a passkey; optional only whoever has one.",
        StaffPasskeys.OPTIONAL,
    )


def explain_why_not(settings: Settings) -> str:
    """Return why there can be no passkeys with these settings; empty if there can."""
    return _find_obstacle(settings.of(ConsoleSettings).has_console, settings.public_url)


def _find_obstacle(has_console: bool, public_url: str) -> str:
    if not has_console:
        return _NO_CONSOLE
    return _NO_HOST_NAME if is_ip(urlsplit(public_url).hostname or "") else ""


def make_origin(url: str) -> str:
    """Return the origin of a URL as browsers write it: in lower case, without a default port."""
    parts = urlsplit(url)
    port = parts.port if parts.port != _DEFAULT_PORTS.get(parts.scheme) else None
    return f"{parts.scheme}://{parts.hostname}" + (f":{port}" if port else "")


def _are_required(settings: Settings) -> bool:
    return settings.of(StaffPasskeySettings).staff_passkeys is StaffPasskeys.REQUIRED


def _check_possible(
    staff_passkeys: StaffPasskeys, has_console: bool, public_url: str
) -> Iterator[Problem]:
    why_not = _find_obstacle(has_console, public_url)
    if staff_passkeys is StaffPasskeys.REQUIRED and why_not:
        yield Problem("DIALTONE_STAFF_PASSKEYS", f"Must not be required. {why_not}")


class _StaffPasskeys(Feature):
    name = "staff_passkeys"
    needs = ("passkeys", "console")
    kinds = KINDS
    settings = StaffPasskeySettings
    rules = (_check_possible,)

    def notes(self, settings: Settings) -> Iterator[str]:
        if settings.of(ConsoleSettings).has_console and (why_not := explain_why_not(settings)):
            yield f"Nobody of the staff can use passkeys. {why_not}"

    def records_check(self, settings: Settings) -> "Callable[[RecordStore], Awaitable[str]] | None":
        return check_administrators if _are_required(settings) else None

    def plugins(self, *_: object) -> "Sequence[ApiPlugin]":
        from entrypoints.http.features.staff_passkeys.plugin import StaffPasskeysPlugin

        return (StaffPasskeysPlugin(),)

    async def open(self, composition: "Composition") -> None:
        """Add the use cases, also where none can be used: those that exist count."""
        from adapters.databases.records.features.console import make_console_repositories
        from application.features.staff_passkeys.feature import (
            StaffPasskeysFeature,
            StaffPasskeysPolicy,
        )

        settings, database = composition.settings, composition.database
        url, why_not = settings.public_url, explain_why_not(settings)
        relying_party = None
        if not why_not:
            # What it imports takes a fifth of a second, and few commands need it.
            from adapters.security.webauthn import WebAuthnRelyingParty

            relying_party = WebAuthnRelyingParty(
                rp_id=urlsplit(url).hostname or "",
                origins=[make_origin(url)],
                name=settings.app_name,
            )
        composition.use_cases.add(
            StaffPasskeysFeature(
                composition.use_cases,
                make_staff_passkeys_repositories(database),
                make_console_repositories(database).sessions,
                relying_party,
                StaffPasskeysPolicy(
                    are_required=_are_required(settings),
                    enrolment_url=make_origin(url) + _ENROLMENT_PATH,
                    why_not=why_not,
                ),
            )
        )


STAFF_PASSKEYS: Final = _StaffPasskeys()


_MAX_NAMED: Final = 20


async def check_administrators(records: RecordStore) -> str:
    """Check that each administrator has a passkey; return a note. A blocked one does not count.

    Raises:
        StartupError: One has none.
    """
    administrators = read_identities(records, STAFF, Role.ADMINISTRATOR.value)
    without = [
        each.id
        async for each in administrators
        if each.blocked_at is None and not each.staff.passkeys
    ]
    if not without:
        return "Each administrator has a passkey, as DIALTONE_STAFF_PASSKEYS=required demands."
    more = len(without) - _MAX_NAMED
    raise StartupError(
        "DIALTONE_STAFF_PASSKEYS must not be required while administrators have no passkey: "
        f"{', '.join(without[:_MAX_NAMED])}{f' and {more} more' if more > 0 else ''}. Make a link "
        "for each with `dialtone user passkey-invite`, or demote them with `dialtone user demote`."
    )
