"""The page at `/`, and the message of a request for a code that it may show."""

from collections.abc import Mapping
from functools import cache, partial
from html import escape
from importlib.resources import files
from itertools import starmap
from pathlib import Path
from string import Template
from typing import Annotated, Final

import msgspec
from litestar import Controller, Response, get, post
from litestar.params import JSONBody

from application.features.start.feature import StartFeature
from entrypoints.http.features.start.message_access import may_see_messages
from entrypoints.http.features.start.settings import HttpStartPageSettings
from entrypoints.http.fields import described
from entrypoints.http.requests.dependencies import Injected, provide
from entrypoints.http.requests.request import ApiRequest
from entrypoints.http.responses.served_files import ServedFile
from entrypoints.version.distribution import installed_version

_FILES: Final = {"page.css": "text/css", "page.js": "text/javascript"}
_GUIDES: Final = {
    "README.md": "the same with curl, and what comes next",
    "web.md": "sign-in in a web app, with the module of this page",
    "mobile.md": "sign-in in a mobile app",
    "voice.md": "the phone line",
    "administration.md": "help users",
    "operating.md": "settings and commands",
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
    dependencies = {"start": provide(lambda use_cases: use_cases.of(StartFeature))}

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
                has_test_otps=str(settings.has_test_otps).lower(),
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
        self, request: ApiRequest, start: Injected[StartFeature], data: JSONBody[MessageBody]
    ) -> MessageResponse:
        """Return the message that a request for a code caused, null if it is not to be shown.

        It is a POST because its body, unlike a path, is in no log and in no history.
        """
        if not may_see_messages(request.scope, _settings_of(request)):
            return MessageResponse(text=None)
        return MessageResponse(text=start.get_recent_message(data.request_id))


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
    # Beside an installed package there are none, but perhaps a folder of this name.
    return all(_guide_path(name).is_file() for name in _GUIDES)


def _guide_path(name: str) -> Path:
    return _REPOSITORY / ("" if name == "README.md" else "docs") / name


def _guide_item(name: str) -> str:
    path = _guide_path(name).relative_to(_REPOSITORY)
    link = f'<a href="start/guides/{name}">{path}</a>' if _has_guides() else f"<code>{path}</code>"
    return f"<li>{link}: {_GUIDES[name]}</li>"


def _read_file(name: str) -> bytes:
    return files(__package__).joinpath(name).read_bytes()
