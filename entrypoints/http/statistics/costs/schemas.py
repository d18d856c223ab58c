"""Parameters and response bodies of costs."""

from collections.abc import Sequence
from typing import Annotated, Final

import msgspec

from domain.costs.report import (
    DAY_PATTERN,
    GROUPINGS,
    MAX_REPORT_DAYS,
    CostGroup,
    CostReport,
    CostRow,
)
from domain.errors import UnsupportedValue
from entrypoints.http.fields import described, query_parameter
from entrypoints.http.statistics.costs.csv_report import MEDIA_TYPE

_FIRST_DAY_EXAMPLE: Final = "2026-07-01"
_LAST_DAY_EXAMPLE: Final = "2026-07-31"
_FORMATS: Final = ["json", "csv"]
_OF_TWO: Final = "It is there if the costs are summed by two, and this is one of them."

FirstDayParameter = Annotated[
    str | None,
    query_parameter(
        "The first day, in UTC. The default is the first of the last day's month. A report has at"
        f" most {MAX_REPORT_DAYS} days.",
        name="from",
        format="date",
        pattern=DAY_PATTERN,
        examples=[_FIRST_DAY_EXAMPLE],
    ),
]
LastDayParameter = Annotated[
    str | None,
    query_parameter(
        "The last day, in UTC. The default is today.",
        name="to",
        format="date",
        pattern=DAY_PATTERN,
        examples=[_LAST_DAY_EXAMPLE],
    ),
]
GroupParameter = Annotated[
    str | None,
    query_parameter(
        "What the costs are summed by. The default is country.", name="by", enum=GROUPINGS
    ),
]
FormatParameter = Annotated[
    str | None,
    query_parameter(
        "The format of the response. The default is json.", name="format", enum=_FORMATS
    ),
]
CSV_RESPONSE: Final = {
    MEDIA_TYPE: {
        "schema": {"type": "string"},
        "example": "\r\n".join(
            (
                '"country","provider","currency","amount","millionths","messages","parts","minutes"',
                '"IN","twilio","USD","1494.000000","1494000000","9000","18000","0"',
                "",
            )
        ),
    }
}


class CostRowResponse(msgspec.Struct, kw_only=True):
    """The costs of one country, provider or channel in one currency, or of two of them together."""

    name: Annotated[
        str,
        described(
            "The ISO 3166-1 code of the country, the provider, or the channel; or `total`. By two,"
            " both of them with a comma between them.",
            "IN",
        ),
    ]
    country: Annotated[
        str | msgspec.UnsetType, described(f"The ISO 3166-1 code. {_OF_TWO}", "IN")
    ] = msgspec.UNSET
    provider: Annotated[
        str | msgspec.UnsetType, described(f"The provider. {_OF_TWO}", "twilio")
    ] = msgspec.UNSET
    channel: Annotated[str | msgspec.UnsetType, described(f"The channel. {_OF_TWO}", "sms")] = (
        msgspec.UNSET
    )
    messages: Annotated[
        int, described("How many messages a provider took, or may have taken.", 9000)
    ]
    parts: Annotated[int, described("The parts of these messages, each of which costs.", 18000)]
    minutes: Annotated[int, described("The minutes of calls that began.", 120)]
    millionths: Annotated[
        int, described("The amount in millionths of the currency.", 1494000000, format="int64")
    ]
    currency: Annotated[str, described("The ISO 4217 code of the currency.", "USD")]


class CostReportResponse(msgspec.Struct, kw_only=True):
    """What messages and calls cost."""

    first_day: Annotated[
        str, described("The first day, in UTC.", _FIRST_DAY_EXAMPLE, format="date")
    ] = msgspec.field(name="from")
    last_day: Annotated[
        str, described("The last day, in UTC.", _LAST_DAY_EXAMPLE, format="date")
    ] = msgspec.field(name="to")
    by: Annotated[
        str,
        described("What the costs are summed by.", CostGroup.COUNTRY.value, enum=GROUPINGS),
    ]
    rows: Annotated[
        list[CostRowResponse],
        described(
            "The sums, the highest amount first. By two, those with one first name stand together,"
            " and the first name with the highest sum comes first."
        ),
    ]
    totals: Annotated[
        list[CostRowResponse],
        described("A total of each currency: the price list may have had another one before."),
    ]


def parse_format(text: str | None) -> str:
    """Parse the format of the response; the default is JSON.

    Raises:
        UnsupportedValue
    """
    if text is not None and text not in _FORMATS:
        raise UnsupportedValue(f"Send {' or '.join(_FORMATS)}, or omit the parameter.")
    return text or _FORMATS[0]


def to_report_response(report: CostReport) -> CostReportResponse:
    """Convert a report."""
    return CostReportResponse(
        first_day=report.period.first_day.isoformat(),
        last_day=report.period.last_day.isoformat(),
        by=report.grouping,
        rows=[_to_row_response(row, report.groups) for row in report.rows],
        totals=[_to_row_response(total) for total in report.totals],
    )


def _to_row_response(row: CostRow, groups: Sequence[CostGroup] = ()) -> CostRowResponse:
    names = dict(zip(groups, row.names, strict=False)) if len(groups) > 1 else {}
    return CostRowResponse(
        name=row.name,
        **names,
        messages=row.costs.messages,
        parts=row.costs.parts,
        minutes=row.costs.minutes,
        millionths=row.costs.millionths,
        currency=row.currency,
    )
