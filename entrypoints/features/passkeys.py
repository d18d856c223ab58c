"""Passkeys of users, with which they sign in without a message."""

import logging
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Final
from urllib.parse import urlsplit

from adapters.databases.records.features.passkeys import KINDS, make_used_passkey_challenges
from adapters.databases.records.identities import IdentityRecord
from adapters.databases.records.kinds import IDENTITIES, PASSKEYS_ADDED, STAFF
from adapters.databases.records.record_kind import Index
from adapters.databases.records.record_store import IndexPosition, RecordStore
from application.opened import Opened
from domain.administration.scopes import STAFF_ROLES
from entrypoints.features.console import LOCALHOST, ConsoleSettings, is_ip, make_origin
from entrypoints.features.feature import Feature
from entrypoints.settings import parsers
from entrypoints.settings.declaration import setting
from entrypoints.settings.parsers import full_match, rejects_with
from entrypoints.settings.rules import Problem
from entrypoints.settings.settings import Settings
from entrypoints.settings.values import Environment

if TYPE_CHECKING:
    from application.features.passkeys.feature import (
        AppPasskeysFeature,
        Passkeys,
        PasskeysFeature,
        StaffPasskeysFeature,
    )
    from application.use_cases import UseCases
    from entrypoints.http.additions import HttpAdditions
    from entrypoints.http.administration.user_details import UserFields
    from entrypoints.parts.composition import Composition

_OPTIONAL: Final = (
    "DIALTONE_STAFF_PASSKEYS=optional: a code is enough for the rights of a role in /users,"
    " /library and /calls, if its owner has no passkey for the console. Set it to required on each"
    " instance, unless an older app needs these rights."
)
_REQUIRED: Final = (
    "DIALTONE_STAFF_PASSKEYS=required: staff cannot upload pictures for others (library:upload) or"
    " create users (users:create). Older apps did both after a sign-in by code."
)
_SAME_ORIGIN: Final = (
    "DIALTONE_WEB_ORIGINS has the origin of DIALTONE_PUBLIC_URL: a script of that app can read what"
    " the console keeps in a tab. Give the service a host of its own."
)
_DAY: Final = timedelta(days=1)
_log = logging.getLogger(__name__)
_ANDROID_APP: Final = re.compile(r"android:apk-key-hash:[A-Za-z0-9_-]{43}")


@rejects_with("Must be android:apk-key-hash: and the SHA-256 of the app's certificate in base64url")
def _parse_app_origin(text: str) -> str:
    return full_match(_ANDROID_APP, text)[0]


class StaffPasskeys(StrEnum):
    """Which staff need a passkey."""

    OPTIONAL = "optional"
    REQUIRED = "required"


@dataclass(frozen=True, kw_only=True)
class PasskeySettings(Settings):
    """Passkeys with which users sign in to the app, and staff to the console."""

    passkey_domain: Annotated[str | None, parsers.parse_domain] = setting(
        "Domain of users' passkeys; without it, users in production have none; see docs/web.md.",
        derived=lambda env: "" if env is Environment.PRODUCTION else LOCALHOST,
        example="example.org",
    )
    passkey_origins: tuple[Annotated[str, _parse_app_origin], ...] = setting(
        "Android apps that use these passkeys, beside the web apps of DIALTONE_WEB_ORIGINS.",
        example="android:apk-key-hash:47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU",
    )
    staff_passkeys: StaffPasskeys = setting(
        "required, on each instance: all staff need a passkey; optional: those who have one.",
        StaffPasskeys.OPTIONAL,
    )

    @property
    def all_passkey_origins(self) -> Sequence[str]:
        """The origins of pages and apps that may use the passkeys of users."""
        own = f"https://{self.passkey_domain}"
        if self.passkey_domain == LOCALHOST:
            own = f"http://{LOCALHOST}:{urlsplit(self.public_url).port or self.bind.port}"
        web = [origin for origin in self.web_origins if _is_secure(origin)]
        return [own, *web, *self.passkey_origins]


def _is_secure(origin: str) -> bool:
    parts = urlsplit(origin)
    return parts.scheme == "https" or (parts.scheme, parts.hostname) == ("http", LOCALHOST)


def _check_domain(
    passkey_domain: str | None,
    passkey_origins: Sequence[str],
    public_url: str,
    web_origins: Sequence[str],
    env: Environment,
) -> Iterator[Problem]:
    if passkey_domain is None:
        if passkey_origins:
            yield Problem("DIALTONE_PASSKEY_ORIGINS", "Needs DIALTONE_PASSKEY_DOMAIN.")
        return
    if passkey_domain == LOCALHOST and env is not Environment.PRODUCTION:
        return
    hosts = [urlsplit(url).hostname or "" for url in (public_url, *web_origins)]
    is_parent = any(host.endswith(f".{passkey_domain}") for host in hosts)
    if passkey_domain not in hosts and not (is_parent and "." in passkey_domain):
        yield Problem(
            "DIALTONE_PASSKEY_DOMAIN",
            "Must be the host of DIALTONE_PUBLIC_URL or of one of DIALTONE_WEB_ORIGINS, or a domain"
            " above one of these: browsers make no passkeys for another.",
            example=next((host for host in hosts if not is_ip(host)), ""),
        )


def _are_required(settings: Settings) -> bool:
    return settings.of(PasskeySettings).staff_passkeys is StaffPasskeys.REQUIRED


class _Passkeys(Feature["Passkeys"]):
    name = "passkeys"
    needs = ("console",)
    opens = ("limits",)
    adds_to_export = True
    adapters = ("security/webauthn.py",)
    kinds = KINDS
    settings = PasskeySettings
    rules = (_check_domain,)

    def notes(self, settings: Settings) -> Iterator[str]:
        console = settings.of(ConsoleSettings)
        if _are_required(settings):
            yield _REQUIRED
        elif console.has_console or settings.env is Environment.PRODUCTION:
            yield _OPTIONAL
        origins = [make_origin(origin) for origin in settings.web_origins]
        if console.has_console and console.console_url in origins:
            yield _SAME_ORIGIN

    def records_check(self, settings: Settings) -> Callable[[RecordStore], Awaitable[str]]:
        console, domain = settings.of(ConsoleSettings), settings.of(PasskeySettings).passkey_domain

        async def describe(records: RecordStore) -> str:
            notes = [await _describe_stored(records, domain)]
            if console.has_console:
                notes.append(await describe_staff(records, _rp_id(console)))
            return "\n".join(filter(None, notes))

        return describe

    def http_additions(
        self, settings: Settings, _: Sequence[Feature[Any]]
    ) -> "Sequence[HttpAdditions]":
        from entrypoints.http.features.passkeys.api import PasskeysHttpAdditions

        return (
            PasskeysHttpAdditions(
                has_paths=settings.of(PasskeySettings).passkey_domain is not None,
                has_console=settings.of(ConsoleSettings).has_console,
            ),
        )

    def user_fields(self) -> "Sequence[type[UserFields]]":
        from entrypoints.http.features.passkeys.fields import PasskeyFields, StaffPasskeyFields

        return PasskeyFields, StaffPasskeyFields

    async def open(self, composition: "Composition") -> Opened["Passkeys"]:
        """Make the use cases even if passkeys cannot be used: commands remove stored ones."""
        from application.features.passkeys.feature import (
            Passkeys,
            PasskeysFeature,
            clean_up_passkeys,
            needs_passkey,
        )

        used_challenges = make_used_passkey_challenges(composition.database)
        settings = composition.settings.of(PasskeySettings)
        console = composition.settings.of(ConsoleSettings)
        are_required = _are_required(composition.settings)
        if console.has_console and composition.is_service:
            composition.tasks.append(_name_staff_daily(composition, _rp_id(console)))

        def make(core: "UseCases") -> Passkeys:
            shared = PasskeysFeature(core, used_challenges)
            return Passkeys(
                shared,
                _make_for_users(core, shared, settings),
                _make_for_staff(core, shared, console, are_required=are_required),
            )

        return Opened(
            make,
            replace(
                clean_up_passkeys(used_challenges),
                needs_passkey=partial(needs_passkey, are_required=are_required),
                has_console=console.has_console,
            ),
        )


def _make_for_users(
    core: "UseCases", shared: "PasskeysFeature", settings: PasskeySettings
) -> "AppPasskeysFeature | None":
    if settings.passkey_domain is None or not core.has_otp:
        return None
    # What it imports takes a fifth of a second, and few commands need it.
    from adapters.security.webauthn import WebAuthnRelyingParty
    from application.features.passkeys.feature import AppPasskeysFeature

    relying_party = WebAuthnRelyingParty(
        rp_id=settings.passkey_domain,
        origins=settings.all_passkey_origins,
        name=settings.app_name,
    )
    return AppPasskeysFeature(core, shared, relying_party)


def _make_for_staff(
    core: "UseCases", shared: "PasskeysFeature", console: ConsoleSettings, *, are_required: bool
) -> "StaffPasskeysFeature | None":
    if not console.has_console:
        return None
    from adapters.security.webauthn import WebAuthnRelyingParty
    from application.features.passkeys.feature import StaffPasskeysFeature

    relying_party = WebAuthnRelyingParty(
        rp_id=_rp_id(console),
        origins=[console.console_url],
        name=f"{console.app_name} (staff)",
    )
    page_url = f"{console.console_url}/console"
    return StaffPasskeysFeature(core, shared, relying_party, page_url, are_required=are_required)


PASSKEYS: Final = _Passkeys()


def _rp_id(console: ConsoleSettings) -> str:
    return urlsplit(console.console_url).hostname or ""


def _name_staff_daily(composition: "Composition", rp_id: str) -> AbstractAsyncContextManager[None]:
    """Log who of the staff cannot sign in to the console: at the start, and each day."""
    from entrypoints.tasks.background_task import repeat

    async def name() -> None:
        if note := await describe_staff(composition.database.records, rp_id):
            _log.info({"event": "staff_without_passkey", "note": note})

    return repeat(
        "staff_without_passkey",
        name,
        failed_event="staff_not_checked",
        first=timedelta(),
        pause=_DAY,
        limit=timedelta(minutes=1),
        metrics=composition.metrics,
    )


_PAGE_SIZE: Final = 100
_MAX_COUNTED: Final = 10_000


async def _describe_stored(records: RecordStore, domain: str | None) -> str:
    """Return a note on the passkeys that another domain loses; empty without any."""
    count = 0
    async for identity in read_identities(records, PASSKEYS_ADDED):
        count += sum(not passkey.is_staff for passkey in identity.passkeys)
        if count > _MAX_COUNTED:
            break
    if count == 0:
        return ""
    counted = f"more than {_MAX_COUNTED:,}" if count > _MAX_COUNTED else f"{count:,}"
    place = f"{domain} now" if domain else "no domain now, so none can be used"
    return (
        f"Passkeys of users: {counted}, for {place}. They are lost with another "
        "DIALTONE_PASSKEY_DOMAIN than that with which they were added."
    )


async def read_identities(
    records: RecordStore, index: Index, *equal: str
) -> AsyncIterator[IdentityRecord]:
    """Read the identities of a paged index by time, in its order."""
    after: IndexPosition | None = None
    while True:
        page = await records.find(IDENTITIES, index, equal, after=after, limit=_PAGE_SIZE)
        for stored in page:
            yield stored.record
        if len(page) < _PAGE_SIZE or index.order is None:
            return
        last = page[-1].record
        after = IndexPosition(getattr(last, index.order), last.id)


_MAX_NAMED: Final = 20


async def describe_staff(records: RecordStore, rp_id: str) -> str:
    """Return a note on people with a role who cannot sign in to the console of this host.

    A blocked account does not count.
    """
    without, elsewhere = list[str](), list[str]()
    for role in STAFF_ROLES:
        async for each in read_identities(records, STAFF, role.value):
            hosts = [passkey.rp_id for passkey in each.passkeys if passkey.is_staff]
            if each.blocked_at is not None or rp_id in hosts:
                continue
            (elsewhere if hosts else without).append(f"{each.id} ({role})")
    notes = []
    if without:
        notes.append(
            f"These people have a role and no passkey for the console: {_name(without)}. Make a"
            " link for each with dialtone user passkey-invite, or take the role away with dialtone"
            " user demote."
        )
    if elsewhere:
        notes.append(
            f"The passkeys of these people are for the console of another host than {rp_id}, so"
            f" browsers do not use them here: {_name(elsewhere)}. Make a link for each with"
            " dialtone user passkey-invite."
        )
    return "\n".join(notes)


def _name(people: Sequence[str]) -> str:
    more = len(people) - _MAX_NAMED
    return ", ".join(people[:_MAX_NAMED]) + (f" and {more} more" if more > 0 else "")
