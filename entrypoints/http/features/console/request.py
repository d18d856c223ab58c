"""The request that handlers of the console take."""

from typing import Any, Final

from domain.features.console.session import ConsoleSession, make_form_token
from entrypoints.http.requests.headers import header_values
from entrypoints.http.requests.request import ApiRequest

SESSION_COOKIE: Final = "__Host-dialtone_console"
"""The cookie of a session. Browsers accept the name only with Secure, Path=/ and no Domain."""
FORM_COOKIE: Final = "__Host-dialtone_console_form"
"""The cookie of the forms before there is a session."""
KNOWN_COOKIE: Final = "__Host-dialtone_known"
"""The cookie with the device token of a browser in which somebody of the staff signed in."""


class ConsoleRequest(ApiRequest):
    """A request of the console: its session, if there is one, and the token of its forms."""

    @property
    def cookies(self) -> dict[str, str]:
        """The cookies by their exact names.

        The framework strips all kinds of spaces from a name. With one of them in front, a name does
        not begin with `__Host-` for a browser, so other sites of the domain can set such a cookie.
        """
        headers = header_values(self.scope, b"cookie")
        pairs = [part.strip(" \t").partition("=") for text in headers for part in text.split(";")]
        return {name: value for name, _, value in pairs}

    @property
    def console_session(self) -> ConsoleSession | None:
        """What `ConsoleMiddleware` has authenticated; None at the sign-in and on error pages."""
        scope: Any = self.scope
        session: ConsoleSession | None = scope.get("user")
        return session

    @property
    def act_name(self) -> str:
        path: str = self.scope["path"]
        return path.rstrip("/").rpartition("/")[2]

    @property
    def form_token(self) -> str:
        """What each form has in a hidden field; empty where there is no cookie."""
        name = SESSION_COOKIE if self.console_session is not None else FORM_COOKIE
        secret = self.cookies.get(name)
        return make_form_token(secret) if secret else ""
