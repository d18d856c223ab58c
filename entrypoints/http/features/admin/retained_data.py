"""What remains of a deleted account, as responses say it."""

from collections.abc import Iterable
from typing import Annotated

import msgspec

from domain.administration.retained_data import RetainedData
from entrypoints.http.fields import described, format_timestamp, time_field


class RetainedDataResponse(msgspec.Struct, kw_only=True):
    """A kind of data that remains after the deletion."""

    data: Annotated[str, described("What remains.", "username")]
    reason: Annotated[
        str, described("Why it remains.", "nobody gets it before; after 30 days it is free")
    ]
    until: Annotated[
        str | None,
        time_field(
            "When it is deleted at the latest, in UTC; null if there is no such time.",
            "2026-07-30T09:30:00.000Z",
        ),
    ]


def to_retained_data(retained: Iterable[RetainedData]) -> list[RetainedDataResponse]:
    """Convert what remains."""
    return [
        RetainedDataResponse(
            data=kind.data,
            reason=kind.reason,
            until=format_timestamp(kind.until) if kind.until else None,
        )
        for kind in retained
    ]
