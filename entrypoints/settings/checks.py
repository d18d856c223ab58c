"""Rules between settings, and what production rejects, however well it is written."""

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from application.media.media_urls import MediaAccess
from domain.access import LibraryVisibility
from domain.countries import ALL_COUNTRIES
from entrypoints.opening.providers import PROVIDERS, PhoneProvider, Provider, prints_codes
from entrypoints.settings.hook_parsers import LOOPBACK_HOSTS
from entrypoints.settings.settings import FIELDS, InvalidSetting, Settings
from entrypoints.settings.values import (
    AttestationType,
    MediaFolder,
    S3Bucket,
    SqliteDatabase,
)

_SITEVERIFY: Final = (
    "DIALTONE_ATTESTATION_URL",
    "DIALTONE_ATTESTATION_SECRET",
    "DIALTONE_ATTESTATION_SITE_KEY",
)
_AWS_KEYS: Final = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
Problem = tuple[str, ...]
"""Variable, problem and, if the one of the variable is no fix, the example."""

# Names that are not in public DNS: one label, like that of a container, or a suffix for private
# networks (RFC 6761, 6762 and 8375, ICANN's .internal, Kubernetes).
_PRIVATE_NAME: Final = re.compile(
    r"[a-z][a-z0-9_-]*|(?:[a-z0-9_-]+\.)+(?:localhost|local|home\.arpa|internal|svc)"
)


def unused_variables(values: Mapping[str, str]) -> frozenset[str]:
    """Return the vendors' variables that these values do not use.

    Other programs read them too, so their values are not checked.
    """
    named = f"{values.get('DIALTONE_SMS', '')},{values.get('DIALTONE_VOICE', '')}".lower()
    names = {name.strip() for name in named.split(",")}
    unused = tuple(
        provider.prefix for provider in PROVIDERS if provider.prefix and provider.name not in names
    )
    if not values.get("DIALTONE_MEDIA", "").startswith("s3://"):
        unused += ("AWS_",)
    return frozenset(name for name in FIELDS if name.startswith(unused))


def is_production(values: Mapping[str, str]) -> bool:
    """Return whether these values are meant for production, also with a typing error."""
    env = values.get("DIALTONE_ENV", "").strip().lower()
    return bool(env) and not env.startswith("dev")


def find_problems(settings: Settings) -> Iterator[Problem]:
    """Yield the problem of each rule that is violated.

    A rule ends where it needs the value of an invalid variable.
    """
    is_strict = is_production(settings.variables.values)
    for rule in (*_RULES, *(_PRODUCTION_RULES if is_strict else ())):
        with suppress(InvalidSetting):
            yield from rule(settings)


def _check_keys(settings: Settings) -> Iterator[Problem]:
    if settings.is_set("DIALTONE_SECRETS") and settings.is_set("DIALTONE_SECRETS_FILE"):
        yield "DIALTONE_SECRETS", "Must not be set together with DIALTONE_SECRETS_FILE.", ""


def _check_bucket(settings: Settings) -> Iterator[Problem]:
    if not isinstance(settings.media, S3Bucket):
        return
    # Without all of them, botocore finds credentials.
    used = [name for name in _AWS_KEYS if settings.is_set(name)]
    for name in _AWS_KEYS[:2]:
        if used and name not in used:
            yield name, f"Must be set together with {used[0]}."
    if "AWS_SESSION_TOKEN" in used and settings.has_presigned_urls:
        yield (
            "DIALTONE_MEDIA_DELIVERY",
            "Must be service if AWS_SESSION_TOKEN is set, or DIALTONE_MEDIA_PUBLIC_URL must be set:"
            " a presigned URL ends with the temporary credentials that signed it.",
            "service",
        )


def _check_variants(settings: Settings) -> Iterator[Problem]:
    stills = [spec.name for spec in settings.media_variants if not spec.is_webp]
    if settings.media_url_variant not in (None, *stills):
        yield (
            "DIALTONE_MEDIA_URL_VARIANT",
            "Must be a name in DIALTONE_MEDIA_VARIANTS, and not of a WebP: older apps show JPEG, "
            "PNG and GIF only.",
            next(iter(stills), ""),
        )


def _check_private_media(settings: Settings) -> Iterator[Problem]:
    if settings.media_access is MediaAccess.PUBLIC:
        return
    if settings.is_set("DIALTONE_MEDIA_PUBLIC_URL"):
        text = "Must not be set with DIALTONE_MEDIA_ACCESS=private: what it serves is public."
        yield "DIALTONE_MEDIA_PUBLIC_URL", text, ""
    if settings.library_visibility is LibraryVisibility.ALL:
        yield "DIALTONE_LIBRARY_VISIBILITY", "Must be owner if DIALTONE_MEDIA_ACCESS=private."


def _used_providers(settings: Settings) -> list[Provider]:
    """Return the shipped providers that send messages, or place and answer calls."""
    return [provider for provider in PROVIDERS if provider in (*settings.sms, settings.voice)]


def _check_providers(settings: Settings) -> Iterator[Problem]:
    for provider in _used_providers(settings):
        for name in provider.required:
            if not settings.is_set(name):
                text = f"Must be set if DIALTONE_SMS or DIALTONE_VOICE names {provider.name}."
                yield name, text


def _check_senders(settings: Settings) -> Iterator[Problem]:
    for provider in PROVIDERS:
        if not provider.senders or provider not in settings.sms:
            continue
        chosen = [name for name in provider.senders if settings.is_set(name)]
        if not chosen:
            first, others = provider.senders[0], " or ".join(provider.senders[1:])
            yield (
                first,
                f"This or {others} must be set if DIALTONE_SMS contains {provider.name}.",
            )
        elif len(chosen) > 1:
            for name in chosen:
                others = " and ".join(other for other in chosen if other != name)
                yield name, f"Must not be set together with {others}.", ""


def _check_hook_secrets(settings: Settings) -> Iterator[Problem]:
    if settings.sms_hooks and not settings.is_set("DIALTONE_SMS_HOOK_SECRET"):
        yield "DIALTONE_SMS_HOOK_SECRET", "Must be set if DIALTONE_SMS contains the URL of a hook."
    if settings.event_hooks and not settings.is_set("DIALTONE_EVENTS_SECRET"):
        yield "DIALTONE_EVENTS_SECRET", "Must be set if DIALTONE_EVENTS contains a URL."
    if settings.journal_hooks and not settings.is_set("DIALTONE_JOURNAL_SECRET"):
        yield "DIALTONE_JOURNAL_SECRET", "Must be set if DIALTONE_JOURNAL is a URL."


def _check_siteverify(settings: Settings) -> Iterator[Problem]:
    if settings.attestation is not AttestationType.SITEVERIFY:
        return
    for name in _SITEVERIFY:
        if not settings.is_set(name):
            yield name, "Must be set if DIALTONE_ATTESTATION is siteverify."
    if not settings.attestation_hostnames:
        yield (
            "DIALTONE_ATTESTATION_HOSTNAMES",
            "Must be set if DIALTONE_ATTESTATION is siteverify, and neither DIALTONE_WEB_ORIGINS "
            "nor DIALTONE_PUBLIC_URL is set.",
        )


def _check_console(settings: Settings) -> Iterator[Problem]:
    if not settings.has_console:
        return
    name, parts = "DIALTONE_PUBLIC_URL", urlsplit(settings.public_url)
    if parts.scheme != "https" and parts.hostname not in LOOPBACK_HOSTS:
        yield name, "Must begin with https:// if DIALTONE_WEB_CONSOLE=yes: it has a secure cookie."
    if parts.path.strip("/"):
        yield name, "Must have no path if DIALTONE_WEB_CONSOLE=yes: the pages are at /console."


def _check_countries(settings: Settings) -> Iterator[Problem]:
    costs_money = settings.has_phone_line or not all(map(prints_codes, settings.sms))
    if costs_money and settings.countries is None:
        yield "DIALTONE_COUNTRIES", "Must be set if a provider of messages or calls costs money."


def _check_phone_line(settings: Settings) -> Iterator[Problem]:
    if settings.voice is None:
        return
    if not settings.is_set("DIALTONE_PUBLIC_URL"):
        text = "Must be set if there is a phone line: the provider sends requests here."
        yield "DIALTONE_PUBLIC_URL", text
    if isinstance(settings.voice, PhoneProvider) and not settings.caller_id:
        text = f"Must be set if DIALTONE_VOICE is {settings.voice.name}: calls come from it."
        yield settings.voice.caller_id_variable, text


def _check_test_otps(settings: Settings) -> Iterator[Problem]:
    length = settings.otp_length
    if any(len(otp.code.digits) != length for otp in settings.test_otps.value.otps):
        yield "DIALTONE_TEST_OTPS", f"Each code must have {length} digits (DIALTONE_OTP_LENGTH)."


def _check_metrics_port(settings: Settings) -> Iterator[Problem]:
    # One address could be part of the other, and the kernel would not say so.
    if settings.metrics_bind is not None and settings.metrics_bind.port == settings.bind.port:
        yield "DIALTONE_METRICS_BIND", "Must have another port than DIALTONE_BIND."


def _check_retention(settings: Settings) -> Iterator[Problem]:
    if settings.recording_retention > settings.call_retention:
        text = "Must not be longer than DIALTONE_CALL_RETENTION."
        hours = settings.call_retention // timedelta(hours=1)
        yield "DIALTONE_RECORDING_RETENTION", text, f"{hours}h"


def _check_public_url(settings: Settings) -> Iterator[Problem]:
    if not settings.is_set("DIALTONE_PUBLIC_URL"):
        yield "DIALTONE_PUBLIC_URL", "Must be set in production."
    elif not settings.public_url.startswith("https://"):
        yield "DIALTONE_PUBLIC_URL", "Must begin with https:// in production."


def _check_secrets_file(settings: Settings) -> Iterator[Problem]:
    name, command = "DIALTONE_SECRETS_FILE", "Production generates no keys: run `dialtone keys"
    if settings.is_set("DIALTONE_SECRETS"):
        return
    if not settings.is_set(name):
        yield name, f"Must be set in production. {command} generate FILE`."
        return
    with suppress(OSError):  # reading the file reports it
        if not settings.secrets_file.exists():
            yield name, f"There is no such file. {command} generate {settings.secrets_file}`."


def _check_real_messages(settings: Settings) -> Iterator[Problem]:
    real = ", ".join(known.name for known in PROVIDERS if not known.prints_codes)
    for provider in settings.sms:
        if isinstance(provider, Provider) and provider.prints_codes:
            yield (
                "DIALTONE_SMS",
                f"Must be {real}, the https:// URL of a hook or package.module:factory in "
                f"production: {provider.name} prints codes.",
            )


def _check_hooks(settings: Settings) -> Iterator[Problem]:
    for name, hooks in (
        ("DIALTONE_SMS", settings.sms_hooks),
        ("DIALTONE_EVENTS", settings.event_hooks),
        ("DIALTONE_JOURNAL", settings.journal_hooks),
    ):
        if any(urlsplit(hook.url).scheme == "http" for hook in hooks):
            yield name, "The URL of a hook must begin with https:// in production."


def _check_siteverify_url(settings: Settings) -> Iterator[Problem]:
    is_used = settings.attestation is AttestationType.SITEVERIFY
    if is_used and urlsplit(settings.attestation_url).scheme == "http":
        yield "DIALTONE_ATTESTATION_URL", "Must begin with https:// in production."


def _check_named_countries(settings: Settings) -> Iterator[Problem]:
    if settings.countries in (None, ALL_COUNTRIES):
        yield "DIALTONE_COUNTRIES", "Must name countries in production."


def _check_proxies(settings: Settings) -> Iterator[Problem]:
    if not settings.is_set("DIALTONE_TRUSTED_PROXIES"):
        yield (
            "DIALTONE_TRUSTED_PROXIES",
            "Must be set in production: to the networks of your proxies, or to none if clients "
            "connect directly. Behind an unknown proxy all clients would share one IP.",
        )


def _check_last_days(settings: Settings) -> Iterator[Problem]:
    latest = datetime.now(UTC) + timedelta(days=367)
    ends = [otp.expires_at for otp in settings.test_otps.value.otps]
    if not all(end is not None and end <= latest for end in ends):
        yield "DIALTONE_TEST_OTPS", "Must have a last day in production, at most a year ahead."


def _check_api_bases(settings: Settings) -> Iterator[Problem]:
    # Each request has a secret of the account: plain http must stay on this machine.
    for provider in _used_providers(settings):
        if not provider.api_base:
            continue
        url = urlsplit(getattr(settings, FIELDS[provider.api_base][0]) or "")
        if url.scheme == "http" and url.hostname not in ("localhost", "127.0.0.1", "::1"):
            text = "Must begin with https:// in production, except for this machine."
            yield provider.api_base, text


def _check_s3_url(settings: Settings) -> Iterator[Problem]:
    # A request has a signature and never the key: plain http may stay in a private network, where
    # the S3 server often runs beside the service.
    #
    # The drivers of databases prove the password without sending it, and a URL does not say whether
    # the network to its hosts is private: that is up to the operator.
    url = urlsplit(settings.s3_endpoint or "")
    is_public = url.scheme == "http" and not _is_private(url.hostname or "")
    if isinstance(settings.media, S3Bucket) and is_public:
        text = "Must begin with https:// in production, except in private networks."
        yield "DIALTONE_S3_ENDPOINT", text


def _check_hosts(settings: Settings) -> Iterator[Problem]:
    if settings.is_single_host:
        return
    text = "{} is on one host only. Use {}, or set DIALTONE_SINGLE_HOST=yes."
    if isinstance(getattr(settings, "database", None), SqliteDatabase):
        yield (
            "DIALTONE_DATABASE",
            text.format("SQLite", "postgresql://host/name or mongodb://host/name"),
        )
    if isinstance(settings.media, MediaFolder):
        yield "DIALTONE_MEDIA", text.format("A folder", "s3://bucket/prefix")


def _is_private(host: str) -> bool:
    try:
        return not ip_address(host).is_global
    except ValueError:
        return _PRIVATE_NAME.fullmatch(host) is not None


_RULES: Final = (
    *(_check_keys, _check_bucket, _check_variants, _check_private_media, _check_providers),
    *(_check_senders, _check_countries, _check_phone_line, _check_test_otps, _check_retention),
    *(_check_metrics_port, _check_hook_secrets, _check_siteverify, _check_console),
)
_PRODUCTION_RULES: Final = (
    *(_check_public_url, _check_secrets_file, _check_real_messages, _check_named_countries),
    *(_check_proxies, _check_last_days, _check_api_bases, _check_s3_url, _check_hosts),
    *(_check_hooks, _check_siteverify_url),
)
