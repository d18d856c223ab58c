"""What is checked of all settings: rules between them, and what production rejects."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from domain.countries import ALL_COUNTRIES
from domain.otp.delivery_policy import Channels
from domain.otp.fixed_codes import FixedCodes
from entrypoints.composition.features import FEATURES
from entrypoints.composition.settings import FIELDS
from entrypoints.settings.adapter_parsers import ALL_OTHERS, LOOPBACK_HOSTS
from entrypoints.settings.declaration import call_with, check_names, parameters_of
from entrypoints.settings.providers import Provider, prints_codes
from entrypoints.settings.readers import example_of_fixed_code
from entrypoints.settings.rules import ONE_HOST_ONLY, Problem, Rule
from entrypoints.settings.settings import Settings
from entrypoints.settings.startup_error import SettingsError
from entrypoints.settings.values import (
    Bind,
    DatabaseLocation,
    Factory,
    HttpHook,
    Secret,
    SqliteLocation,
)

_IsSet = Callable[[str], bool]
_Providers = Sequence[Provider | Factory | HttpHook]


def unused_variables(values: Mapping[str, str]) -> frozenset[str]:
    """Return the variables of unused vendors. They are not checked: other programs read them."""
    named = _named(values)
    return frozenset(
        name for name, field in FIELDS.items() if field.vendor and field.vendor not in named
    )


def _named(texts: Mapping[str, str]) -> Mapping[str, Sequence[str]]:
    """Return the names in the texts of settings that name providers, with the variables of each."""
    named = defaultdict[str, list[str]](list)
    for variable, field in FIELDS.items():
        for part in texts.get(variable, field.default).split(",") if field.names else ():
            # The name in `s3://bucket` is s3.
            named[part.partition("://")[0].strip().lower()].append(variable)
    return named


def find_problems(settings: Settings, valid: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield the problems that rules find; a rule about something that is not known finds none.

    `settings` has empty values in the place of those that are not `valid`.

    Raises:
        SettingsError: A rule or a check of files names an unknown field.
    """
    known = {
        **valid,
        "is_set": settings.is_set,
        "is_production": settings.is_production,
        "texts": settings.variables.values,
        "valid": {name: valid[each.field] for name, each in FIELDS.items() if each.field in valid},
        "providers": settings.providers,
    }
    if all(each.field in valid for each in FIELDS.values() if each.names == "providers"):
        known["provided_channels"] = settings.provided_channels
    names = {*(each.field for each in FIELDS.values()), *known, "provided_channels"}
    for feature in FEATURES:
        check_names(feature.name, {*feature.files_read}, names)
    of_features = [rule for feature in FEATURES for rule in feature.rules]
    for rule in (*of_features, *_RULES, *(_PRODUCTION_RULES if settings.is_production else ())):
        place = f"{rule.__module__}.{rule.__name__}"
        check_names(place, parameters_of(rule), names)
        for problem in call_with(rule, known) or ():
            if problem.variable not in FIELDS:
                raise SettingsError(f"{place} names {problem.variable}, which is no setting.")
            yield problem


def _check_keys(is_set: _IsSet) -> Iterator[Problem]:
    if is_set("DIALTONE_SECRETS") and is_set("DIALTONE_SECRETS_FILE"):
        text = "Must not be set together with DIALTONE_SECRETS_FILE."
        yield Problem("DIALTONE_SECRETS", text, example="")


def _check_providers(
    providers: _Providers, texts: Mapping[str, str], is_set: _IsSet
) -> Iterator[Problem]:
    for provider in providers:
        if isinstance(provider, Provider):
            variables = " or ".join(_named(texts)[provider.name])
            for name in provider.required:
                if not is_set(name):
                    yield Problem(name, f"Must be set if {variables} names {provider.name}.")


def _check_senders(sms: _Providers, is_set: _IsSet) -> Iterator[Problem]:
    for provider in sms:
        if not isinstance(provider, Provider) or not provider.senders:
            continue
        chosen = [name for name in provider.senders if is_set(name)]
        if not chosen:
            first, either = provider.senders[0], " or ".join(["This", *provider.senders[1:]])
            yield Problem(first, f"{either} must be set if DIALTONE_SMS contains {provider.name}.")
        elif len(chosen) > 1:
            for name in chosen:
                others = " and ".join(other for other in chosen if other != name)
                yield Problem(name, f"Must not be set together with {others}.", example="")


def _each(valid: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for variable, value in valid.items():
        for each in value if isinstance(value, tuple) else (value,):
            yield variable, each


def _check_hook_secrets(valid: Mapping[str, Any], is_set: _IsSet) -> Iterator[Problem]:
    for variable, value in _each(valid):
        secret = FIELDS[variable].signed_with
        if isinstance(value, HttpHook) and secret and not is_set(secret):
            yield Problem(secret, f"Must be set if {variable} has the URL of a hook.")


def _check_countries(providers: _Providers, countries: frozenset[str] | None) -> Iterator[Problem]:
    if not all(map(prints_codes, providers)) and countries is None:
        yield Problem("DIALTONE_COUNTRIES", "Must be set if a provider costs money.")


def _check_country_of_channels(
    channels: Sequence[tuple[str, Channels]], countries: frozenset[str] | None
) -> Iterator[Problem]:
    for country, _ in channels:
        if country != ALL_OTHERS and countries is not None and country not in countries:
            yield Problem(
                "DIALTONE_CHANNELS",
                f"{country} is not in DIALTONE_COUNTRIES: add it there, or take it out here.",
            )


def _check_provider_of_channels(
    channels: Sequence[tuple[str, Channels]], provided_channels: Channels
) -> Iterator[Problem]:
    for country, named in channels:
        for channel in named:
            if channel not in provided_channels:
                yield Problem(
                    "DIALTONE_CHANNELS",
                    f"{country} has {channel}, which has no provider: set "
                    f"DIALTONE_{channel.upper()}, or take {channel} out here.",
                )


def _check_fixed_codes(test_otps: Secret[FixedCodes], otp_length: int) -> Iterator[Problem]:
    if any(len(fixed.code.digits) != otp_length for fixed in test_otps.value.all):
        text = f"Each code must have {otp_length} digits (DIALTONE_OTP_LENGTH)."
        yield Problem("DIALTONE_TEST_OTPS", text, example=example_of_fixed_code(otp_length))


def _check_metrics_port(metrics_bind: Bind | None, bind: Bind) -> Iterator[Problem]:
    # If one address includes the other, the kernel reports no conflict.
    if metrics_bind is not None and metrics_bind.port == bind.port:
        yield Problem("DIALTONE_METRICS_BIND", "Must have another port than DIALTONE_BIND.")


def _check_public_url(public_url: str, is_set: _IsSet) -> Iterator[Problem]:
    if is_set("DIALTONE_PUBLIC_URL") and not public_url.startswith("https://"):
        yield Problem("DIALTONE_PUBLIC_URL", "Must begin with https:// in production.")


def _check_issuer(token_issuer: str, is_set: _IsSet) -> Iterator[Problem]:
    # RFC 8414 §2. By default it is the public URL, which has a rule of its own.
    if is_set("DIALTONE_TOKEN_ISSUER") and token_issuer.startswith("http:"):
        yield Problem("DIALTONE_TOKEN_ISSUER", "A URL must begin with https:// in production.")


def _check_secrets_file(secrets_file: Path, is_set: _IsSet) -> Iterator[Problem]:
    name, command = "DIALTONE_SECRETS_FILE", "Production generates no keys: run `dialtone keys"
    if is_set("DIALTONE_SECRETS"):
        return
    if not is_set(name):
        yield Problem(name, f"Must be set in production. {command} generate FILE`.")
        return
    with suppress(OSError):  # reading the file reports it
        if not secrets_file.exists():
            text = f"There is no such file. {command} generate {secrets_file}`."
            yield Problem(name, text)


def _check_real_messages(valid: Mapping[str, Any]) -> Iterator[Problem]:
    for variable, provider in _each(valid):
        if prints_codes(provider):
            text = f"{provider.name} prints codes."
            yield Problem(
                variable,
                f"Must name a real provider or package.module:factory in production: {text}",
            )


def _check_hooks(valid: Mapping[str, Any]) -> Iterator[Problem]:
    for variable, value in _each(valid):
        if isinstance(value, HttpHook) and value.name.startswith("http:"):
            yield Problem(variable, "The URL of a hook must begin with https:// in production.")


def _check_named_countries(countries: frozenset[str] | None) -> Iterator[Problem]:
    if countries in (None, ALL_COUNTRIES):
        yield Problem("DIALTONE_COUNTRIES", "Must name countries in production.")


def _check_set_in_production(is_set: _IsSet) -> Iterator[Problem]:
    if not is_set("DIALTONE_PUBLIC_URL"):
        yield Problem("DIALTONE_PUBLIC_URL", "Must be set in production.")
    if not is_set("DIALTONE_TRUSTED_PROXIES"):
        yield Problem(
            "DIALTONE_TRUSTED_PROXIES",
            "Must be set in production: to the networks of your proxies, or to none if clients "
            "connect directly. Behind an unknown proxy all clients would share one IP.",
        )


def _check_last_days(test_otps: Secret[FixedCodes]) -> Iterator[Problem]:
    latest = datetime.now(UTC) + timedelta(days=367)
    for fixed in test_otps.value.all:
        if fixed.expires_at is None or fixed.expires_at > latest:
            text = "Must have a last day in production, at most a year ahead."
            example = example_of_fixed_code(len(fixed.code.digits))
            yield Problem("DIALTONE_TEST_OTPS", text, example)
            return


def _check_api_bases(providers: _Providers, valid: Mapping[str, Any]) -> Iterator[Problem]:
    # Each request has a secret of the account: plain http must stay on this machine.
    #
    # The drivers of databases prove the password without sending it, and a URL does not say whether
    # the network to its hosts is private: that is up to the operator.
    for provider in providers:
        if isinstance(provider, Provider) and provider.api_base:
            parts = urlsplit(valid.get(provider.api_base) or "")
            if parts.scheme == "http" and parts.hostname not in LOOPBACK_HOSTS:
                text = "Must begin with https:// in production, except for this machine."
                yield Problem(provider.api_base, text)


def _check_hosts(database: DatabaseLocation, is_single_host: bool) -> Iterator[Problem]:
    if isinstance(database, SqliteLocation) and not is_single_host:
        others = "postgresql://host/name or mongodb://host/name"
        yield Problem("DIALTONE_DATABASE", ONE_HOST_ONLY.format("SQLite", others))


_RULES: Final[Sequence[Rule]] = (
    _check_keys,
    _check_providers,
    _check_senders,
    _check_countries,
    _check_country_of_channels,
    _check_provider_of_channels,
    _check_fixed_codes,
    _check_metrics_port,
    _check_hook_secrets,
)
_PRODUCTION_RULES: Final[Sequence[Rule]] = (
    _check_set_in_production,
    _check_public_url,
    _check_issuer,
    _check_secrets_file,
    _check_real_messages,
    _check_named_countries,
    _check_last_days,
    _check_api_bases,
    _check_hosts,
    _check_hooks,
)
