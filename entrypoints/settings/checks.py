"""What is checked of all settings: rules between them, and what production rejects.

The checks of a feature are in its module.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final, TypeAlias
from urllib.parse import urlsplit

from domain.countries import ALL_COUNTRIES
from domain.otp.rate_limits import STRANGERS_PERCENT
from entrypoints.features import FEATURES
from entrypoints.opening.providers import Provider, prints_codes
from entrypoints.settings.adapter_parsers import LOOPBACK_HOSTS
from entrypoints.settings.channel_parsers import ALL_OTHERS
from entrypoints.settings.composition import FIELDS
from entrypoints.settings.rules import ONE_HOST_ONLY, FileCheck, Findings, Problem
from entrypoints.settings.settings import Settings
from entrypoints.settings.values import HttpHook, SqliteLocation


def unused_variables(values: Mapping[str, str]) -> frozenset[str]:
    """Return the vendors' variables that these values do not use.

    Other programs read them too, so their values are not checked.
    """
    texts = [values.get(name, "") for name, (_, field) in FIELDS.items() if field.names_vendors]
    # Of `s3://bucket` it is s3.
    vendors = {part.partition("://")[0].strip().lower() for part in ",".join(texts).split(",")}
    return frozenset(
        name
        for name, (_, declaration) in FIELDS.items()
        if declaration.vendor and declaration.vendor not in vendors
    )


def check_all(settings: Settings) -> Findings:
    """Return what is found about the core and all features."""
    of_features = [findings for feature in FEATURES for findings in feature.check(settings)]
    rules = (*_RULES, *(_PRODUCTION_RULES if settings.is_production else ()))
    templates = FileCheck(partial(_check_templates, settings))
    return [[templates], *of_features, *(rule(settings) for rule in rules)]


def _check_templates(settings: Settings) -> Sequence[str]:
    from entrypoints.opening.operator_files import load_sms_templates

    unused = load_sms_templates(settings).unused_tables
    return [f"{table}. The table is not used: remove it." for table in unused]


def _check_keys(settings: Settings) -> Iterator[Problem]:
    if settings.is_set("DIALTONE_SECRETS") and settings.is_set("DIALTONE_SECRETS_FILE"):
        text = "Must not be set together with DIALTONE_SECRETS_FILE."
        yield Problem("DIALTONE_SECRETS", text, example="")


def _check_providers(settings: Settings) -> Iterator[Problem]:
    values = settings.variables.values
    for provider in settings.providers:
        if isinstance(provider, Provider):
            variables = " or ".join(
                variable
                for variable, (_, declaration) in FIELDS.items()
                if declaration.names_vendors and provider.name in values.get(variable, "").lower()
            )
            for name in provider.required:
                if not settings.is_set(name):
                    yield Problem(name, f"Must be set if {variables} names {provider.name}.")


def _check_senders(settings: Settings) -> Iterator[Problem]:
    for provider in settings.sms:
        if not isinstance(provider, Provider) or not provider.senders:
            continue
        chosen = [name for name in provider.senders if settings.is_set(name)]
        if not chosen:
            first, either = provider.senders[0], " or ".join(["This", *provider.senders[1:]])
            yield Problem(first, f"{either} must be set if DIALTONE_SMS contains {provider.name}.")
        elif len(chosen) > 1:
            for name in chosen:
                others = " and ".join(other for other in chosen if other != name)
                yield Problem(name, f"Must not be set together with {others}.", example="")


def _find_values(settings: Settings) -> Iterator[tuple[str, Any]]:
    """Yield each value that is valid, also those of lists, with its variable."""
    for variable, (name, _) in FIELDS.items():
        value = getattr(settings, name, None)
        for each in value if isinstance(value, tuple) else (value,):
            yield variable, each


def _check_hook_secrets(settings: Settings) -> Iterator[Problem]:
    for variable, value in _find_values(settings):
        secret = FIELDS[variable][1].signed_with
        if isinstance(value, HttpHook) and not settings.is_set(secret):
            yield Problem(secret, f"Must be set if {variable} has the URL of a hook.")


def _check_countries(settings: Settings) -> Iterator[Problem]:
    if not all(map(prints_codes, settings.providers)) and settings.countries is None:
        yield Problem("DIALTONE_COUNTRIES", "Must be set if a provider costs money.")


def _check_channels(settings: Settings) -> Iterator[Problem]:
    for country, channels in settings.channels:
        is_served = settings.countries is None or country in settings.countries
        if country != ALL_OTHERS and not is_served:
            yield Problem(
                "DIALTONE_CHANNELS",
                f"{country} is not in DIALTONE_COUNTRIES: add it there, or take it out here.",
            )
        for channel in channels:
            if channel not in settings.provided_channels:
                yield Problem(
                    "DIALTONE_CHANNELS",
                    f"{country} has {channel}, which has no provider: set "
                    f"DIALTONE_{channel.upper()}, or take {channel} out here.",
                )


def _check_test_otps(settings: Settings) -> Iterator[Problem]:
    length = settings.otp_length
    if any(len(otp.code.digits) != length for otp in settings.test_otps.value.otps):
        text = f"Each code must have {length} digits (DIALTONE_OTP_LENGTH)."
        yield Problem("DIALTONE_TEST_OTPS", text)


def _check_metrics_port(settings: Settings) -> Iterator[Problem]:
    # One address could be part of the other, and the kernel would not say so.
    if settings.metrics_bind is not None and settings.metrics_bind.port == settings.bind.port:
        yield Problem("DIALTONE_METRICS_BIND", "Must have another port than DIALTONE_BIND.")


def _check_public_url(settings: Settings) -> Iterator[Problem]:
    if not settings.is_set("DIALTONE_PUBLIC_URL"):
        yield Problem("DIALTONE_PUBLIC_URL", "Must be set in production.")
    elif not settings.public_url.startswith("https://"):
        yield Problem("DIALTONE_PUBLIC_URL", "Must begin with https:// in production.")


def _check_issuer(settings: Settings) -> Iterator[Problem]:
    # RFC 8414 §2. By default it is the public URL, which has a rule of its own.
    if settings.is_set("DIALTONE_TOKEN_ISSUER") and settings.token_issuer.startswith("http:"):
        yield Problem("DIALTONE_TOKEN_ISSUER", "A URL must begin with https:// in production.")


def _check_secrets_file(settings: Settings) -> Iterator[Problem]:
    name, command = "DIALTONE_SECRETS_FILE", "Production generates no keys: run `dialtone keys"
    if settings.is_set("DIALTONE_SECRETS"):
        return
    if not settings.is_set(name):
        yield Problem(name, f"Must be set in production. {command} generate FILE`.")
        return
    with suppress(OSError):  # reading the file reports it
        if not settings.secrets_file.exists():
            text = f"There is no such file. {command} generate {settings.secrets_file}`."
            yield Problem(name, text)


def _check_real_messages(settings: Settings) -> Iterator[Problem]:
    for variable, provider in _find_values(settings):
        if prints_codes(provider):
            text = f"{provider.name} prints codes."
            yield Problem(
                variable,
                f"Must name a real provider or package.module:factory in production: {text}",
            )


def _check_hooks(settings: Settings) -> Iterator[Problem]:
    for variable, value in _find_values(settings):
        if isinstance(value, HttpHook) and value.name.startswith("http:"):
            yield Problem(variable, "The URL of a hook must begin with https:// in production.")


def _check_named_countries(settings: Settings) -> Iterator[Problem]:
    if settings.countries in (None, ALL_COUNTRIES):
        yield Problem("DIALTONE_COUNTRIES", "Must name countries in production.")


def _check_proxies(settings: Settings) -> Iterator[Problem]:
    if not settings.is_set("DIALTONE_TRUSTED_PROXIES"):
        yield Problem(
            "DIALTONE_TRUSTED_PROXIES",
            "Must be set in production: to the networks of your proxies, or to none if clients "
            "connect directly. Behind an unknown proxy all clients would share one IP.",
        )


def _check_last_days(settings: Settings) -> Iterator[Problem]:
    latest = datetime.now(UTC) + timedelta(days=367)
    ends = [otp.expires_at for otp in settings.test_otps.value.otps]
    if not all(end is not None and end <= latest for end in ends):
        text = "Must have a last day in production, at most a year ahead."
        yield Problem("DIALTONE_TEST_OTPS", text)


def _check_api_bases(settings: Settings) -> Iterator[Problem]:
    # Each request has a secret of the account: plain http must stay on this machine.
    #
    # The drivers of databases prove the password without sending it, and a URL does not say whether
    # the network to its hosts is private: that is up to the operator.
    for provider in settings.providers:
        if isinstance(provider, Provider) and provider.api_base:
            # Vendors' variables have no prefix, so the field has the same name.
            parts = urlsplit(getattr(settings, provider.api_base.lower()) or "")
            if parts.scheme == "http" and parts.hostname not in LOOPBACK_HOSTS:
                text = "Must begin with https:// in production, except for this machine."
                yield Problem(provider.api_base, text)


def _check_hosts(settings: Settings) -> Iterator[Problem]:
    if isinstance(settings.database, SqliteLocation) and not settings.is_single_host:
        others = "postgresql://host/name or mongodb://host/name"
        yield Problem("DIALTONE_DATABASE", ONE_HOST_ONLY.format("SQLite", others))


_Rule: TypeAlias = Callable[[Settings], Iterator[Problem] | Iterator[FileCheck]]


def _check_limits_of_a_day(settings: Settings) -> Iterator[FileCheck]:
    yield FileCheck(partial(_note_on_limits_of_a_day, settings))


def _note_on_limits_of_a_day(settings: Settings) -> Iterator[str]:
    """Note where a flood of strangers, which its hours end, uses up the day of everybody."""
    factor = settings.sms_limit_all_factor
    for name in ("sms_limit_per_country", "sms_limit_total"):
        limit, day = getattr(settings, name)
        if day is None:
            continue
        flood = limit.limit * STRANGERS_PERCENT * (day.period / limit.period) / 100
        if day.limit * factor < flood:
            yield (
                f"DIALTONE_{name.upper()}: {day.limit}/1d, times DIALTONE_SMS_LIMIT_ALL_FACTOR, is "
                f"less than the {flood:g} messages of a flood of strangers in a day, which then "
                "stops known customers too. Raise it or the factor."
            )


_RULES: Final[Sequence[_Rule]] = (
    _check_keys,
    _check_providers,
    _check_senders,
    _check_countries,
    _check_channels,
    _check_test_otps,
    _check_metrics_port,
    _check_hook_secrets,
    _check_limits_of_a_day,
)
_PRODUCTION_RULES: Final[Sequence[_Rule]] = (
    _check_public_url,
    _check_issuer,
    _check_secrets_file,
    _check_real_messages,
    _check_named_countries,
    _check_proxies,
    _check_last_days,
    _check_api_bases,
    _check_hosts,
    _check_hooks,
)
