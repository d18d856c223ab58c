"""`dialtone pumping`: list and end warnings."""

from argparse import Namespace
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from application.pumping.acts import END_WARNING
from application.pumping.feature import PumpingFeature
from domain.errors import DomainError, InvalidValue
from domain.identifier import parse_identifier
from domain.pumping.warning import PumpingWarning
from entrypoints.commands.domain_errors import explain_errors
from entrypoints.commands.operator_name import parse_operator
from entrypoints.commands.parsing import parse_reason_option
from entrypoints.commands.use_case_calls import call_with_use_cases
from entrypoints.features.conversion import CONVERSION
from entrypoints.features.pumping import PUMPING, PumpingSettings
from entrypoints.opening.startup_error import InvalidArgument
from entrypoints.settings.settings import Settings

_ERRORS: Final[Mapping[type[DomainError], str]] = {
    InvalidValue: "No warning with this id is open: dialtone pumping list."
}

OFF: Final = (
    "The protection is off, so no warning opens or has an effect. "
    "DIALTONE_PUMPING_PROTECTION=yes switches it on, see docs/pumping.md."
)


def list_warnings(settings: Settings, arguments: Namespace) -> Iterable[str]:
    """List the warnings that are open."""
    warnings = call_with_use_cases(
        settings, lambda use_cases: use_cases.of(PumpingFeature).list(), [CONVERSION, PUMPING]
    )
    if arguments.json:
        from msgspec import json

        return [json.encode({"warnings": [_to_fields(each) for each in warnings]}).decode()]
    return render_warnings(warnings, protects=settings.of(PumpingSettings).pumping_protection)


def render_warnings(warnings: Sequence[PumpingWarning], *, protects: bool) -> Iterator[str]:
    """Return a line for each warning, and one if the protection is switched off."""
    yield from map(_describe, warnings) if warnings else ["There are no warnings."]
    if not protects:
        yield OFF


def end_warning(settings: Settings, arguments: Namespace) -> Iterable[str]:
    """End a warning."""
    warning_id = parse_identifier(arguments.id)
    if warning_id is None:
        raise InvalidArgument("This is not the id of a warning: dialtone pumping list.")
    caller = parse_operator(settings, arguments)
    reason = parse_reason_option(arguments.reason, is_required=caller.needs_reason(END_WARNING))
    with explain_errors(_ERRORS):
        warning = call_with_use_cases(
            settings,
            lambda use_cases: use_cases.of(PumpingFeature).end(caller, warning_id, reason),
            [CONVERSION, PUMPING],
        )
    return [f"Warning {warning.id} has ended: {_subject(warning)}."]


def _describe(warning: PumpingWarning) -> str:
    is_unknown = warning.number_range and not warning.prefix
    return (
        f"{warning.id}  {_subject(warning)}"
        f"{' (its digits show with its next request)' if is_unknown else ''}"
        f", since {_format(warning.opened_at)}, until"
        f" {_format(warning.ends_at)} or longer: {warning.share_percent} % of {warning.sent}"
        f" messages from {warning.networks} networks were entered, usual are"
        f" {warning.usual_percent} %"
    )


def _subject(warning: PumpingWarning) -> str:
    if not warning.number_range:
        return f"country {warning.country}"
    prefix = f" {warning.prefix}****" if warning.prefix else ""
    return f"number range{prefix} in {warning.country}"


def _to_fields(warning: PumpingWarning) -> Mapping[str, Any]:
    return {
        "id": warning.id,
        "country": warning.country,
        "subject": "range" if warning.number_range else "country",
        "prefix": warning.prefix,
        "opened_at": warning.opened_at,
        "ends_at": warning.ends_at,
        "sent": warning.sent,
        "networks": warning.networks,
        "share_percent": warning.share_percent,
        "usual_percent": warning.usual_percent,
    }


def _format(time: datetime) -> str:
    return f"{time.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
