"""The page at `/`, and the client module for web apps."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, partial
from html import escape
from importlib.resources import files
from ipaddress import ip_address
from itertools import starmap
from pathlib import Path
from string import Template
from typing import Annotated, Any, Final

import msgspec
from litestar import Controller, Response, get, post
from litestar.config.app import AppConfig
from litestar.params import JSONBody

from application.features.start import GetRecentMessage
from entrypoints.http.additions import HttpAdditions
from entrypoints.http.fields import described
from entrypoints.http.requests.dependencies import Injected
from entrypoints.http.requests.headers import header_values, headers_of
from entrypoints.http.requests.request import ApiRequest
from entrypoints.http.responses.served_files import KEPT_BUT_ASKED_FOR, ServedFile
from entrypoints.parts.version import installed_version


def _read_module(name: str) -> bytes:
    content = files(__package__).joinpath("client", name).read_bytes()
    return content.replace(b"$version", installed_version().encode())


CLIENT_FILES: Final[Mapping[str, ServedFile]] = {
    f"/client/{name}": ServedFile(
        media_type, partial(_read_module, name), KEPT_BUT_ASKED_FOR, has_etag=True
    )
    for name, media_type in {
        "dialtone.js": "text/javascript",
        "dialtone.d.ts": "text/plain",
    }.items()
}


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpStartPageSettings:
    """The settings of the page at `/`, which only development has.

    - `keeps_messages` is whether the page may show them: no provider sends any to a phone, one
      process handles all requests, and only programs of this machine reach it.
    - `has_fixed_codes` is whether there are phones whose codes the operator has set. They get no
      message.
    - `image_sources` are where images may come from beside the origin of the page, as in a
      Content-Security-Policy.
    """

    port: int
    prints_messages: bool = False
    keeps_messages: bool = False
    has_fixed_codes: bool = False
    image_sources: tuple[str, ...] = ()


class StartHttpAdditions(HttpAdditions):
    """The client module, and in development the page. Without it, its paths are unknown ones."""

    use_cases = ("start",)

    def __init__(self, settings: HttpStartPageSettings | None) -> None:
        self._settings = settings
        self.files = CLIENT_FILES
        if settings is not None:
            self.files = {**CLIENT_FILES, **page_files()}
            self.hidden_controllers = (StartController,)

    def on_app_init(self, app_config: AppConfig) -> AppConfig:
        if self._settings is not None:
            app_config.state["start_page_settings"] = self._settings
        return super().on_app_init(app_config)


_HOST_NAMES: Final = ("localhost", "127.0.0.1")
_HTTP_PORT: Final = 80
_FORWARDING_HEADERS: Final = frozenset(
    {b"via", b"cdn-loop", b"x-original-host", b"x-envoy-external-address", b"x-remote-addr"}
)
# `Forwarded`, `X-Forwarded-For`, `X-Real-IP`, `CF-Connecting-IP`, `Fastly-Client-IP` and the like.
_FORWARDING_PARTS: Final = (b"forward", b"real-ip", b"connecting-ip", b"client-ip", b"clientip")


def may_see_messages(scope: Mapping[str, Any], settings: HttpStartPageSettings) -> bool:
    """Return whether this request may get the message of its own request for a code.

    - The service keeps messages, see `HttpStartPageSettings`.
    - The peer is this machine, and no header says that a proxy has sent the request on.
    - `Host` is `localhost` or `127.0.0.1` with the port of the server: a page of another name that
      leads to this machine (DNS rebinding) gets nothing.
    - No page of another origin has sent it, also none that `DIALTONE_WEB_ORIGINS` lists. Programs
      that are no browsers send neither `Origin` nor `Sec-Fetch-Site`.
    """
    hosts = header_values(scope, b"host")
    return (
        settings.keeps_messages
        and _has_loopback_peer(scope)
        and not any(map(_is_forwarding, headers_of(scope)))
        and len(hosts) == 1
        and hosts[0].lower() in _own_hosts(settings.port)
        and set(header_values(scope, b"origin")) <= {f"http://{hosts[0].lower()}"}
        and set(header_values(scope, b"sec-fetch-site")) <= {"same-origin"}
    )


def _has_loopback_peer(scope: Mapping[str, Any]) -> bool:
    client = scope.get("client")
    try:
        return client is not None and ip_address(client[0]).is_loopback
    except ValueError:
        return False


def _is_forwarding(header: bytes) -> bool:
    return header in _FORWARDING_HEADERS or any(part in header for part in _FORWARDING_PARTS)


def _own_hosts(port: int) -> set[str]:
    with_port = {f"{name}:{port}" for name in _HOST_NAMES}
    # Browsers leave out the default port.
    return {*with_port, *_HOST_NAMES} if port == _HTTP_PORT else with_port


_FILES: Final = {"page.css": "text/css", "page.js": "text/javascript"}
_GUIDES: Final = {
    "README.md": "the same with curl, and what comes next",
    "web.md": "sign-in in a web app, with the module of this page",
    "mobile.md": "sign-in in a mobile app",
    "voice.md": "the phone line",
    "administration.md": "help users",
    "settings.md": "settings and databases",
    "deployment.md": "production",
    "architecture.md": "how it is built",
}
_REPOSITORY: Final = Path(__file__).parents[4]


class MessageBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The request for a code whose message is wanted."""

    request_id: Annotated[str, described("That of the response to `POST /auth/request-otp`.")]


class MessageResponse(msgspec.Struct, kw_only=True):
    """The message of a request for a code."""

    text: Annotated[str | None, described("The text; null if only the terminal shows it.")]


class StartController(Controller):
    """A page that uses the API as a web app does. Only development has it."""

    include_in_schema = False

    @get("/", media_type="text/html")
    async def get_page(self, request: ApiRequest) -> Response[str]:
        settings = _settings_of(request)
        server = request.settings.server
        page = Template(_read_file("page.html").decode())
        return Response(
            page.substitute(
                version=installed_version(),
                console_link="".join(starmap(_link, request.app.state.pages.items())),
                prints_messages=str(settings.prints_messages).lower(),
                has_fixed_codes=str(settings.has_fixed_codes).lower(),
                guides_note=(
                    "As plain text:" if _has_guides() else "They are files of the repository:"
                ),
                guides="\n          ".join(map(_guide_item, _GUIDES)),
                own_url=escape(server.public_url) if server.is_public_url_set else "",
            ),
            headers={"Content-Security-Policy": _content_security_policy(request, settings)},
        )

    @post("/start/message", status_code=200)
    async def get_message(
        self, request: ApiRequest, start: Injected[GetRecentMessage], data: JSONBody[MessageBody]
    ) -> MessageResponse:
        """Return the message that a request for a code caused, null if it is not to be shown.

        It is a POST because its body, unlike a path, is in no log and in no history.
        """
        if not may_see_messages(request.scope, _settings_of(request)):
            return MessageResponse(text=None)
        return MessageResponse(text=start(data.request_id))


def page_files() -> Mapping[str, ServedFile]:
    """Return the files that the page loads, and the guides, which only a clone has."""
    guides = _GUIDES if _has_guides() else ()
    return {
        **{
            f"/start/{name}": ServedFile(media_type, partial(_read_file, name))
            for name, media_type in _FILES.items()
        },
        **{
            f"/start/guides/{name}": ServedFile("text/plain", _guide_path(name).read_bytes)
            for name in guides
        },
    }


def _settings_of(request: ApiRequest) -> HttpStartPageSettings:
    settings: HttpStartPageSettings = request.app.state.start_page_settings
    return settings


def _content_security_policy(request: ApiRequest, settings: HttpStartPageSettings) -> str:
    own_origin = f"http://{request.headers.get('host')}"
    others = (source for source in settings.image_sources if source != own_origin)
    images = " ".join(("'self'", "blob:", *others))
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        f"img-src {images}; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
    )


def _link(path: str, name: str) -> str:
    return f'<li><a href="{path}">{escape(name)}</a></li>'


@cache
def _has_guides() -> bool:
    # An installed package has no guides, but perhaps a folder of this name beside it.
    return all(_guide_path(name).is_file() for name in _GUIDES)


def _guide_path(name: str) -> Path:
    return _REPOSITORY / ("" if name == "README.md" else "docs") / name


def _guide_item(name: str) -> str:
    path = _guide_path(name).relative_to(_REPOSITORY)
    link = f'<a href="start/guides/{name}">{path}</a>' if _has_guides() else f"<code>{path}</code>"
    return f"<li>{link}: {_GUIDES[name]}</li>"


def _read_file(name: str) -> bytes:
    return files(__package__).joinpath(name).read_bytes()
