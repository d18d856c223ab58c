"""The details of a user, as the API, `dialtone user show` and the web console show them."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from enum import Enum
from typing import Annotated, Any, ClassVar, Final, Self, TypeVar, cast

import msgspec

from application.administration.find_user import FoundUser
from application.administration.operator import Operator
from application.administration.show_user import UserDetails
from domain.administration.retained_data import RetainedData
from domain.administration.scopes import FOR_PEOPLE, Scope
from domain.identities.identity import Identity
from domain.identities.role import Role
from domain.identities.session import Session
from domain.otp.delivery import Channel, ReportedStatus
from domain.otp.delivery_policy import Limitation, Wait
from domain.otp.permits import Recognition
from domain.otp.phone_limits import VerificationState
from entrypoints.http.fields import (
    EXTERNAL_ID_EXAMPLE,
    USER_ID_EXAMPLE,
    UserIdField,
    described,
    format_timestamp,
    time_field,
)
from entrypoints.texts.acts import ACCOUNT_DELETED, NO_ACCOUNT
from entrypoints.texts.codes import describe_rejection, describe_verification

SubjectField = Annotated[
    str,
    described(
        "What the audit calls the user: the id of the account, or a keyed hash of a phone without"
        " one.",
        USER_ID_EXAMPLE,
    ),
]
IsVerifiedField = Annotated[
    bool,
    described(
        "False until the first sign-in of an account that joined by a call. True does not mean that"
        " the number was proved: an import or an administrator may have made the account.",
        True,
    ),
]
HasSignedInField = Annotated[
    bool, described("Whether anybody has ever signed in, and so proved to have the number.", True)
]
ChannelField = Annotated[
    str,
    described(
        "A message or a call.",
        Channel.SMS.value,
        enum=[channel.value for channel in Channel],
    ),
]
R = TypeVar("R", bound=msgspec.Struct)
SESSION_ID_EXAMPLE: Final = "5f1c0a9be0d34f6c8a7b6c5d4e3f2a1b"
_ROLES: Final = {
    Role.MEMBER: "a member",
    Role.SUPPORT: "support",
    Role.MODERATOR: "a moderator",
    Role.AUDITOR: "an auditor",
    Role.ADMINISTRATOR: "an administrator",
}


class AccountResponse(msgspec.Struct, kw_only=True):
    """An account. A deleted account has only its id and times."""

    id: UserIdField
    username: Annotated[
        str | None, described("Null before a name was chosen, and after deletion.", "Rahul Sharma")
    ]
    external_id: Annotated[
        str | None,
        described("What another system calls it; null if none does.", EXTERNAL_ID_EXAMPLE),
    ]
    role: Annotated[
        str | None,
        described(
            "What it may do; null after the deletion.",
            Role.MEMBER.value,
            enum=[*(role.value for role in Role), None],
        ),
    ]
    is_verified: IsVerifiedField
    has_signed_in: HasSignedInField
    created_at: Annotated[str, time_field("When it was created, in UTC.")]
    imported_at: Annotated[
        str | None,
        time_field("When an import made it, or took it over from a caller; null if none did."),
    ]
    last_used_at: Annotated[
        str | None, time_field("When it was last used, accurate to a day; null before.")
    ]
    blocked_at: Annotated[str | None, time_field("Since when it is blocked; null if it is not.")]
    deleted_at: Annotated[str | None, time_field("When it was deleted; null if it was not.")]
    detached_at: Annotated[
        str | None,
        time_field("When its phone number went to somebody else; null if it did not."),
    ]


class UserSessionResponse(msgspec.Struct, kw_only=True):
    """A session of the user."""

    id: Annotated[str, described("32 hex digits.", SESSION_ID_EXAMPLE)]
    device: Annotated[str | None, described("The name of the device.", "Pixel 9")]
    created_at: Annotated[str, time_field("The time of the sign-in, in UTC.")]
    last_used_at: Annotated[str, time_field("The time of the last use, accurate to a day.")]
    ends_at: Annotated[
        str, time_field("When it ends unless it is refreshed.", "2026-07-30T09:30:00.000Z")
    ]
    is_console: Annotated[bool, described("Whether it is a session of the web console.", False)]
    network: Annotated[
        int | None,
        described(
            "Sessions with the same number were opened, or refreshed last, from one network (IPv4"
            " /24, IPv6 /48). Null if that is not known.",
            1,
        ),
    ]


class TokenRepeatResponse(msgspec.Struct, kw_only=True):
    """A refresh token came again within ten seconds, from another network."""

    session_id: Annotated[
        str, described("Its session, which may have ended since.", SESSION_ID_EXAMPLE)
    ]
    repeated_at: Annotated[str, time_field("When it came again, in UTC.")]


class DeviceResponse(msgspec.Struct, kw_only=True):
    """A device that is recognized: it has messages and attempts of its own."""

    session_id: Annotated[str, described("Its latest sign-in.", SESSION_ID_EXAMPLE)]
    expires_at: Annotated[
        str, time_field("Until when it is recognized.", "2026-10-28T09:30:00.000Z")
    ]


class VerificationResponse(msgspec.Struct, kw_only=True):
    """Why the phone gets a code, or gets none."""

    printed: ClassVar = ("state", "resets_left")

    state: Annotated[
        str,
        described(
            "All of it in words.",
            "messages: next at 14:05:00 UTC, limit per phone; attempts: 3 left for the code that"
            " expires at 13:10:00 UTC",
        ),
    ]
    blocked_since: Annotated[
        str | None,
        time_field("Since when no code signs in; null if it is not blocked."),
    ]
    next_message_at: Annotated[
        str | None,
        time_field(
            "When a client that is not recognized can cause a message. Null if nothing is sent to"
            " this phone: it is not served, or blocked and without an account."
        ),
    ]
    waits_for: Annotated[
        str | None,
        described(
            "What keeps a message from being sent before; null if one can be sent now.",
            Limitation.PER_PHONE.value,
            enum=[*(limitation.value for limitation in Limitation), None],
        ),
    ]
    next_message_to_known_at: Annotated[
        str | None,
        time_field("The same for a recognized device, and for an IP of an earlier sign-in."),
    ]
    code_expires_at: Annotated[
        str | None, time_field("When the latest code expires; null if no code is valid.")
    ]
    attempts_left: Annotated[
        int | None,
        described(
            "The attempts left for the client that requested it; null if no code is valid.",
            3,
        ),
    ]
    failures_in_a_row: Annotated[int, described("Failed attempts since the last success.", 2)]
    resets_left: Annotated[
        int, described("How often the limits of this phone can be reset today.", 2)
    ]


class DeliveryResponse(msgspec.Struct, kw_only=True):
    """A message or a call with a code."""

    sent_at: Annotated[str, time_field("When it was sent, in UTC.")]
    channel: ChannelField
    provider: Annotated[
        str | None,
        described(
            "The provider that took it, or may have, or rejected it last; null if none had it.",
            "twilio",
        ),
    ]
    status: Annotated[
        str,
        described(
            "`rejected`: no provider took it."
            " `unknown`: the provider did not confirm it in time, and it may have arrived."
            " `accepted`: one took it, and has reported no more. Otherwise what it reported:"
            " `sent`, `delivered`, `undelivered` or `failed`.",
            "undelivered",
            enum=[
                *("rejected", "unknown", "accepted"),
                *(status.value for status in ReportedStatus if status != ReportedStatus.QUEUED),
            ],
        ),
    ]
    error: Annotated[
        str | None,
        described(
            "The provider's code with what it means, or why it was rejected or is unknown; null"
            " without an error.",
            "30007 (The message service filtered this message.)",
        ),
    ]
    fell_back: Annotated[
        str | None,
        described(
            "The channel that was tried before this one, and why it did not deliver; null if there"
            " was none.",
            "sms: 503 HTTP 503",
        ),
    ]
    is_reset: Annotated[
        bool, described("Whether the limits were reset since, so that it counts in none.", False)
    ]


class RejectionResponse(msgspec.Struct, kw_only=True):
    """A request for a code that was rejected before any provider was asked."""

    printed: ClassVar = ("at", "channel", "summary")

    at: Annotated[str, time_field("When the request arrived, in UTC.")]
    channel: ChannelField
    limit: Annotated[
        str,
        described(
            "The limit that rejected it, as in metrics, or `country_not_served`,"
            " `number_not_served`, `block_phone`, `block_prefix`, `block_country`,"
            " `block_network`, `provider_paused` or `proof_required`; empty if it is"
            " not known.",
            "unverified_per_country",
        ),
    ]
    clients: Annotated[
        str,
        described("Whose limit is used up; empty if it is everybody's.", "strangers"),
    ]
    until: Annotated[
        str | None,
        time_field("When the same request can succeed; null if it is not known."),
    ]
    recognition: Annotated[
        str,
        described(
            "How the client was recognized; `none` also if that was not checked, because no client"
            " is served.",
            Recognition.NONE.value,
            enum=[recognition.value for recognition in Recognition],
        ),
    ]
    has_proof: Annotated[bool, described("Whether the client sent a proof.", False)]
    summary: Annotated[
        str,
        described(
            "All of it in words.",
            "rejected: new customers in IN, until 10:40:00 UTC (not recognized, without a proof)",
        ),
    ]


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


class UserDetailsResponse(msgspec.Struct, kw_only=True):
    """What is known about a user, or about a phone without an account."""

    subject: SubjectField
    summary: Annotated[
        str,
        described("What it is, in words.", "An account of a member.", NO_ACCOUNT),
    ]
    number: Annotated[
        str | None,
        described(
            "The full number if the operator may see it, otherwise its country code and last two"
            " digits; null for an account without a phone.",
            "+1********71",
        ),
    ]
    phone_hash: Annotated[
        str | None,
        described(
            "What the log of today (UTC) calls the phone; null without one.", "8f14e45fceea167a"
        ),
    ]
    phone_hash_of_yesterday: Annotated[
        str | msgspec.UnsetType | None,
        described(
            "The same of the log of yesterday; absent for service tokens.", "c9f0f895fb98ab91"
        ),
    ] = msgspec.UNSET
    account: Annotated[
        AccountResponse | None,
        described("The account; null if the phone has none."),
    ]
    sessions: Annotated[list[UserSessionResponse], described("The last used first.")]
    token_repeats: Annotated[
        list[TokenRepeatResponse] | msgspec.UnsetType,
        described(
            "Those of the last 30 days, at most five, the latest first; absent for service tokens."
        ),
    ] = msgspec.UNSET
    devices: Annotated[list[DeviceResponse], described("The recognized devices.")]
    verification: Annotated[
        VerificationResponse | None,
        described("Why the phone gets a code, or gets none; null for an account without a phone."),
    ]
    deliveries: Annotated[
        list[DeliveryResponse], described("Those of the last day, the newest first.")
    ]
    rejections: Annotated[
        list[RejectionResponse],
        described(
            "The last ten of the last day, the newest first. They are written a little later. A"
            " phone of which nothing is known keeps none: the log has them."
        ),
    ]
    retained: Annotated[
        list[RetainedDataResponse] | msgspec.UnsetType,
        described(
            "What remains of a deleted account. With the scope `users:delete` also what would"
            " remain of another one; otherwise absent."
        ),
    ] = msgspec.UNSET


class PageFields(msgspec.Struct, kw_only=True):
    """Additional fields for the page of the same version. They are not part of the API.

    Attributes:
        acts: The names of acts that make sense and that the role allows.
        why_no_acts: Why there are no acts although some make sense; empty otherwise.
        other_readings: Other users that the text of a search may mean.
    """

    acts: list[str]
    why_no_acts: str
    other_readings: list[msgspec.Struct] | msgspec.UnsetType = msgspec.UNSET


class UserFields(msgspec.Struct, kw_only=True):
    """Fields that a feature adds to the details of a user.

    Attributes:
        extends: The form that they are added to.
        scope: Without it, people do not see them. Then the fields have a default.
    """

    extends: ClassVar[type[UserDetailsResponse] | type[AccountResponse]] = UserDetailsResponse
    scope: ClassVar[Scope | None] = None

    @classmethod
    def of(cls, details: UserDetails) -> Self:
        raise NotImplementedError


class UserDetailsForm:
    """The form of the details of a user, with the fields of features at the end."""

    def __init__(self, fields: Sequence[type[UserFields]]) -> None:
        self._fields = fields
        self.extended: Mapping[type[msgspec.Struct], type[msgspec.Struct]] = {
            struct: _extend(struct, [field for field in fields if field.extends is struct])
            for struct in (UserDetailsResponse, AccountResponse)
        }
        self._for_page: Any = _extend(self.extended[UserDetailsResponse], [PageFields])

    def to_response(
        self, details: UserDetails, now: datetime, operator: Operator | None = None
    ) -> UserDetailsResponse:
        """Convert the details, with the fields that the operator may see; all without one."""
        response = _to_details_response(details, now)
        if response.account is not None:
            response.account = self._extend(response.account, details, operator)
        return self._extend(response, details, operator)

    def for_page(self, response: UserDetailsResponse, fields: PageFields) -> UserDetailsResponse:
        """Return the response with what only the page of the console gets."""
        values = msgspec.structs.asdict(response) | msgspec.structs.asdict(fields)
        return cast("UserDetailsResponse", self._for_page(**values))

    def _extend(self, response: R, details: UserDetails, operator: Operator | None) -> R:
        values = msgspec.structs.asdict(response)
        for field in self._fields:
            if field.extends is type(response) and _may_see(operator, field.scope):
                values |= msgspec.structs.asdict(field.of(details))
        extended: Any = self.extended[type(response)]
        return cast("R", extended(**values))


def _extend(
    struct: type[msgspec.Struct], fields: Sequence[type[msgspec.Struct]]
) -> type[msgspec.Struct]:
    return msgspec.defstruct(
        f"Extended{struct.__name__}",
        [
            (field.encode_name, field.type, field.default)
            for each in fields
            for field in msgspec.structs.fields(each)
        ],
        bases=(struct,),
        kw_only=True,
    )


def _may_see(operator: Operator | None, scope: Scope | None) -> bool:
    if operator is None or scope is None or operator.has_scope(scope):
        return True
    # Service tokens cannot have these scopes, and see what they always saw.
    return operator.is_token and scope in FOR_PEOPLE


def to_struct(source: object, struct: type[R], **values: Any) -> R:
    """Convert an object to a Struct: times and enums as text. `values` are its other fields."""
    names = (name for name in struct.__struct_fields__ if name not in values)
    return struct(**values, **{name: _to_json(getattr(source, name)) for name in names})


def _to_json(value: Any) -> Any:
    match value:
        case datetime():
            return format_timestamp(value)
        case Enum():
            return value.value
        case _:
            return value


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


def summarize_user(user: FoundUser) -> str:
    """Say what a user is, and what is special."""
    identity = user.identity
    if identity is None:
        return NO_ACCOUNT
    if identity.is_deleted:
        return ACCOUNT_DELETED
    parts = [f"An account of {_ROLES[identity.staff.role]}"]
    if identity.detached_at is not None:
        parts.append("whose phone number went to somebody else")
    if identity.user is None:
        parts.append("without a username")
    if not identity.is_verified:
        parts.append("who joined by a call and has not signed in yet")
    elif not identity.has_signed_in:
        parts.append("who has not signed in yet")
    if identity.is_blocked:
        parts.append("blocked")
    return f"{', '.join(parts)}."


def _to_details_response(details: UserDetails, now: datetime) -> UserDetailsResponse:
    user, verification = details.user, details.verification
    country = user.phone.country if user.phone else ""
    return to_struct(
        details,
        UserDetailsResponse,
        retained=msgspec.UNSET,
        subject=user.subject,
        summary=summarize_user(user),
        account=_to_account(user.identity) if user.identity else None,
        sessions=_to_sessions(details.sessions),
        token_repeats=[to_struct(repeat, TokenRepeatResponse) for repeat in details.token_repeats],
        devices=[to_struct(device, DeviceResponse) for device in details.devices],
        verification=_to_verification(verification, now) if verification else None,
        deliveries=[
            to_struct(
                shown.delivery,
                DeliveryResponse,
                provider=shown.delivery.provider or None,
                status=shown.status,
                error=shown.error or None,
                fell_back=shown.delivery.fell_back or None,
            )
            for shown in details.deliveries
        ],
        rejections=[
            to_struct(
                rejection,
                RejectionResponse,
                clients=rejection.clients,
                summary=describe_rejection(rejection, country),
            )
            for rejection in (verification.rejections if verification else ())
        ],
    )


def _to_sessions(sessions: Sequence[Session]) -> list[UserSessionResponse]:
    networks = list(dict.fromkeys(session.network for session in sessions if session.network))
    return [
        to_struct(
            session,
            UserSessionResponse,
            last_used_at=format_timestamp(session.last_seen_at),
            network=networks.index(session.network) + 1 if session.network else None,
        )
        for session in sessions
    ]


def _to_account(identity: Identity) -> AccountResponse:
    is_deleted = identity.is_deleted
    return to_struct(
        identity,
        AccountResponse,
        username=identity.username.text if identity.username and not is_deleted else None,
        role=None if is_deleted else identity.staff.role.value,
        imported_at=_to_json(identity.imported.at),
    )


def _to_verification(state: VerificationState, now: datetime) -> VerificationResponse:
    def next_at(wait: Wait) -> str | None:
        return None if state.not_served else format_timestamp(max(wait.until, now))

    return to_struct(
        state,
        VerificationResponse,
        state=describe_verification(state, now),
        next_message_at=next_at(state.next_message),
        waits_for=_to_json(state.next_message.limitation),
        next_message_to_known_at=next_at(state.next_message_to_known),
    )
