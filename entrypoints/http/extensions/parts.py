"""What the controllers of an extension are made of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from litestar import Controller
from litestar.di import Provide
from litestar.middleware.authentication import AuthenticationResult

from application.principal import Principal
from domain.errors import DomainError
from entrypoints.http.auth import AuthenticationMiddleware, Connection
from entrypoints.http.dependencies import provide
from entrypoints.http.errors.table import ErrorRow
from entrypoints.http.request import ApiRequest


@dataclass(frozen=True, slots=True)
class UserSession:
    """Who is calling.

    Attributes:
        user_id: The id of the user: 24 hex digits.
        session_id: The id of the session.
        has_recent_login: Whether the login is recent enough for what only administrators may.
        has_fresh_login: Whether the user signed in within the last 15 minutes, for what cannot be
            undone. Raise `FreshLoginRequired` otherwise.
        is_administrator: Whether an operator made the user an administrator. Without a recent login
            it is False.
    """

    user_id: str
    session_id: str
    has_recent_login: bool
    has_fresh_login: bool
    is_administrator: bool


class SessionAuthentication(AuthenticationMiddleware):
    """Authenticates as `AuthenticationMiddleware` does, and keeps the session only.

    A handler of an extension has no phone number in its reach.
    """

    async def authenticate_request(self, connection: Connection) -> AuthenticationResult:
        """Return the `UserSession` as `auth`."""
        principal: Principal = (await super().authenticate_request(connection)).auth
        session = UserSession(
            user_id=principal.identity.id,
            session_id=principal.session.id,
            has_recent_login=principal.has_recent_login,
            has_fresh_login=principal.has_fresh_login,
            is_administrator=principal.viewer.is_administrator,
        )
        return AuthenticationResult(user=None, auth=session)


class ExtensionRequest(ApiRequest):
    """The request that handlers of extensions take.

    Stable are `user_session`, `client_ip`, and the properties of Litestar's `Request`.
    """

    @property
    def user_session(self) -> UserSession:
        """Who is calling, where the controller has `AuthenticationMiddleware`."""
        session: UserSession = self.scope["auth"]
        return session


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtensionHttp:
    """The paths and the errors of an extension.

    Attributes:
        controllers: Litestar's controllers. The path of each begins with `/x/<name>/`. Requests
            without an access token are limited by IP, as those of our own public paths.
        errors: The rows of its own errors, which are subclasses of `DomainError`. Each code begins
            with `<name>_`.
    """

    controllers: Sequence[type[Controller]] = ()
    errors: Mapping[type[DomainError], ErrorRow] = field(default_factory=dict)


def provide_use_cases(use_cases: type) -> Provide:
    """Provide use cases to handlers, by the class of what `add_use_cases` was given."""
    return provide(lambda found: found.of(use_cases))
