"""Parameters and response bodies of costs."""

from typing import Annotated, Final

import msgspec

from domain.costs.report import DAY_PATTERN, MAX_REPORT_DAYS, CostGroup, CostReport, CostRow
from entrypoints.http.fields import described, query_parameter

_FIRST_DAY_EXAMPLE: Final = "2026-07-01"
_LAST_DAY_EXAMPLE: Final = "2026-07-31"
_GROUPS: Final = [group.value for group in CostGroup]

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
        "What the costs are summed by. The default is country.", name="by", enum=_GROUPS
    ),
]


class CostRowResponse(msgspec.Struct, kw_only=True):
    """The costs of one country, provider or channel in one currency."""

    name: Annotated[
        str,
        described(
            "The ISO 3166-1 code of the country, the provider, or the channel; or `total`.", "IN"
        ),
    ]
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
        described("What the costs are summed by.", CostGroup.COUNTRY.value, enum=_GROUPS),
    ]
    rows: Annotated[list[CostRowResponse], described("The sums, the highest amount first.")]
    totals: Annotated[
        list[CostRowResponse],
        described("A total of each currency: the price list may have had another one before."),
    ]


def to_report_response(report: CostReport, group: CostGroup) -> CostReportResponse:
    """Convert a report."""
    return CostReportResponse(
        first_day=report.period.first_day.isoformat(),
        last_day=report.period.last_day.isoformat(),
        by=group.value,
        rows=[_to_row_response(row) for row in report.rows],
        totals=[_to_row_response(total) for total in report.totals],
    )


def _to_row_response(row: CostRow) -> CostRowResponse:
    return CostRowResponse(
        name=row.name,
        messages=row.costs.messages,
        parts=row.costs.parts,
        minutes=row.costs.minutes,
        millionths=row.costs.millionths,
        currency=row.currency,
    )
