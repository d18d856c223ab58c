"""Parameters and response bodies of statistics."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Final

import msgspec

from domain.statistics.hourly_counts import DeliveryCounts
from domain.statistics.report import (
    DEFAULT_HOURS,
    MAX_HOURS,
    MAX_PROVIDER_LENGTH,
    CountRow,
    HourRow,
    Statistics,
)
from entrypoints.http.fields import described, format_timestamp, query_parameter, time_field
from entrypoints.http.paging import CountParameter
from entrypoints.http.patterns import NOT_IN_LINES, not_only_ascii

_NAME: Final = "The ISO 3166-1 code of the country, the provider, or the channel; or `unknown`."
_REJECTIONS_EXAMPLE: Final = {"per_ip": 12}
_EVENTS_EXAMPLE: Final = {"otp_accepted": 90, "login_succeeded": 61}

HOURS: Final = CountParameter(name="hours", default=DEFAULT_HOURS, maximum=MAX_HOURS)
HoursParameter = Annotated[
    str | None,
    HOURS.describe(
        f"How many hours, from 1 to {MAX_HOURS}. The hour that is not over is the last one."
    ),
]
CountryParameter = Annotated[
    str | None,
    query_parameter(
        "Only messages to this country: the ISO 3166-1 code of one with phone numbers, `001`,"
        " `other` or `unknown`.",
        pattern="^(?:[A-Za-z]{2}|001|other|unknown)$",
        examples=["IN"],
    ),
]
ProviderParameter = Annotated[
    str | None,
    query_parameter(
        "Only messages of this provider. Its name has no control, invisible, private or unassigned"
        " characters, and no spaces but that of ASCII.",
        pattern=f"^[ -~]+$|{not_only_ascii(NOT_IN_LINES)}",
        max_length=MAX_PROVIDER_LENGTH,
        examples=["twilio"],
    ),
]

SentField = Annotated[
    int,
    described("The messages and calls with a code that a provider took, or may have taken.", 90),
]
DeliveredField = Annotated[
    int, described("Those that arrived, as the provider reported within this time.", 80)
]
UndeliveredField = Annotated[
    int, described("Those that failed, as the provider reported within this time.", 3)
]
LoginsField = Annotated[int, described("The logins with a code.", 61)]
RejectionsField = Annotated[
    Mapping[str, int],
    described(
        "How many requests for a code, and calls, each limit rejected. `country` and `provider` do"
        " not select them.",
        _REJECTIONS_EXAMPLE,
    ),
]
EventsField = Annotated[
    Mapping[str, int],
    described(
        "How often each security event happened. `country` and `provider` do not select them.",
        _EVENTS_EXAMPLE,
    ),
]


class CountsResponse(msgspec.Struct, kw_only=True):
    """What became of messages and calls with a code."""

    sent: SentField
    delivered: DeliveredField
    undelivered: UndeliveredField
    logins: LoginsField


class NamedCountsResponse(msgspec.Struct, kw_only=True):
    """The messages of one country, provider or channel."""

    name: Annotated[str, described(_NAME, "IN")]
    sent: SentField
    delivered: DeliveredField
    undelivered: UndeliveredField
    logins: LoginsField


class HourResponse(msgspec.Struct, kw_only=True):
    """What was counted in one hour."""

    starts_at: Annotated[
        str, time_field("The start of the hour, in UTC.", "2026-05-01T09:00:00.000Z")
    ]
    sent: SentField
    delivered: DeliveredField
    undelivered: UndeliveredField
    logins: LoginsField
    rejections: RejectionsField
    security_events: EventsField


class StatisticsResponse(msgspec.Struct, kw_only=True):
    """Messages, logins, rejections and security events."""

    first_hour: Annotated[
        str, time_field("The start of the first hour, in UTC.", "2026-04-30T10:00:00.000Z")
    ]
    last_hour: Annotated[
        str,
        time_field("The start of the last hour, which is not over.", "2026-05-01T09:00:00.000Z"),
    ]
    country: Annotated[str | None, described("Only messages to this country; null for all.", "IN")]
    provider: Annotated[
        str | None, described("Only messages of this provider; null for all.", "twilio")
    ]
    total: Annotated[CountsResponse, described("All messages.")]
    by_hour: Annotated[
        list[HourResponse], described("Each hour, the earliest first, also without messages.")
    ]
    by_country: Annotated[
        list[NamedCountsResponse], described("The messages by country, the most first.")
    ]
    by_provider: Annotated[
        list[NamedCountsResponse], described("The messages by provider, the most first.")
    ]
    by_channel: Annotated[
        list[NamedCountsResponse], described("The messages by channel, the most first.")
    ]
    rejections: RejectionsField
    security_events: EventsField


def to_statistics_response(statistics: Statistics) -> StatisticsResponse:
    """Convert a report."""
    query = statistics.query
    return StatisticsResponse(
        first_hour=format_timestamp(query.first_hour),
        last_hour=format_timestamp(query.last_hour),
        country=query.country,
        provider=query.provider,
        total=_to_counts(statistics.total),
        by_hour=[_to_hour(row) for row in statistics.by_hour],
        by_country=_to_rows(statistics.by_country),
        by_provider=_to_rows(statistics.by_provider),
        by_channel=_to_rows(statistics.by_channel),
        rejections=statistics.rejections,
        security_events=statistics.events,
    )


def _to_counts(counts: DeliveryCounts) -> CountsResponse:
    return CountsResponse(
        sent=counts.sent,
        delivered=counts.delivered,
        undelivered=counts.undelivered,
        logins=counts.logins,
    )


def _to_hour(row: HourRow) -> HourResponse:
    return HourResponse(
        starts_at=format_timestamp(row.starts_at),
        sent=row.counts.sent,
        delivered=row.counts.delivered,
        undelivered=row.counts.undelivered,
        logins=row.counts.logins,
        rejections=row.rejections,
        security_events=row.events,
    )


def _to_rows(rows: Sequence[CountRow]) -> list[NamedCountsResponse]:
    return [
        NamedCountsResponse(
            name=row.name,
            sent=row.counts.sent,
            delivered=row.counts.delivered,
            undelivered=row.counts.undelivered,
            logins=row.counts.logins,
        )
        for row in rows
    ]
