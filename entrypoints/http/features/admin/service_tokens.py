"""Requests of backends, by their service tokens."""

from typing import Final

from application.administration.operator import Operator
from application.features.admin.feature import AdminFeature
from application.use_cases import UseCases
from domain.errors import Unauthenticated
from domain.features.admin.service_token import is_service_token
from entrypoints.http.requests.auth import Connection, OperatorKind, acquire_for_ip

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
    try:
        return await use_cases.of(AdminFeature).authenticate_token(token)
    except Unauthenticated:
        # Each costs a read of the database, which an access token with a wrong signature does not.
        acquire_for_ip(connection)
        raise Unauthenticated(_INVALID) from None


BACKENDS = OperatorKind(is_service_token, _authenticate, _MISPLACED)
