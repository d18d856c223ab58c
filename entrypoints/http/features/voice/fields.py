"""What the details of a user say about calls."""

from typing import Annotated, ClassVar, Self

import msgspec

from application.administration.show_user import UserDetails
from application.features.voice.call_log import CallDetails
from domain.administration.scopes import Scope
from domain.features.voice.call import Call, CallDirection, CallStatus
from domain.features.voice.step import CallOutcome
from entrypoints.http.administration.user_details import UserFields, to_struct
from entrypoints.http.fields import ID_DESCRIPTION, described, time_field


def show_call_status(status: CallStatus) -> str:
    """Return the status of a call with hyphens."""
    return status.value.replace("_", "-")


class UserCallResponse(msgspec.Struct, kw_only=True):
    """A call from or to the phone of the user."""

    id: Annotated[str, described(ID_DESCRIPTION, "6561a2b2c3d4e5f60718293c")]
    direction: Annotated[
        str,
        described(
            "Who called: the phone (`inbound`), or the service (`outbound`).",
            CallDirection.INBOUND.value,
            enum=[direction.value for direction in CallDirection],
        ),
    ]
    status: Annotated[
        str,
        described(
            "Where the call is.",
            CallStatus.COMPLETED.value,
            enum=[show_call_status(status) for status in CallStatus],
        ),
    ]
    outcome: Annotated[
        str | None,
        described(
            "What the call came to; null if it ended before.",
            CallOutcome.CONNECTED.value,
            enum=[*(outcome.value for outcome in CallOutcome), None],
        ),
    ]
    started_at: Annotated[str, time_field("The time of the call, in UTC.")]
    duration_seconds: Annotated[
        int | None, described("From its start to its end; null before.", 72)
    ]


class CallFields(UserFields, kw_only=True):
    """The calls of a user."""

    scope: ClassVar = Scope.READ_CALLS

    calls: Annotated[
        list[UserCallResponse] | msgspec.UnsetType,
        described(
            "The last ten, the newest first. Absent for people without the scope `calls:read`."
        ),
    ] = msgspec.UNSET

    @classmethod
    def of(cls, details: UserDetails) -> Self:
        shown = details.added.find(CallDetails)
        return cls(calls=[_to_call(call) for call in shown.calls] if shown else [])


def _to_call(call: Call) -> UserCallResponse:
    return to_struct(
        call,
        UserCallResponse,
        status=show_call_status(call.status),
        duration_seconds=int(call.duration.total_seconds()) if call.duration else None,
    )
