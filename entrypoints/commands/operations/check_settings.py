"""`dialtone check-settings`."""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pkgutil import resolve_name
from typing import Final

import click

from adapters.operations.logging import configure_logging
from domain.otp.messages import measure_sms
from entrypoints.commands.operations.checks import check_keys, check_records, connection_checks
from entrypoints.commands.shared.command import Command
from entrypoints.commands.table import OF_FEATURES
from entrypoints.composition.features import FEATURES
from entrypoints.composition.otp import OTP
from entrypoints.composition.read_settings import (
    describe_settings,
    find_exposed_secrets,
    find_unknown,
    list_mistakes,
)
from entrypoints.parts.connection_checks import CheckResult, run_checks
from entrypoints.parts.missing_data import (
    NOT_THERE_YET,
    are_keys_missing,
    hint_at_unset,
    locate_missing_database,
)
from entrypoints.parts.operator_files import load_sms_templates
from entrypoints.settings.env_file import ENV_FILE
from entrypoints.settings.rules import Check
from entrypoints.settings.settings import Settings
from entrypoints.settings.startup_error import CommandError, StartupError
from entrypoints.settings.values import Environment, SqliteLocation

_TRIED: Final = ", ".join(
    ["the keys", "the database", *(each.tried for each in OF_FEATURES.values() if each.tried)]
)


@click.command(
    cls=Command,
    examples=["", "--templates --only de", "--connect"],
    checks_files=True,
    needs_data=False,
)
@click.option("--all", "show_all", is_flag=True, help="Show also those that have their defaults.")
@click.option("--templates", is_flag=True, help="Show the message of each SMS template instead.")
@click.option("--only", metavar="NAME", help="With --templates: only this language or country.")
@click.option(
    "--connect",
    is_flag=True,
    help=f"Try {_TRIED}, the providers and the other parts in the settings instead, and list the "
    "ids of the keys. Changes nothing, sends no message, calls nobody.",
)
def check_settings(
    settings: Settings,
    *,
    show_all: bool,
    templates: bool,
    only: str | None,
    connect: bool,
    **more_checks: Callable[[Settings], Mapping[str, Check]] | None,
) -> Iterator[str]:
    """Check all settings, and show what differs from the defaults, without secrets."""
    if templates:
        yield from _preview_templates(settings, only)
        yield from _notes(settings)
        return
    more = [find_checks for find_checks in more_checks.values() if find_checks]
    results: dict[str, CheckResult] = {}
    if connect or more:
        results = _run_checks(settings, more)
        width = max(map(len, results))
        for name, result in results.items():
            first, *below = result.text.split("\n")
            yield f"{name:<{width}}  {first}"
            yield from (f"{'':<{width}}  {line}" for line in below)
    else:
        yield from _describe(settings, show_all=show_all)
        yield from _list_created(settings)
    yield from list_mistakes(settings.variables)
    if exposed := find_exposed_secrets(settings):
        yield (
            f"Every user of the machine can read {ENV_FILE}, which has the secrets of "
            f"{', '.join(exposed)}. Fix: chmod o-r {ENV_FILE}"
        )
    yield from _notes(settings)
    yield from asyncio.run(check_records(settings))
    failed = sum(not result.is_ok for result in results.values())
    if failed:
        raise CommandError(f"{failed} of {len(results)} parts do not work.")
    if unknown := find_unknown(settings.variables.values):
        raise CommandError(f"These are not settings: {', '.join(unknown)}.")
    if not results:
        asyncio.run(check_keys(settings))  # as a start does
        yield "The settings are valid."


for additions in OF_FEATURES.values():
    check_settings.params += [resolve_name(place) for place in additions.check_options]


def _run_checks(
    settings: Settings, more: Sequence[Callable[[Settings], Mapping[str, Check]]]
) -> dict[str, CheckResult]:

    checks = connection_checks(settings)
    for find_checks in more:
        checks |= find_checks(settings)
    return run_checks(checks, lambda: configure_logging(settings.log_level, settings.log_format))


def _describe(settings: Settings, *, show_all: bool) -> Iterator[str]:

    rows = [row for row in describe_settings(settings) if show_all or not row.is_default]
    width = max((len(row.name) for row in rows), default=0)
    value_width = max((len(row.shown) for row in rows), default=0)
    for row in rows:
        yield f"{row.name:<{width}}  {row.shown:<{value_width}}  {row.origin}"


def _list_created(settings: Settings) -> Iterator[str]:
    """Say what the first start creates. --connect looks at other databases than SQLite."""
    place = None
    if isinstance(settings.database, SqliteLocation):
        with suppress(StartupError):  # --connect says why it cannot be read
            place = locate_missing_database(settings)
    if place is None:
        return
    yield f"DIALTONE_DATABASE: {place} is {NOT_THERE_YET}{hint_at_unset(settings)}."
    if settings.env is not Environment.PRODUCTION and are_keys_missing(settings):
        yield f"DIALTONE_SECRETS_FILE: {settings.secrets_file.absolute()} is {NOT_THERE_YET}."


def _notes(settings: Settings) -> Iterator[str]:

    for openable in (OTP, *FEATURES):
        yield from openable.notes(settings)


def _preview_templates(settings: Settings, only: str | None) -> Iterator[str]:
    """Show each message as it is sent. Own files come first, incomplete countries last."""
    templates = load_sms_templates(settings)
    names = {file.name for file, _, _ in templates.previews()}
    if only is not None and only not in names:
        known = ", ".join(sorted(names))
        raise CommandError(f"--only: there are no templates of that name. There are: {known}.")
    for file, message, preview in templates.previews():
        if only not in (None, file.name):
            continue
        length = measure_sms(preview.text)
        unit = "message" if length.parts == 1 else "messages"
        yield (
            f"{file.location}, {message}, {preview.platform}: "
            f"{length.parts} {unit}, {length.units} units of {length.encoding}"
        )
        yield from (f"    {line}" for line in preview.text.split("\n"))
    for file in templates.incomplete_country_files():
        tables = ", ".join(f"[{table}]" for table in file.missing_tables)
        yield (
            f"{file.location} has no {tables}. These messages are sent to {file.name} in the "
            "language of the request. Add the tables if carriers there need registered texts."
        )
