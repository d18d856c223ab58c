"""`dialtone check-settings`."""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import starmap
from typing import TYPE_CHECKING

from adapters.logging import configure_logging
from domain.otp.message_parts import measure_sms
from entrypoints.commands.connection_checks import Check, run_checks
from entrypoints.commands.core_checks import check_records, connection_checks
from entrypoints.features import FEATURES
from entrypoints.opening.operator_files import load_sms_templates
from entrypoints.opening.startup_error import CommandError
from entrypoints.settings.read import (
    describe_settings,
    find_unknown,
    find_unused,
    unknown_line,
)
from entrypoints.settings.secret_files import find_exposed
from entrypoints.settings.settings import Settings

if TYPE_CHECKING:
    from adapters.templates.sms_templates import FileSmsTemplates


def check_settings(
    settings: Settings,
    more_checks: Sequence[Callable[[Settings], Mapping[str, Check]]] = (),
    *,
    show_all: bool = False,
    templates: bool = False,
    connect: bool = False,
) -> Iterable[str]:
    """Describe what differs from the defaults, preview the messages, or try all parts.

    The `more_checks` are functions of features, which return further checks.
    """
    if templates:
        yield from _preview_templates(load_sms_templates(settings))
        yield from _notes_of_features(settings)
        return
    if connect:
        checks = connection_checks(settings)
        for find_checks in more_checks:
            checks |= find_checks(settings)
        results = run_checks(
            checks, lambda: configure_logging(settings.log_level, settings.log_format)
        )
        width = max(map(len, checks))
        for name, result in results.items():
            first, *below = result.text.split("\n")
            yield f"{name:<{width}}  {first}"
            yield from (f"{'':<{width}}  {line}" for line in below)
    else:
        results = {}
        all_rows = describe_settings(settings)
        rows = [row for row in all_rows if show_all or not row.is_default]
        width = max((len(row.name) for row in rows), default=0)
        value_width = max((len(row.shown) for row in rows), default=0)
        for row in rows:
            yield f"{row.name:<{width}}  {row.shown:<{value_width}}  {row.origin}"
    for name, problem in find_exposed(settings.variables.files).items():
        yield f"{name}: {problem}"
    yield from starmap(unknown_line, find_unknown(settings.variables.values).items())
    for name, reason in find_unused(settings):
        yield f"{name}: This has no effect, because {reason}. Remove it."
    yield from _notes_of_features(settings)
    yield from asyncio.run(check_records(settings))
    failed = sum(not result.is_ok for result in results.values())
    if failed:
        raise CommandError(f"{failed} of {len(results)} parts do not work.")
    if not results:
        yield "The settings are valid."


def _notes_of_features(settings: Settings) -> Iterator[str]:
    for feature in FEATURES:
        yield from feature.notes_on_settings(settings)


def _preview_templates(templates: "FileSmsTemplates") -> Iterator[str]:
    """Show each message as it is sent, below its file, what it is for, its platform and its length.

    At the end are the countries whose file does not have all messages.
    """
    for file, message, preview in templates.previews():
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
