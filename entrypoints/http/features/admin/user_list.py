"""The list of users."""

from datetime import datetime
from typing import Annotated, Final

import msgspec
from litestar import Controller, get

from application.features.admin import AdminFeature, UserPage
from domain import errors
from domain.cursor import MAX_PAGE_SIZE
from domain.errors import ConflictingValue, UnsupportedValue
from domain.features.admin import USER_CURSOR_PATTERN, UserFilter, parse_created_since
from domain.identities.identity import Identity
from domain.identities.role import Role
from entrypoints.http.administration.user_details import HasSignedInField, IsVerifiedField
from entrypoints.http.fields import (
    EXTERNAL_ID_EXAMPLE,
    UserIdField,
    described,
    format_timestamp,
    time_field,
)
from entrypoints.http.requests.auth import BEARER, AdministrationMiddleware
from entrypoints.http.requests.dependencies import Injected
from entrypoints.http.requests.middleware import IS_HEAD
from entrypoints.http.requests.parameters import CountParameter, describe_page_size, query_parameter
from entrypoints.http.requests.parsing import FieldErrors
from entrypoints.http.requests.request import ApiRequest

_ONE_FILTER: Final = " Only one of `created_since`, `blocked` and `role` can be sent."
PAGE_SIZE: Final = CountParameter(name="limit", default=MAX_PAGE_SIZE)
CreatedSinceParameter = Annotated[
    str | None,
    query_parameter(
        "Only users that were created at this time or later: RFC 3339, or a date in UTC."
        + _ONE_FILTER,
        pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}(?:T[0-9:.]{8,15}(?:Z|[+-][0-9]{2}:[0-9]{2}))?$",
        examples=["2026-05-01T09:30:00Z"],
    ),
]
BlockedParameter = Annotated[
    str | None,
    query_parameter(
        "Only users that are blocked, or only the others." + _ONE_FILTER,
        enum=["true", "false"],
    ),
]
RoleParameter = Annotated[
    str | None,
    query_parameter(
        "Only users with this role." + _ONE_FILTER,
        enum=[role.value for role in Role],
    ),
]
UserCursorParameter = Annotated[
    str | None,
    query_parameter(
        "The `next_cursor` of the previous page. Send the filter of that page with it.",
        pattern=USER_CURSOR_PATTERN,
    ),
]
UserLimitParameter = Annotated[str | None, describe_page_size(PAGE_SIZE, "Users")]


class ListedUserResponse(msgspec.Struct, kw_only=True):
    """A user in a list."""

    id: UserIdField
    username: Annotated[str | None, described("Null before one was chosen.", "Rahul Sharma")]
    external_id: Annotated[
        str | None,
        described("What another system calls the user; null if none does.", EXTERNAL_ID_EXAMPLE),
    ]
    number: Annotated[
        str | None,
        described("The masked phone number; null if the user has none.", "+1********71"),
    ]
    role: Annotated[
        str,
        described("What the user may do.", Role.MEMBER.value, enum=[role.value for role in Role]),
    ]
    is_verified: IsVerifiedField
    has_signed_in: HasSignedInField
    created_at: Annotated[str, time_field("When the account was created, in UTC.")]
    imported_at: Annotated[
        str | None,
        time_field("When an import made it, or took it over from a caller; null if none did."),
    ]
    last_used_at: Annotated[
        str | None, time_field("When it was last used, accurate to a day; null before.")
    ]
    blocked_at: Annotated[str | None, time_field("Since when it is blocked; null if it is not.")]


class UserPageResponse(msgspec.Struct, kw_only=True):
    """A page of users, the oldest account first."""

    users: Annotated[
        list[ListedUserResponse],
        described("The users of the page. It may have fewer than `limit` before the last page."),
    ]
    next_cursor: Annotated[
        str | None,
        described(
            "Send it as `cursor`, with the same filter, to get the next page; null on the last"
            " page.",
            "0650be398fd6006561a2b1c3d4e5f60718293b5df6e0e2",
        ),
    ]


def to_page_response(page: UserPage, user_filter: UserFilter) -> UserPageResponse:
    """Convert a page of users."""
    cursor = page.next_cursor
    return UserPageResponse(
        users=[to_listed_user(user) for user in page.users],
        next_cursor=user_filter.encode_cursor(cursor) if cursor else None,
    )


def to_listed_user(user: Identity) -> ListedUserResponse:
    """Convert a user."""
    return ListedUserResponse(
        id=user.id,
        username=user.username.text if user.username else None,
        external_id=user.external_id,
        number=user.phone.masked if user.phone else None,
        role=user.staff.role.value,
        is_verified=user.is_verified,
        has_signed_in=user.has_signed_in,
        created_at=format_timestamp(user.created_at),
        imported_at=_format_time(user.imported.at),
        last_used_at=_format_time(user.last_used_at),
        blocked_at=_format_time(user.blocked_at),
    )


def _format_time(time: datetime | None) -> str | None:
    return format_timestamp(time) if time else None


class UserListController(Controller):
    """All users, page by page."""

    path = "/admin/users"
    tags = ["Administration"]
    middleware = [AdministrationMiddleware]
    security = BEARER

    @get(
        summary="List users",
        response_description="The page. It may be empty.",
        errors=[
            PAGE_SIZE.error,
            errors.Forbidden,
            errors.InsufficientScope,
            errors.PasskeyRequired,
            errors.AuditFailed,
        ],
    )
    async def list_users(
        self,
        *,
        request: ApiRequest,
        admin: Injected[AdminFeature],
        created_since: CreatedSinceParameter = None,
        blocked: BlockedParameter = None,
        role: RoleParameter = None,
        cursor: UserCursorParameter = None,
        limit: UserLimitParameter = None,
    ) -> UserPageResponse:
        """List accounts that are not deleted, the oldest account first.

        An account that exists all the time is listed exactly once, also while others are created,
        changed, blocked and deleted. Accounts without a username are listed too; detached accounts,
        whose phone went to somebody else, are not. Numbers are masked. The audit has one entry an
        hour for each operator, with the number of users. A service token needs the scope
        `users:list`.
        """
        with FieldErrors() as invalid:
            user_filter = UserFilter()
            with invalid.of("created_since"):
                if created_since is not None:
                    user_filter = UserFilter(created_since=parse_created_since(created_since))
            with invalid.of("blocked"):
                if blocked is not None:
                    user_filter = UserFilter(is_blocked=_parse_blocked(blocked))
            with invalid.of("role"):
                if role is not None:
                    user_filter = UserFilter(role=_parse_role(role))
            filters = {"created_since": created_since, "blocked": blocked, "role": role}
            sent = [name for name, text in filters.items() if text is not None]
            for name in sent if len(sent) > 1 else ():
                with invalid.of(name):
                    raise ConflictingValue(
                        "Send only one of created_since, blocked and role, and compare the others"
                        " with what you get."
                    )
            with invalid.of("cursor"):
                after = user_filter.parse_cursor(cursor) if cursor is not None else None
            with invalid.of("limit"):
                size = min(PAGE_SIZE.parse(limit), MAX_PAGE_SIZE)
        is_head = IS_HEAD in request.scope["state"]
        page = await admin.list_users(
            request.operator, user_filter, after, size, is_shown=not is_head
        )
        return to_page_response(page, user_filter)


def _parse_blocked(text: str) -> bool:
    if text not in ("true", "false"):
        raise UnsupportedValue("Send true or false.")
    return text == "true"


def _parse_role(text: str) -> Role:
    try:
        return Role(text)
    except ValueError:
        raise UnsupportedValue(f"Send one of these: {', '.join(Role)}.") from None
