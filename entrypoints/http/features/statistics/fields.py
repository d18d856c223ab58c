"""Parameters and responses of statistics, which the command has too: JSON and CSV."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Annotated, Any, Final

import msgspec
from litestar import Response

from domain.errors import ConflictingValue, UnsupportedValue
from domain.features.statistics import (
    DAY,
    DAY_PATTERN,
    DEFAULT_HOURS,
    DIMENSIONS,
    HOUR,
    MAX_DAYS,
    MAX_HOURS,
    MIN_SHOWN_MESSAGES,
    Counts,
    Dimension,
    Result,
    Statistics,
    StatisticsQuery,
    parse_day,
    parse_dimensions,
    query_days,
    query_hours,
)
from entrypoints.http.fields import described, format_timestamp, time_field
from entrypoints.http.requests.parameters import CountParameter, query_parameter
from entrypoints.http.requests.parsing import FieldErrors, parsing_field
from entrypoints.texts.csv_line import to_csv_line

_NOT_BY_PREFIX: Final = "It is missing by prefix."
_IF_SUMMED: Final = "It is there if the messages are summed by it."

HOURS: Final = CountParameter(name="hours", default=DEFAULT_HOURS, maximum=MAX_HOURS)
HoursParameter = Annotated[
    str | None,
    HOURS.describe(
        f"How many hours, from 1 to {MAX_HOURS}. The hour that is not over is the last one. Without"
        " `from` and `until` only."
    ),
]
FirstDayParameter = Annotated[
    str | None,
    query_parameter(
        "The first day, in UTC, for statistics by day. The default is the first of the last day's"
        f" month. A report has at most {MAX_DAYS} days.",
        name="from",
        format="date",
        pattern=DAY_PATTERN,
        examples=["2026-07-01"],
    ),
]
LastDayParameter = Annotated[
    str | None,
    query_parameter(
        "The last day, in UTC, for statistics by day. The default is today.",
        name="until",
        format="date",
        pattern=DAY_PATTERN,
        examples=["2026-07-31"],
    ),
]
ByParameter = Annotated[
    str | None,
    query_parameter(
        "What the messages are summed by, one or two of these. The default is country. By prefix"
        " are hours only.",
        name="by",
        enum=DIMENSIONS,
    ),
]

_FORMATS: Final = ["json", "csv"]
FormatParameter = Annotated[
    str | None,
    query_parameter(
        "`csv` returns the rows as a file for spreadsheets. The default is `json`.",
        name="format",
        enum=_FORMATS,
    ),
]

RejectionsField = Annotated[
    Mapping[str, int],
    described("How many requests for a code, and calls, each limit rejected.", {"per_ip": 12}),
]


SentField = Annotated[
    int,
    described("The messages and calls with a code that a provider took, or may have taken.", 90),
]
NotTakenField = Annotated[int, described("Those that no provider took.", 2)]
LoginsField = Annotated[int, described("The logins with a code.", 61)]


class CountsResponse(msgspec.Struct, kw_only=True):
    """What became of messages and calls with a code, and of requests for them."""

    sent: SentField
    not_taken: NotTakenField
    delivered: Annotated[
        int, described("Those that arrived, as the provider reported within this time.", 80)
    ]
    undelivered: Annotated[
        int, described("Those that failed, as the provider reported within this time.", 3)
    ]
    logins: LoginsField
    rejected: Annotated[
        int, described("The requests for a code, and calls, that a limit rejected.", 12)
    ]


class StatisticsRowResponse(msgspec.Struct, kw_only=True):
    """The messages of one country, channel, provider or prefix, or of two of them together."""

    sent: SentField
    not_taken: NotTakenField
    delivered: Annotated[
        int | msgspec.UnsetType, described(f"As in `total`. {_NOT_BY_PREFIX}", 80)
    ] = msgspec.UNSET
    undelivered: Annotated[
        int | msgspec.UnsetType, described(f"As in `total`. {_NOT_BY_PREFIX}", 3)
    ] = msgspec.UNSET
    logins: LoginsField
    rejected: Annotated[
        int | msgspec.UnsetType, described(f"As in `total`. {_NOT_BY_PREFIX}", 12)
    ] = msgspec.UNSET
    country: Annotated[
        str | msgspec.UnsetType,
        described(
            f"The ISO 3166-1 code of the country, `001`, `other` or `unknown`. {_IF_SUMMED}", "IN"
        ),
    ] = msgspec.UNSET
    channel: Annotated[str | msgspec.UnsetType, described(f"The channel. {_IF_SUMMED}", "sms")] = (
        msgspec.UNSET
    )
    provider: Annotated[
        str | msgspec.UnsetType,
        described(
            f"The provider, or `other` or `unknown`; `none` if there was none. {_IF_SUMMED}",
            "twilio",
        ),
    ] = msgspec.UNSET
    prefix: Annotated[
        str | msgspec.UnsetType,
        described(
            "How the numbers begin: the country code and up to three digits. `other` has those with"
            f" less than {MIN_SHOWN_MESSAGES} messages. {_IF_SUMMED}",
            "+4479",
        ),
    ] = msgspec.UNSET


class StatisticsPeriodResponse(CountsResponse, kw_only=True):
    """What was counted in one hour, or on one day."""

    starts_at: Annotated[
        str, time_field("The start of the hour or day, in UTC.", "2026-05-01T09:00:00.000Z")
    ]
    rejections: RejectionsField


class StatisticsResponse(msgspec.Struct, kw_only=True):
    """Messages, logins and rejections."""

    period: Annotated[
        str,
        described("What the periods are.", HOUR.name, enum=[HOUR.name, DAY.name]),
    ]
    first: Annotated[
        str, time_field("The start of the first period, in UTC.", "2026-04-30T10:00:00.000Z")
    ]
    last: Annotated[
        str,
        time_field(
            "The start of the last period, which may not be over.", "2026-05-01T09:00:00.000Z"
        ),
    ]
    by: Annotated[
        str,
        described("What the messages are summed by.", Dimension.COUNTRY.value, enum=DIMENSIONS),
    ]
    total: Annotated[CountsResponse, described("All results.")]
    rows: Annotated[
        list[StatisticsRowResponse],
        described(
            "The messages by country, channel, provider or prefix, the most first. By two, those"
            " with one first name stand together."
        ),
    ]
    by_period: Annotated[
        list[StatisticsPeriodResponse],
        described("Each hour or day, the earliest first, also without messages."),
    ]
    rejections: RejectionsField


REPORT_RESPONSES: Final[dict[str, Any]] = {
    "200": {
        "description": "The report. It may be empty.",
        "content": {
            "application/json": {"schema": {"$ref": "#/components/schemas/StatisticsResponse"}},
            "text/csv": {"schema": {"type": "string"}},
        },
    }
}


def to_counts(counts: Counts) -> CountsResponse:
    """Convert what was counted."""
    return CountsResponse(**_fields_of(counts, Result))


def _fields_of(counts: Counts, results: Iterable[Result]) -> dict[str, Any]:
    return {result: counts[result] for result in results}


def to_statistics_response(report: Statistics) -> StatisticsResponse:
    """Convert a report."""
    query = report.query
    return StatisticsResponse(
        period=query.period.name,
        first=format_timestamp(query.first),
        last=format_timestamp(query.last),
        by=",".join(query.by),
        total=to_counts(report.total),
        rows=[
            StatisticsRowResponse(
                **dict[str, Any](zip(query.by, row.names, strict=True)),
                **_fields_of(row.counts, query.results),
            )
            for row in report.rows
        ],
        by_period=[
            StatisticsPeriodResponse(
                starts_at=format_timestamp(row.starts_at),
                rejections=row.rejections,
                **_fields_of(row.counts, Result),
            )
            for row in report.by_period
        ],
        rejections=report.rejections,
    )


def parse_query(
    now: datetime,
    *,
    hours: str | None,
    first_day: str | None,
    last_day: str | None,
    by: str | None,
) -> StatisticsQuery:
    """Parse the last hours, or days from the first to the last one."""
    with FieldErrors() as invalid:
        with invalid.of("hours"):
            count = HOURS.parse(hours)
            if hours is not None and (first_day, last_day) != (None, None):
                raise ConflictingValue("Hours and days do not go together: omit one of them.")
        with invalid.of("from"):
            first = None if first_day is None else parse_day(first_day)
        with invalid.of("until"):
            last = None if last_day is None else parse_day(last_day)
        with invalid.of("by"):
            dimensions = [Dimension.COUNTRY] if by is None else parse_dimensions(by)
            if Dimension.PREFIX in dimensions and (first_day, last_day) != (None, None):
                raise ConflictingValue(
                    "Prefixes are counted by hour, not by day: omit the days, or sum by something"
                    " else."
                )
    if first is None and last is None:
        with parsing_field("hours"):
            return query_hours(now, count, dimensions)
    with parsing_field("from"):
        return query_days(now, first, last, dimensions)


def parse_format(text: str | None) -> bool:
    """Return whether a file of CSV is requested."""
    with parsing_field("format"):
        if text not in (None, *_FORMATS):
            raise UnsupportedValue(f"Send one of these: {', '.join(_FORMATS)}.")
    return text == "csv"


def csv_lines(report: Statistics) -> Iterator[str]:
    """Return a head, and a line for each row. No total, which a spreadsheet would sum again."""
    query = report.query
    yield to_csv_line([*query.by, *query.results])
    for row in report.rows:
        yield to_csv_line([*row.names, *(row.counts[result] for result in query.results)])


def csv_response(report: Statistics) -> Response[Any]:
    """Return a file to download."""
    query = report.query
    days = f"{query.first.date()}-to-{query.last.date()}"
    name = f"statistics-{days}-by-{'-'.join(query.by)}.csv"
    return Response(
        "".join(f"{line}\r\n" for line in csv_lines(report)),
        media_type="text/csv",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )
