"""Proof before a message: a request for one in place of a 429."""

from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, Annotated, Final
from urllib.parse import urlsplit

from adapters.databases.records.features.attestation import KINDS, make_used_proofs
from application.features.attestation import Attestation
from application.opened import Opened, make_nothing
from application.ports.errors import ConfigurationError, PortError
from application.ports.keys import KeyPurpose
from entrypoints.features.feature import Feature
from entrypoints.parts.factories import health_check_of, open_adapter
from entrypoints.settings import parsers
from entrypoints.settings.adapter_parsers import one_of, parse_private_url
from entrypoints.settings.declaration import setting
from entrypoints.settings.rules import Check, Problem
from entrypoints.settings.settings import Settings
from entrypoints.settings.startup_error import name_variable
from entrypoints.settings.values import Factory, Secret

if TYPE_CHECKING:
    from adapters.security.attestation.siteverify import SiteverifyAttestation
    from adapters.security.keys.keys import SecretKeys
    from application.otp.use_cases import OtpPolicy
    from entrypoints.http.additions import HttpAdditions
    from entrypoints.parts.composition import Composition


_NONE: Final = "none"
_SITEVERIFY: Final = (
    "DIALTONE_ATTESTATION_URL",
    "DIALTONE_ATTESTATION_SECRET",
    "DIALTONE_ATTESTATION_SITE_KEY",
)
ALTCHA_DIFFICULTY: Final = 3_000
"""Derivations of a proof on average: about a second at a slow phone. More would make people wait,
and stop no attacker (docs/web.md)."""


class AttestationType(StrEnum):
    """A shipped adapter that asks clients for proofs."""

    ALTCHA = "altcha"
    SITEVERIFY = "siteverify"


class Ask(StrEnum):
    """Which strangers are asked for a proof."""

    LIMITED = "limited"
    STRANGERS = "strangers"


_parse_site_key = parsers.pattern(
    r"[A-Za-z0-9_.:-]{1,200}", "Must be a site key: letters, digits, and - _ . : at most 200."
)
_parse_hostname = parsers.pattern(
    r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*",
    "Must be host names without https:// and port, or names of Android apps, separated by commas.",
)


def _hosts_of_service(
    web_origins: Sequence[str], public_url: str, is_set: Callable[[str], bool]
) -> str:
    urls = [*web_origins]
    if is_set("DIALTONE_PUBLIC_URL"):
        urls.append(public_url)
    hosts = [urlsplit(url).hostname or "" for url in urls]
    # No provider has a widget at an IPv6 address.
    return ",".join(dict.fromkeys(host for host in hosts if ":" not in host))


@dataclass(frozen=True, kw_only=True)
class AttestationSettings(Settings):
    """Proofs that strangers may have to send for a code."""

    attestation: Annotated[
        AttestationType | Factory | None,
        one_of({_NONE: None} | {kind.value: kind for kind in AttestationType}),
    ] = setting(
        "Proof instead of a 429: altcha, siteverify, package.module:factory, or none.",
        _NONE,
        example=AttestationType.ALTCHA,
    )
    attestation_ask: Ask = setting(
        "Who is asked for a proof: strangers above a limit (limited), or all (strangers).",
        Ask.LIMITED,
    )
    attestation_url: Annotated[str, parse_private_url] = setting(
        "Where siteverify checks a proof, at Turnstile, hCaptcha or reCAPTCHA v2; required for it.",
        example="https://challenges.cloudflare.com/turnstile/v0/siteverify",
    )
    attestation_secret: Secret[str] = setting(
        "Secret key at this provider, required for siteverify.",
        example="0x0123456789abcdef0123456789abcdef",
    )
    attestation_site_key: Annotated[str, _parse_site_key] = setting(
        "Site key at this provider, which apps show its widget with; required for siteverify.",
        example="0x0123456789abcdef",
    )
    attestation_hostnames: tuple[Annotated[str, _parse_hostname], ...] = setting(
        "Hosts of siteverify's widget, and Android apps; by default those of your URL and origins.",
        derived=_hosts_of_service,
        example="app.example.org,org.example.app",
    )

    def otp_policy(self, *, are_messages_reported: bool) -> "OtpPolicy":
        policy = super().otp_policy(are_messages_reported=are_messages_reported)
        has_limits = self.attestation is not None
        return replace(
            policy, rate_limits=replace(policy.rate_limits, has_attested_limits=has_limits)
        )


_Kind = AttestationType | Factory | None


def _check_siteverify(attestation: _Kind, is_set: Callable[[str], bool]) -> Iterator[Problem]:
    for name in _SITEVERIFY if attestation is AttestationType.SITEVERIFY else ():
        if not is_set(name):
            yield Problem(name, "Must be set if DIALTONE_ATTESTATION is siteverify.")


def _check_hostnames(attestation: _Kind, attestation_hostnames: Sequence[str]) -> Iterator[Problem]:
    if attestation is AttestationType.SITEVERIFY and not attestation_hostnames:
        yield Problem(
            "DIALTONE_ATTESTATION_HOSTNAMES",
            "Must be set if DIALTONE_ATTESTATION is siteverify, and neither DIALTONE_WEB_ORIGINS "
            "nor DIALTONE_PUBLIC_URL is set.",
        )


def _check_ask(attestation: _Kind, attestation_ask: Ask) -> Iterator[Problem]:
    if attestation_ask is not Ask.LIMITED and attestation is None:
        text = "Must be set if DIALTONE_ATTESTATION_ASK is strangers: altcha needs nothing else."
        yield Problem("DIALTONE_ATTESTATION", text)


def _check_siteverify_url(
    attestation: _Kind, attestation_url: str, *, is_production: bool
) -> Iterator[Problem]:
    is_used = is_production and attestation is AttestationType.SITEVERIFY
    if is_used and urlsplit(attestation_url).scheme == "http":
        yield Problem("DIALTONE_ATTESTATION_URL", "Must begin with https:// in production.")


@asynccontextmanager
async def open_attestation(
    settings: Settings, keys: "SecretKeys", count_missing_hostname: Callable[[], object]
) -> AsyncIterator[Attestation | None]:
    """Open what asks clients for a proof, until the block ends. None if nothing does."""
    attestation = settings.of(AttestationSettings)
    match attestation.attestation:
        case None:
            yield None
        case AttestationType.ALTCHA:
            from adapters.security.attestation.altcha import AltchaAttestation

            peppers = keys.key_set(KeyPurpose.OTP_PEPPER)
            yield AltchaAttestation(peppers, ALTCHA_DIFFICULTY)
        case AttestationType.SITEVERIFY:
            async with open_siteverify(settings, count_missing_hostname) as siteverify:
                yield siteverify
        case Factory() as factory:
            from adapters.security.attestation.guarded import GuardedAttestation

            async with open_own_attestation(factory, settings) as adapter:
                yield GuardedAttestation(adapter)


def open_own_attestation(
    factory: Factory, settings: Settings
) -> AbstractAsyncContextManager[Attestation]:
    """Open an operator's adapter that asks clients for a proof."""
    environ = settings.variables.values
    return open_adapter(factory, "DIALTONE_ATTESTATION", Attestation, environ=environ)


def open_siteverify(
    settings: Settings, count_missing_hostname: Callable[[], object] = lambda: None
) -> AbstractAsyncContextManager["SiteverifyAttestation"]:
    """Open what asks a provider about the responses of its widget."""
    from adapters.security.attestation import siteverify

    attestation = settings.of(AttestationSettings)
    return siteverify.open_siteverify(
        attestation.attestation_url,
        attestation.attestation_secret.value,
        attestation.attestation_site_key,
        attestation.attestation_hostnames,
        count_missing_hostname=count_missing_hostname,
    )


async def _check_connection(settings: AttestationSettings) -> str:
    from entrypoints.parts.connection_checks import check_own_adapter

    with name_variable("DIALTONE_ATTESTATION"):
        match settings.attestation:
            case AttestationType.SITEVERIFY:
                async with open_siteverify(settings) as siteverify:
                    try:
                        await siteverify.check()
                    except PortError as error:
                        raise ConfigurationError(
                            f"No proof can be checked, {error}: check DIALTONE_ATTESTATION_URL, "
                            "DIALTONE_ATTESTATION_SECRET and the network."
                        ) from None
                    return "the provider accepts the secret"
            case Factory() as factory:
                async with open_own_attestation(factory, settings) as own:
                    return await check_own_adapter(own)
            case _:
                return "it asks no provider"


class _Attestation(Feature[None]):
    name = "attestation"
    adapters = ("security/attestation",)
    kinds = KINDS
    settings = AttestationSettings
    rules = (_check_siteverify, _check_hostnames, _check_ask, _check_siteverify_url)

    def trials(self, settings: Settings) -> "Mapping[str, Check]":
        attestation = settings.of(AttestationSettings)
        if attestation.attestation is None:
            return {}
        return {"attestation": partial(_check_connection, attestation)}

    def http_additions(self, *_: object) -> "Sequence[HttpAdditions]":
        from entrypoints.http.features.attestation import AttestationHttpAdditions

        return (AttestationHttpAdditions(),)

    async def open(self, composition: "Composition") -> Opened[None]:
        from adapters.operations.system import HeldHealthCheck
        from application.features.attestation import ask_for_proofs
        from application.operations.check_readiness import CheckedPart

        attestation, counts, checked = None, None, dict[str, CheckedPart]()
        if composition.metrics is not None:
            from adapters.operations.metrics.features.attestation import CountAttestations

            counts = CountAttestations(composition.metrics)
        if "otp" in composition.opens:
            count = counts.without_hostname.inc if counts else lambda: None
            with name_variable("DIALTONE_ATTESTATION"):
                attestation = await composition.stack.enter_async_context(
                    open_attestation(composition.settings, composition.keys, count)
                )
        if hasattr(attestation, "check"):
            health = HeldHealthCheck(health_check_of(attestation))
            checked["attestation"] = CheckedPart(health, is_of_provider=True)
        used = make_used_proofs(composition.database)
        asks = composition.settings.of(AttestationSettings).attestation_ask is Ask.STRANGERS
        proofs = ask_for_proofs(composition.core_ports, used, attestation, asks_strangers=asks)
        listeners = (counts,) if counts else ()
        return Opened(make_nothing, replace(proofs, checked_parts=checked, listeners=listeners))


ATTESTATION: Final = _Attestation()
