"""The web console: a page that is a client of the API below `/admin/`, like any other."""

from collections.abc import Callable, Mapping
from functools import cache, partial
from hashlib import sha256
from pathlib import Path
from types import MappingProxyType
from typing import Final

from litestar.config.app import AppConfig

from entrypoints.http.additions import HttpAdditions
from entrypoints.http.responses.served_files import KEPT_BUT_ASKED_FOR, ServedFile

_FOLDER: Final = Path(__file__).parent / "page"
_SCRIPTS: Final = ("console.js", "people.js", "views.js", "elements.js", "api.js")
_HEADERS: Final = {
    **KEPT_BUT_ASKED_FOR,
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "connect-src 'self'; img-src blob:; media-src blob:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
}
"""The page has no HTML of others: it makes each element, and writes texts as text."""


def _read(name: str) -> bytes:
    return (_FOLDER / name).read_bytes()


@cache
def page_version() -> str:
    """Return what changes with the files: a page that is older loads itself again."""
    files = b"".join(map(_read, ("console.html", "console.css", *_SCRIPTS)))
    return sha256(files).hexdigest()[:16]


def _read_page() -> bytes:
    return _read("console.html").replace(b"{version}", page_version().encode())


def _serve(media_type: str, read: Callable[[], bytes]) -> ServedFile:
    return ServedFile(media_type, read, _HEADERS, has_etag=True)


class ConsoleHttpAdditions(HttpAdditions):
    """The files of the page. They need no session: nothing in them is secret."""

    pages: Mapping[str, str] = MappingProxyType({"console": "Console for the staff"})
    files: Mapping[str, ServedFile] = MappingProxyType(
        {
            "/console": _serve("text/html", _read_page),
            "/console/console.css": _serve("text/css", partial(_read, "console.css")),
            **{
                f"/console/{name}": _serve("text/javascript", partial(_read, name))
                for name in _SCRIPTS
            },
        }
    )

    def on_app_init(self, app_config: AppConfig) -> AppConfig:
        app_config.state["console_page"] = page_version()
        return super().on_app_init(app_config)
