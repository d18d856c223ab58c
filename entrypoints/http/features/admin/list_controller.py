"""The list of users."""

from typing import Final

from litestar import Controller, get

from application.features.admin.feature import AdminFeature
from domain import errors
from domain.cursor import MAX_PAGE_SIZE
from domain.errors import ConflictingValue, UnsupportedValue
from domain.features.admin.user_filter import UserFilter, parse_created_since
from domain.identities.role import Role
from entrypoints.http.features.admin import list_schemas as schemas
from entrypoints.http.requests.auth import BEARER, AdministrationMiddleware
from entrypoints.http.requests.dependencies import Injected, provide
from entrypoints.http.requests.middleware import IS_HEAD
from entrypoints.http.requests.parsing import FieldErrors
from entrypoints.http.requests.request import ApiRequest

_CONFLICT: Final = ConflictingValue(
    "Send only one of created_since, blocked and role, and compare the others with what you get."
)


class UserListController(Controller):
    """All users, page by page."""

    path = "/admin/users"
    tags = ["Administration"]
    dependencies = {"admin": provide(lambda use_cases: use_cases.of(AdminFeature))}
    middleware = [AdministrationMiddleware]
    security = BEARER

    @get(
        summary="List users",
        response_description="The page. It may be empty.",
        errors=[
            schemas.PAGE_SIZE.error,
            errors.Forbidden,
            errors.InsufficientScope,
            errors.ReauthenticationRequired,
            errors.AuditFailed,
        ],
    )
    async def list_users(
        self,
        *,
        request: ApiRequest,
        admin: Injected[AdminFeature],
        created_since: schemas.CreatedSinceParameter = None,
        blocked: schemas.BlockedParameter = None,
        role: schemas.RoleParameter = None,
        cursor: schemas.UserCursorParameter = None,
        limit: schemas.UserLimitParameter = None,
    ) -> schemas.UserPageResponse:
        """List accounts that are not deleted, those first that were created first.

        Who is there all the time is listed exactly once, also while others are created, changed,
        blocked and deleted. Accounts without a username are listed too; one whose phone went to
        somebody else is not. Numbers are masked. The audit has one entry an hour for each operator,
        with the number of users. A service token needs the scope `users:list`.
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
                    raise _CONFLICT
            with invalid.of("cursor"):
                after = user_filter.parse_cursor(cursor) if cursor is not None else None
            with invalid.of("limit"):
                size = min(schemas.PAGE_SIZE.parse(limit), MAX_PAGE_SIZE)
        is_head = IS_HEAD in request.scope["state"]
        page = await admin.list_users(
            request.operator, user_filter, after, size, is_shown=not is_head
        )
        return schemas.to_page_response(page, user_filter)


def _parse_blocked(text: str) -> bool:
    if text not in ("true", "false"):
        raise UnsupportedValue("Send true or false.")
    return text == "true"


def _parse_role(text: str) -> Role:
    try:
        return Role(text)
    except ValueError:
        raise UnsupportedValue(f"Send one of these: {', '.join(Role)}.") from None
