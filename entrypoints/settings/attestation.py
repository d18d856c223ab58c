"""The settings of proofs that clients send before a message."""

from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from entrypoints.settings import parsers
from entrypoints.settings.declaration import advanced, optional
from entrypoints.settings.hook_parsers import parse_private_url
from entrypoints.settings.service import ServiceSettings
from entrypoints.settings.services import find_factory
from entrypoints.settings.values import AttestationType, Factory, Secret

_NONE: Final = "none"
MAX_DIFFICULTY: Final = 100_000


@parsers.rejects_with("Must be none, altcha, siteverify or package.module:factory.")
def _parse_attestation(text: str) -> AttestationType | Factory | None:
    if text.lower() == _NONE:
        return None
    return find_factory(text) or AttestationType(text.lower())


@parsers.rejects_with(
    "Must begin with https://, or with http:// on this machine, and have ASCII characters only, no "
    "password and no #."
)
def _parse_url(text: str) -> str:
    return parse_private_url(text)


_parse_site_key = parsers.pattern(
    r"[A-Za-z0-9_.:-]{1,200}", "Must be a site key: letters, digits, and - _ . : at most 200."
)
_parse_hostname = parsers.pattern(
    r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*",
    "Must be host names without https:// and port, or names of Android apps, separated by commas.",
)


def _hosts_of_service(settings: Any) -> str:
    """Return the hosts of the web apps, and that of the service if its URL is set."""
    urls = [*settings.web_origins]
    if settings.is_set("DIALTONE_PUBLIC_URL"):
        urls.append(settings.public_url)
    hosts = [urlsplit(url).hostname or "" for url in urls]
    # No provider has a widget at an IPv6 address.
    return ",".join(dict.fromkeys(host for host in hosts if ":" not in host))


@dataclass(frozen=True, kw_only=True)
class AttestationSettings(ServiceSettings):
    """What clients prove where the limits of strangers are used up."""

    attestation: AttestationType | Factory | None = optional(
        _parse_attestation, default=_NONE, example=AttestationType.ALTCHA
    )
    """Proof instead of a 429: altcha, siteverify, package.module:factory, or none."""
    attestation_url: str = optional(
        _parse_url,
        unset="",
        example="https://challenges.cloudflare.com/turnstile/v0/siteverify",
    )
    """Where siteverify checks a proof, at Turnstile, hCaptcha or reCAPTCHA v2; required for it."""
    attestation_secret: Secret[str] = optional(
        Secret, unset=Secret(""), example="0x0123456789abcdef0123456789abcdef"
    )
    """Secret key at this provider, required for siteverify."""
    attestation_site_key: str = optional(_parse_site_key, unset="", example="0x0123456789abcdef")
    """Site key at this provider, which apps show its widget with; required for siteverify."""
    # These two stand behind DIALTONE_WEB_ORIGINS, of which one is made.
    attestation_difficulty: int = advanced(parsers.number(1, MAX_DIFFICULTY), default="3000")
    """Work of a proof with altcha: derivations on average, up to 100000, see docs/proofs.md."""
    attestation_hostnames: tuple[str, ...] = advanced(
        parsers.list_of(_parse_hostname),
        unset=(),
        derive=_hosts_of_service,
        example="app.example.org,org.example.app",
    )
    """Hosts of siteverify's widget, and Android apps; by default those of your URL and origins."""
