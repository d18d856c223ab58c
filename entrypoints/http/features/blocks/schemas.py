"""Bodies of blocks, and a block in words, which the command has too."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Annotated, ClassVar, Final

import msgspec

from domain.errors import ConflictingValue
from domain.features.blocks import (
    MAX_DURATION,
    MIN_DURATION,
    TIME_PATTERN,
    Subject,
    SubjectKind,
    parse_subject,
    parse_time,
)
from entrypoints.http.fields import described, reason_field
from entrypoints.http.requests.parsing import FieldErrors, missing_field

_ENDS: Final = ("seconds", "ends_at")
_MAX_SECONDS: Final = int(MAX_DURATION.total_seconds())

ReasonField = Annotated[
    str, reason_field("Why, for the audit.", "SMS pumping in GB, ticket 4711", min_length=1)
]


class AddBlockBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A block: one of `prefix`, `network` and `country`, and its end: `seconds` or `ends_at`."""

    also_in_example: ClassVar = ("prefix", "seconds")

    prefix: Annotated[
        str | None,
        described(
            "How phone numbers begin: `+`, the country code and further digits, without the last"
            " four digits of a number.",
            "+4479",
        ),
    ] = None
    network: Annotated[
        str | None,
        described(
            "A network in CIDR notation, or one IP: IPv4 from /8 on, IPv6 from /16 to /64. It"
            " blocks requests for codes, and sign-ins by a passkey.",
            "203.0.113.0/24",
        ),
    ] = None
    country: Annotated[
        str | None, described("The ISO 3166-1 code of a country with phone numbers.", "GB")
    ] = None
    seconds: Annotated[
        int | None,
        described(
            "For how long it holds, from a minute to 400 days.",
            7200,
            minimum=int(MIN_DURATION.total_seconds()),
            maximum=_MAX_SECONDS,
        ),
    ] = None
    ends_at: Annotated[
        str | None,
        described(
            "When it ends, with the offset from UTC: in a minute at least, and in 400 days at"
            " most.",
            "2026-05-01T09:30:00.000Z",
            pattern=TIME_PATTERN,
        ),
    ] = None
    reason: ReasonField


class EndBlockBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Why a block ends."""

    reason: ReasonField


def parse_block(
    body: AddBlockBody,
    invalid: FieldErrors,
    check_end: Callable[[datetime | timedelta], object],
) -> tuple[Subject, datetime | timedelta]:
    """Parse what a block blocks, and its end, which is checked. Errors are added to `invalid`."""
    subject = Subject(SubjectKind.PREFIX, "")
    end: datetime | timedelta = timedelta()
    sent = {kind: text for kind in SubjectKind if (text := getattr(body, kind)) is not None}
    if not sent:
        invalid.add(missing_field("prefix"))
    for kind, text in sent.items():
        with invalid.of(kind):
            if len(sent) > 1:
                raise ConflictingValue("Send only one of prefix, network and country.")
            subject = parse_subject(kind, text)
    if body.seconds is None and body.ends_at is None:
        invalid.add(missing_field("seconds"))
    if body.seconds is not None:
        with invalid.of("seconds"):
            if body.ends_at is not None:
                raise ConflictingValue("Send one of seconds and ends_at.")
            end = timedelta(seconds=max(0, min(body.seconds, 2 * _MAX_SECONDS)))
            check_end(end)
    if body.ends_at is not None:
        with invalid.of("ends_at"):
            end = parse_time(body.ends_at)
            check_end(end)
    return subject, end
