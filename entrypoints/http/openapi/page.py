"""The description as JSON, and a page for people that loads nothing from other hosts."""

from collections.abc import Callable, Mapping
from functools import partial
from importlib.metadata import distribution
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Final

from entrypoints.http.responses.served_files import KEPT_BUT_ASKED_FOR, ServedFile

_SWAGGER_UI_FILES: Final = {
    "swagger-ui.css": "text/css",
    "swagger-ui-bundle.js": "text/javascript",
    "favicon-32x32.png": "image/png",
}
_OWN_FILES: Final = {"page.css": "text/css", "page.js": "text/javascript"}
_CONTENT_SECURITY_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' blob: data:; connect-src 'self'; frame-ancestors 'none'"
)


def docs_files(describe: Callable[[], bytes], *, keeps_token: bool) -> Mapping[str, ServedFile]:
    """Return `/openapi.json` for programs, and `/docs` for people.

    The page is ours and not that of Litestar's `SwaggerRenderPlugin`. That one starts Swagger UI in
    an inline script, which our policy forbids, has no parameters for our plugins and for the token
    that is kept only in development, and serves Litestar's description instead of ours.
    """

    def read_page() -> bytes:
        page = Template(_read_own_file("page.html").decode())
        return page.substitute(keeps_token=str(keeps_token).lower()).encode()

    page_headers = {"Content-Security-Policy": _CONTENT_SECURITY_POLICY}
    kept = {"Cache-Control": "public, max-age=3600"}
    return {
        "/openapi.json": ServedFile(
            "application/json", describe, KEPT_BUT_ASKED_FOR, has_etag=True, is_compressed=True
        ),
        "/docs": ServedFile("text/html", read_page, page_headers),
        **{
            f"/docs/{name}": ServedFile(media_type, partial(_read_own_file, name))
            for name, media_type in _OWN_FILES.items()
        },
        **{
            f"/docs/{name}": ServedFile(media_type, partial(_read_swagger_ui_file, name), kept)
            for name, media_type in _SWAGGER_UI_FILES.items()
        },
    }


def _read_own_file(name: str) -> bytes:
    return files(__package__).joinpath(name).read_bytes()


def _read_swagger_ui_file(name: str) -> bytes:
    # Read from the distribution's files: importing the package would load web frameworks.
    path = distribution("swagger-ui-py").locate_file(f"swagger_ui/static/{name}")
    return Path(str(path)).read_bytes()
