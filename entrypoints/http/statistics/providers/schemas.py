"""Parameters and response bodies of providers."""

from typing import Annotated, Any, Final

import msgspec

from application.otp.extensions import ProviderState
from application.statistics.report_providers import ProviderReport
from domain.statistics.provider_report import TIME_PATTERN, ProviderFigures, ProviderSummary
from entrypoints.http.fields import described, format_timestamp, query_parameter, time_field
from entrypoints.http.statistics.providers.csv_report import MEDIA_TYPE

FirstParameter = Annotated[
    str | None,
    query_parameter(
        "The first day, or the first hour such as `2026-07-01T13`, in UTC. The default is 24 hours"
        " before the end. Messages are counted by hour for eight days.",
        name="from",
        pattern=TIME_PATTERN,
        examples=["2026-07-01"],
    ),
]
LastParameter = Annotated[
    str | None,
    query_parameter(
        "The last day, or the last hour, in UTC. The default is the hour that is not over.",
        name="to",
        pattern=TIME_PATTERN,
        examples=["2026-07-01T13"],
    ),
]
CSV_RESPONSE: Final = {
    MEDIA_TYPE: {
        "schema": {"type": "string"},
        "example": "\r\n".join(
            (
                '"country","channel","provider","messages","delivered","delivered_percent",'
                '"entered","entered_percent","currency","amount","millionths",'
                '"price_of_entered","price_of_entered_millionths","messages_without_amount"',
                '"IN","sms","twilio","1000","930","93.0","800","80.0","USD","83.000000",'
                '"83000000","0.103750","103750","0"',
                "",
            )
        ),
    }
}


class ProviderFiguresResponse(msgspec.Struct, kw_only=True):
    """What a provider did, and what it cost."""

    messages: Annotated[
        int,
        described("The messages and calls with a code that it took, or may have taken.", 1000),
    ]
    delivered: Annotated[
        int | None,
        described("Those that arrived, as it reported; null if it reported nothing.", 930),
    ]
    delivered_percent: Annotated[
        float | None,
        described(
            "These in percent of the messages. Of the total, in percent of those of rows with"
            " reports.",
            93.0,
        ),
    ]
    entered: Annotated[int, described("The logins with these codes.", 800)]
    entered_percent: Annotated[
        float | None, described("These in percent of the messages; null without a message.", 80.0)
    ]
    millionths: Annotated[
        int | None,
        described(
            "What its messages and calls cost, in millionths of the currency; null if no costs are"
            " counted, or you may not read them.",
            83000000,
            format="int64",
        ),
    ]
    price_of_entered_millionths: Annotated[
        int | None,
        described(
            "The amount for each code that was entered, in millionths; null if none was. Logins in"
            " hours without amounts are left out.",
            103750,
            format="int64",
        ),
    ]
    messages_without_amount: Annotated[
        int | None,
        described(
            "Those of the messages that are not in the amount: no costs were counted with them, or"
            " in another currency. Null if the report has no amounts.",
            0,
        ),
    ]


class ProviderRowResponse(ProviderFiguresResponse, kw_only=True):
    """The figures of one country, channel and provider."""

    country: Annotated[str, described("The ISO 3166-1 code, `001`, `other` or `unknown`.", "IN")]
    channel: Annotated[str, described("The channel.", "sms")]
    provider: Annotated[str, described("The name of the provider.", "twilio")]


class LeftProviderResponse(msgspec.Struct, kw_only=True):
    """A provider that is tried last in a country for now."""

    country: Annotated[str, described("The ISO 3166-1 code.", "IN")]
    channel: Annotated[str, described("The channel.", "sms")]
    provider: Annotated[str, described("The name of the provider.", "twilio")]
    since: Annotated[str, time_field("Since when.")]
    until: Annotated[str, time_field("Until when at least.", "2026-05-01T10:30:00.000Z")]
    reason: Annotated[
        str, described("Why.", "9 of 40 codes were entered, of which usually 85 % are.")
    ]


class ProvidersResponse(msgspec.Struct, kw_only=True):
    """What providers deliver, which of their codes are entered, and what these cost."""

    first_hour: Annotated[str, time_field("The start of the first hour.")]
    last_hour: Annotated[str, time_field("The start of the last hour.")]
    country: Annotated[str | None, described("The only country; null for all.", "IN")]
    currency: Annotated[
        str | None,
        described(
            "The ISO 4217 code of all amounts, that of the latest one; null if there is none.",
            "USD",
        ),
    ]
    rows: Annotated[list[ProviderRowResponse], described("Those with the most messages first.")]
    total: Annotated[ProviderFiguresResponse, described("All of them together.")]
    left: Annotated[
        list[LeftProviderResponse],
        described("The providers that are tried last now, in the country that is selected."),
    ]


def to_providers_response(report: ProviderReport) -> ProvidersResponse:
    """Return the response with a report."""
    summary = report.summary
    return ProvidersResponse(
        first_hour=format_timestamp(summary.query.first_hour),
        last_hour=format_timestamp(summary.query.last_hour),
        country=summary.query.country,
        currency=summary.currency or None,
        rows=[
            ProviderRowResponse(
                country=row.group.country,
                channel=row.group.channel.value,
                provider=row.group.provider,
                **_fields(row.figures, summary),
            )
            for row in summary.rows
        ],
        total=ProviderFiguresResponse(**_fields(summary.total, summary)),
        left=[_to_left_response(state) for state in report.left],
    )


def _fields(figures: ProviderFigures, summary: ProviderSummary) -> Any:
    return {
        "messages": figures.counts.sent,
        "delivered": figures.delivered,
        "delivered_percent": figures.delivered_percent,
        "entered": figures.counts.logins,
        "entered_percent": figures.entered_percent,
        "millionths": figures.millionths,
        "price_of_entered_millionths": figures.price_of_entered,
        "messages_without_amount": figures.without_amount.sent if summary.currency else None,
    }


def _to_left_response(state: ProviderState) -> LeftProviderResponse:
    return LeftProviderResponse(
        country=state.country,
        channel=state.channel,
        provider=state.provider,
        since=format_timestamp(state.since),
        until=format_timestamp(state.until),
        reason=state.reason,
    )
