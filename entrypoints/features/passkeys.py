"""Passkeys of users, with which they sign in without a message."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from ipaddress import ip_address
from typing import TYPE_CHECKING, Annotated, Final
from urllib.parse import urlsplit

from adapters.databases.records.features.passkeys import KINDS, make_passkeys_repositories
from adapters.databases.records.identities import IdentityRecord
from adapters.databases.records.kinds import IDENTITIES, PASSKEYS_ADDED
from adapters.databases.records.record_kind import Index
from adapters.databases.records.record_store import IndexPosition, RecordStore
from entrypoints.features.feature import Feature
from entrypoints.settings import parsers
from entrypoints.settings.declaration import setting
from entrypoints.settings.parsers import full_match, rejects_with
from entrypoints.settings.rules import Problem
from entrypoints.settings.settings import Settings
from entrypoints.settings.values import Environment

if TYPE_CHECKING:
    from entrypoints.http.administration.user_details import UserFields
    from entrypoints.http.plugin import ApiPlugin
    from entrypoints.parts.composition import Composition

_LOCALHOST: Final = "localhost"
_ANDROID_APP: Final = re.compile(r"android:apk-key-hash:[A-Za-z0-9_-]{43}")


@rejects_with("Must be android:apk-key-hash: and the SHA-256 of the app's certificate in base64url")
def _parse_app_origin(text: str) -> str:
    return full_match(_ANDROID_APP, text)[0]


@dataclass(frozen=True, kw_only=True)
class PasskeySettings(Settings):
    """Passkeys with which users sign in to the app."""

    passkey_domain: Annotated[str | None, parsers.parse_domain] = setting(
        "Domain of the passkeys of users; in production there are none without it, see "
        "docs/web.md.",
        derived=lambda env: "" if env is Environment.PRODUCTION else _LOCALHOST,
        example="example.org",
    )
    passkey_origins: tuple[Annotated[str, _parse_app_origin], ...] = setting(
        "Android apps that use these passkeys, beside the web apps of DIALTONE_WEB_ORIGINS.",
        example="android:apk-key-hash:47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU",
    )

    @property
    def all_passkey_origins(self) -> Sequence[str]:
        """The origins of pages and apps that may use the passkeys of users."""
        own = f"https://{self.passkey_domain}"
        if self.passkey_domain == _LOCALHOST:
            own = f"http://{_LOCALHOST}:{urlsplit(self.public_url).port or self.bind.port}"
        web = [origin for origin in self.web_origins if _is_secure(origin)]
        return [own, *web, *self.passkey_origins]


def _is_secure(origin: str) -> bool:
    parts = urlsplit(origin)
    return parts.scheme == "https" or (parts.scheme, parts.hostname) == ("http", _LOCALHOST)


def is_ip(host: str) -> bool:
    """Return whether a host is an IP, for which browsers make no passkeys."""
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


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
    if passkey_domain == _LOCALHOST and env is not Environment.PRODUCTION:
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


class _Passkeys(Feature):
    name = "passkeys"
    adds_to_export = True
    adapters = ("security/webauthn.py",)
    kinds = KINDS
    settings = PasskeySettings
    rules = (_check_domain,)

    def records_check(self, settings: Settings) -> Callable[[RecordStore], Awaitable[str]]:
        return partial(_describe_stored, domain=settings.of(PasskeySettings).passkey_domain)

    def plugins(self, settings: Settings, _: Sequence[Feature]) -> "Sequence[ApiPlugin]":
        from entrypoints.http.features.passkeys.plugin import PasskeysPlugin

        has_paths = settings.of(PasskeySettings).passkey_domain is not None
        return (PasskeysPlugin(has_paths=has_paths),)

    def user_fields(self) -> "Sequence[type[UserFields]]":
        from entrypoints.http.features.passkeys.user_fields import PasskeyFields

        return (PasskeyFields,)

    async def open(self, composition: "Composition") -> None:
        """Add the use cases, also where nobody can use passkeys: commands remove what there is."""
        from application.features.passkeys.feature import AppPasskeysFeature, PasskeysFeature
        from application.otp.use_cases import OtpUseCases

        core, repositories = composition.use_cases, make_passkeys_repositories(composition.database)
        core.add(PasskeysFeature(core, repositories))
        settings = composition.settings.of(PasskeySettings)
        if settings.passkey_domain is not None and core.find(OtpUseCases) is not None:
            # What it imports takes a fifth of a second, and few commands need it.
            from adapters.security.webauthn import WebAuthnRelyingParty

            relying_party = WebAuthnRelyingParty(
                rp_id=settings.passkey_domain,
                origins=settings.all_passkey_origins,
                name=settings.app_name,
            )
            core.add(AppPasskeysFeature(core, relying_party))


PASSKEYS: Final = _Passkeys()


_PAGE_SIZE: Final = 100
_MAX_COUNTED: Final = 10_000


async def _describe_stored(records: RecordStore, domain: str | None) -> str:
    """Return a note on the passkeys that another domain loses; empty if there are none."""
    count = 0
    async for identity in read_identities(records, PASSKEYS_ADDED):
        count += len(identity.passkeys)
        if count > _MAX_COUNTED:
            break
    if count == 0:
        return ""
    counted = f"more than {_MAX_COUNTED:,}" if count > _MAX_COUNTED else f"{count:,}"
    place = f"{domain} now" if domain else "no domain now, so nobody can use one"
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
