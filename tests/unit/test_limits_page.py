"""docs/limits.md has each limit of the code once, with its name, its value and its setting."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import timedelta
from importlib import import_module
from itertools import product
from pkgutil import walk_packages
from typing import Any, Final, NamedTuple

import pytest

import application.limits
import domain
from adapters.hooks.login_hook import http_login_hook
from domain.administration.scope import (
    ACTS_OF_PERSON_IN_DAY,
    ACTS_OF_PERSON_IN_HOUR,
    ACTS_OF_TOKEN_IN_DAY,
    ACTS_OF_TOKEN_IN_HOUR,
    PHONE_CHANGES_PER_TOKEN,
    PHONES_PER_TOKEN,
)
from domain.features.admin.service_token import REQUESTS_PER_TOKEN
from domain.features.voice.call_limits import CallLimits
from domain.otp.client_ip import HashedClientIp
from domain.otp.delivery import Channel
from domain.otp.permits import Recognition
from domain.otp.rate_limits import (
    RECOGNIZED_PERCENT,
    RESERVE_PERCENT,
    DeliveryRoute,
    LimitPurpose,
    RateLimit,
    RateLimits,
    for_phone_change,
    name_limit,
)
from domain.otp.sliding_window import SlidingWindow
from entrypoints.features.voice import feature as voice
from entrypoints.http.app import make_error_table
from entrypoints.settings.composition import FIELDS
from entrypoints.settings.declaration import LIMIT_PROFILES
from entrypoints.settings.read import read_settings
from tests.support.builders import NOW
from tests.support.http_settings import make_http_settings, make_plugins
from tests.support.markdown import codes, page, rows

PROFILES: Final = [read_settings({"DIALTONE_LIMITS": name}, None) for name in LIMIT_PROFILES]
_VALUE: Final = re.compile(r"`(\d[\w/,]*)`")
_RESPONSE: Final = re.compile(r"(\d{3}) `(\w+)`")
_UNITS: Final = {
    timedelta(days=1): "1d",
    timedelta(hours=1): "1h",
    timedelta(minutes=15): "15m",
    timedelta(minutes=1): "1m",
}


class Row(NamedTuple):
    """A row of the page. Rows of the limit store have names, and what is counted for each."""

    limit: str
    names: list[str]
    values: list[str]
    setting: str
    responses: list[tuple[str, str]]


def _read_rows() -> Iterator[Row]:
    for cells in rows(page("docs/limits.md").partition("## All limits")[2]):
        limit, *names, values, setting, above = cells
        counted = [name for cell in names for name in codes(cell)]
        yield Row(limit, counted, _VALUE.findall(values), setting, _RESPONSE.findall(above))


ROWS: Final = [*_read_rows()]


def _limits_of_code() -> Iterator[RateLimit]:
    limits, calls = RateLimits(has_attested_part=True), CallLimits()
    client_ip = HashedClientIp("ab", "cd", is_ipv6=True)
    route = DeliveryRoute(client_ip, "IN", "ef", "gh")
    for recognition in Recognition:
        yield from limits.reserve_delivery(NOW, route, recognition, Channel.VOICE).all_limits
    yield from limits.reserve_callback(NOW, "IN", "ef").all_limits
    yield from limits.for_attestation(client_ip)
    yield from limits.for_verification(client_ip)
    yield from limits.for_failed_attempt(client_ip, "IN")
    yield from limits.for_leaving_message("gh", "IN")
    yield from for_phone_change("an identity")
    for phone_key, is_verified in product(("gh", None), (True, False)):
        yield from calls.reserve_inbound_call(NOW, phone_key, is_verified=is_verified).all_limits
        yield from calls.reserve_line_operator_call(
            NOW, phone_key, timedelta(hours=1), is_verified=is_verified
        ).all_limits
    for name, window in (
        ("requests", REQUESTS_PER_TOKEN),
        ("full_numbers", PHONES_PER_TOKEN),
        ("phone_changes", PHONE_CHANGES_PER_TOKEN),
    ):
        yield RateLimit("token:1", LimitPurpose.READS, name, window)
    for subject, in_hour, in_day in (
        ("identity:1", ACTS_OF_PERSON_IN_HOUR, ACTS_OF_PERSON_IN_DAY),
        ("token:1", ACTS_OF_TOKEN_IN_HOUR, ACTS_OF_TOKEN_IN_DAY),
    ):
        yield RateLimit(subject, LimitPurpose.ACTS, "in_hour", in_hour)
        yield RateLimit(subject, LimitPurpose.ACTS, "in_day", in_day)


def _counted(limit: RateLimit) -> tuple[str, str]:
    """Return the name of a limit and what is counted, without the part unless it is a phone's."""
    window = limit.name if limit.subject_kind == "phone" else limit.name.partition(":")[0]
    return name_limit(limit).limit, f"{limit.purpose}:{window}"


def test_the_sizing_page_has_the_logins_that_each_profile_allows() -> None:
    names = ("DIALTONE_SMS_LIMIT_PER_COUNTRY", "DIALTONE_SMS_LIMIT_TOTAL")
    highest = dict.fromkeys(names, "500000/1h")
    section = page("docs/sizing.md").partition("## Sign-ins a second")[2].partition("\n## ")[0]
    shown = [[float(cell.replace(",", "")) for cell in cells[1:]] for cells in rows(section)]

    policies = [
        settings.otp_policy(are_messages_reported=True).rate_limits
        for settings in (*PROFILES, read_settings(highest, None))
    ]
    calculated = [
        [percent / 100 * limits.all_deliveries[index].limit / 3600 for limits in policies]
        for index in (0, 1)
        for percent in (100 - RECOGNIZED_PERCENT - RESERVE_PERCENT, 100)
    ]
    assert shown == [[pytest.approx(value, rel=0.05) for value in line] for line in calculated]


def test_each_limit_of_the_limit_store_has_one_row() -> None:
    named = Counter((row.names[0], counted) for row in ROWS for counted in row.names[1:])

    assert named == Counter({_counted(limit) for limit in _limits_of_code()})


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.limit)
def test_a_row_has_the_value_of_its_setting_or_constant(row: Row) -> None:
    [named] = codes(row.setting)
    if row.setting.startswith("fixed: "):
        constant = CONSTANTS[named]
        by_profile = isinstance(constant, Mapping)
        values = [*map(_show, constant.values())] if by_profile else [_show(constant)]
        assert row.values in ([], values)
        return
    _, declaration = FIELDS[named]
    in_profiles = [declaration.default_text(settings) for settings in PROFILES]
    values = [*dict.fromkeys(in_profiles)] if len(set(in_profiles)) == 1 else in_profiles
    assert row.values in ([], values)


def test_a_response_is_one_of_the_api() -> None:
    known = {
        (str(row.status), str(row.code))
        for row in make_error_table(make_plugins(make_http_settings())).rows.values()
    }
    assert {response for row in ROWS for response in row.responses} <= known


def _find_constants() -> Iterator[tuple[str, Any]]:
    """Yield the public constants of the domain, of limits in memory and of the profiles.

    Of several with one name it is the last one.
    """
    packages = [*domain.__path__], [*application.limits.__path__]
    names = [
        module.name
        for path, prefix in zip(packages, ("domain.", "application.limits."), strict=True)
        for module in walk_packages(path, prefix)
    ]
    adapters = ["adapters.security.attestation.siteverify", http_login_hook.__name__]
    profiles = voice.__name__
    for name in [*adapters, *names, "application.features.media.limits", profiles]:
        yield from (item for item in vars(import_module(name)).items() if item[0].isupper())


CONSTANTS: Final = dict(_find_constants())


def _show(value: Any) -> str:
    if _is_window(value):
        windows = value if isinstance(value, tuple) else (value,)
        return ",".join(f"{window.limit}/{_UNITS[window.period]}" for window in windows)
    return str(value)


def test_each_setting_window_and_maximum_in_memory_has_a_row() -> None:
    # Only limits have a default for each profile.
    settings = {name for name, (_, field) in FIELDS.items() if field.default and field.derive}
    windows = {name for name, value in CONSTANTS.items() if _is_window(value)}
    modules = ("limits.request_limits", "limits.file_reads", "features.media.limits")
    in_memory = {
        name
        for module in modules
        for name in vars(import_module(f"application.{module}"))
        if name.startswith("MAX_")
    }

    assert (settings | windows | in_memory) - {codes(row.setting)[0] for row in ROWS} == set()


def _is_window(value: Any) -> bool:
    if isinstance(value, Mapping):
        value = (*value.values(),)
    windows = value if isinstance(value, tuple) else (value,)
    return any(isinstance(window, SlidingWindow) for window in windows)
