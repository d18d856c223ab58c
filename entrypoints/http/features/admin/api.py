"""The administration over HTTP."""

from collections.abc import Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import Final

from litestar import Controller
from litestar.config.app import AppConfig

from application.administration.operator import Operator
from application.administration.user_acts import USER_ACTS
from application.features.admin import AdminFeature
from application.use_cases import UseCases
from domain.errors import TooManyPhones, Unauthenticated
from domain.features.admin import TokenNotFound, TooManyTokenRequests, is_service_token
from entrypoints.http.additions import ABOUT_API, ABOUT_TOKENS, HttpAdditions
from entrypoints.http.administration.user_acts import make_act_controller
from entrypoints.http.administration.user_details import UserDetailsForm
from entrypoints.http.errors.table import ApiError, ErrorRow
from entrypoints.http.features.admin.audit import AuditController
from entrypoints.http.features.admin.user_list import UserListController
from entrypoints.http.features.admin.users import ACT_PATHS, AdminUserController
from entrypoints.http.requests.auth import Connection, OperatorKind, acquire_for_ip

ERRORS: Final[Mapping[type[ApiError], ErrorRow]] = {
    TooManyTokenRequests: ErrorRow(
        429,
        "rate_limited",
        "This service token sends too many requests. Wait before you send the next one.",
        example=partial(TooManyTokenRequests, retry_after=15),
    ),
    TooManyPhones: ErrorRow(
        429,
        "rate_limited",
        "This service token has read as many full phone numbers as it may in a day.",
        example=partial(TooManyPhones, retry_after=3600),
    ),
    TokenNotFound: ErrorRow(404, "token_not_found", "Service token not found"),
}


_INVALID: Final = (
    "This service token is unknown, revoked or expired. The operator of the service lists the"
    " tokens by: dialtone admin-token list."
)
_MISPLACED: Final = (
    "A service token (dta_...) is valid for the paths below /admin/ only, such as GET"
    " /admin/users/{user_id}. This path needs the access token of a user, which POST"
    " /auth/verify-otp returns."
)


async def _authenticate(connection: Connection, token: str) -> Operator:
    use_cases: UseCases = connection.app.state.use_cases
    admin: AdminFeature = use_cases.features["admin"]
    try:
        return await admin.authenticate_token(token)
    except Unauthenticated:
        # Each costs a read of the database, which an access token with a wrong signature does not.
        acquire_for_ip(connection)
        raise Unauthenticated(_INVALID) from None


BACKENDS = OperatorKind(is_service_token, _authenticate, _MISPLACED)


_ABOUT = """\
Paths below `/admin/` are for staff in the web console, each by its role, and for backends with a
service token (`dialtone admin-token create`), which is sent in the same header. A service token is
valid for these paths only, and only for what its scopes allow. The token of a session of the
console is valid with the cookie that `POST /admin/session` sets.
"""
_ABOUT_TOKENS = (
    "Below `/admin/` a service token, which is no JWT: `dta_<id>_<secret>`; or the token of a"
    " session of the console, with its cookie."
)


class AdminHttpAdditions(HttpAdditions):
    """Users as administrators and backends see them, acts for them, and the audit."""

    about = MappingProxyType({ABOUT_API: _ABOUT, ABOUT_TOKENS: _ABOUT_TOKENS})
    errors = ERRORS
    operator_kinds = (BACKENDS,)
    use_cases = ("admin",)
    is_administration = True
    administration: Sequence[type[Controller]] = (
        AdminUserController,
        make_act_controller(USER_ACTS, ACT_PATHS),
        AuditController,
        UserListController,
    )

    def __init__(self, user_details: UserDetailsForm) -> None:
        self._user_details = user_details
        self.fields = user_details.extended

    def on_app_init(self, app_config: AppConfig) -> AppConfig:
        app_config.state["user_details"] = self._user_details
        return super().on_app_init(app_config)
