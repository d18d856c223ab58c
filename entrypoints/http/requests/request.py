"""The request that handlers take."""

import re
from typing import Any, Final

from litestar import Request

from application.administration.operator import Operator
from application.principal import Principal
from domain.identities.session import MAX_DEVICE_NAME_LENGTH
from entrypoints.http.errors.exceptions import UnsupportedContentEncoding, UnsupportedMediaType
from entrypoints.http.errors.table import ErrorTable
from entrypoints.http.requests.client_ip import CLIENT_IP
from entrypoints.http.requests.headers import header_values
from entrypoints.http.requests.parsing import body_type, parse_json, with_fields
from entrypoints.http.settings import HttpSettings

# Order matters: for compatibility, most browsers also name browsers that are further below.
_BROWSERS: Final = (
    ("Edg", "Edge"),
    ("OPR", "Opera"),
    ("SamsungBrowser", "Samsung Internet"),
    ("Firefox", "Firefox"),
    ("FxiOS", "Firefox"),
    ("CriOS", "Chrome"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
    ("Dart", "App"),
    ("okhttp", "App"),
    ("CFNetwork", "App"),
)
_SYSTEMS: Final = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("CrOS", "ChromeOS"),
    ("Windows", "Windows"),
    ("Mac OS X", "Mac"),
    ("Macintosh", "Mac"),
    ("Darwin", "Apple device"),
    ("Linux", "Linux"),
)
_PRODUCT: Final = re.compile(r"[A-Za-z][\w.-]{1,39}(?=/|\s|$)")


def parse_device_name(user_agent: str) -> str | None:
    """Return a device name from `User-Agent` (RFC 9110 §10.1.5), such as "Chrome on Android".

    It is a guess for the user's list of sessions. No decision depends on it.
    """
    text = user_agent[: 4 * MAX_DEVICE_NAME_LENGTH]
    program = next((name for token, name in _BROWSERS if f"{token}/" in text), None)
    system = next((name for token, name in _SYSTEMS if token in text), None)
    if program is None and (product := _PRODUCT.match(text)) and product[0] != "Mozilla":
        program = product[0]
    if program and system:
        return f"{program} on {system}"
    return program or system


class ApiRequest(Request[Any, Principal, Any]):
    """A request: who sent it, its body parsed strictly, and the settings.

    What else a handler needs is injected. The principal is not: the framework runs 20 functions to
    inject it, beside the 305 of `GET /users/me`, which then takes a tenth more of the processor.
    """

    @property
    def principal(self) -> Principal:
        """What `AuthenticationMiddleware` has authenticated."""
        return self.auth

    @property
    def operator(self) -> Operator:
        """What `AdministrationMiddleware` has authenticated."""
        operator: Operator = self.scope["auth"]
        return operator

    @property
    def client_ip(self) -> str:
        scope: Any = self.scope
        client_ip: str = scope[CLIENT_IP]
        return client_ip

    @property
    def device_name(self) -> str | None:
        return parse_device_name(self.headers.get("user-agent", ""))

    async def json(self) -> Any:
        """Parse the body strictly, as the type that the handler declares.

        The framework calls this for `data`. What the method of its own class returns, it would
        convert leniently ("true" would be a boolean), and name the first invalid field only.
        """
        self._require_json()
        declared = body_type(self.route_handler)
        struct: Any = declared and with_fields(declared, self.app.state.fields)
        return parse_json(await self.body(), struct)

    def check_json_headers(self) -> None:
        """Check the headers of a request whose handler takes JSON, before its body is read."""
        self.require_identity_encoding()
        if header_values(self.scope, b"content-type"):
            self._require_json()

    def require_identity_encoding(self) -> None:
        """Check that the body, if there is one, is sent as it is.

        Raises:
            UnsupportedContentEncoding
        """
        encodings = header_values(self.scope, b"content-encoding")
        if not encodings:
            return
        codings = {text.strip().lower() for text in ",".join(encodings).split(",")}
        has_length = self.headers.get("content-length", "0") != "0"
        has_body = has_length or "transfer-encoding" in self.headers
        if has_body and not codings <= {"identity", ""}:
            raise UnsupportedContentEncoding

    def _require_json(self) -> None:
        # A web page can make browsers send other types to any host without asking it first.
        content_types = header_values(self.scope, b"content-type")
        media_types = [text.partition(";")[0].strip().lower() for text in content_types]
        if media_types != ["application/json"]:
            raise UnsupportedMediaType

    @property
    def errors(self) -> ErrorTable:
        errors: ErrorTable = self.app.state.errors
        return errors

    @property
    def settings(self) -> HttpSettings:
        settings: HttpSettings = self.app.state.settings
        return settings
