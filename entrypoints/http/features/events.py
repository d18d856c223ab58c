"""What the details of a user say about events."""

from typing import Annotated, Self

import msgspec

from application.administration.show_user import UserDetails
from application.features.events.feature import EventDetails
from entrypoints.http.administration.user_details import UserFields, to_struct
from entrypoints.http.fields import described


class UserEventsResponse(msgspec.Struct, kw_only=True):
    """The events of the user that a destination of events has not accepted."""

    waiting: Annotated[int, described("Those that are sent by themselves.", 1)]
    failed: Annotated[
        int,
        described("Those that failed for three days, and are kept: `dialtone events retry`.", 0),
    ]


class EventFields(UserFields, kw_only=True):
    """The events of a user that were not sent yet."""

    events: Annotated[UserEventsResponse, described("Events that were not sent yet.")]

    @classmethod
    def of(cls, details: UserDetails) -> Self:
        shown = details.added.find(EventDetails) or EventDetails(waiting=0, failed=0)
        return cls(events=to_struct(shown, UserEventsResponse))
