"""The OpenAPI description as JSON, and a page for people that loads nothing from other hosts."""

from functools import cache
from importlib.metadata import distribution
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any, Final

from litestar import Controller, Response, get
from litestar.params import FromPath

from entrypoints.http.compression import CompressedContent
from entrypoints.http.dependencies import Injected
from entrypoints.http.errors.exceptions import PathNotFound
from entrypoints.http.middleware import VARY
from entrypoints.http.request import ApiRequest

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


class OpenApiController(Controller):
    """`/openapi.json` for programs, `/docs` for people.

    The page is ours and not that of Litestar's `SwaggerRenderPlugin`. That one starts Swagger UI in
    an inline script, which our policy forbids, has no parameters for our plugins and for the token
    that is kept only in development, and serves Litestar's description instead of ours.
    """

    include_in_schema = False

    @get("/openapi.json", media_type="application/json")
    async def get_description(
        self, request: ApiRequest, description: Injected[CompressedContent]
    ) -> Response[bytes]:
        """Return the description as JSON. A client that has it already gets a 304."""
        scope: Any = request.scope
        scope[VARY] = b"Accept-Encoding"
        selected = description.select(request.headers)
        is_known = selected.validators.is_not_modified(request.headers)
        return Response(
            b"" if is_known else selected.content,
            status_code=304 if is_known else 200,
            # It can be kept, and is asked for again, because the next version has another one.
            headers=(selected.validators.headers if is_known else selected.headers)
            | {"Cache-Control": "public, no-cache"},
        )

    @get("/docs", media_type="text/html")
    async def get_page(self, request: ApiRequest) -> Response[str]:
        """Return the page."""
        page = Template(_read_own_file("page.html").decode())
        return Response(
            page.substitute(keeps_token=str(request.settings.server.keeps_docs_token).lower()),
            headers={"Content-Security-Policy": _CONTENT_SECURITY_POLICY},
        )

    @get("/docs/{name:str}")
    async def get_file(self, name: FromPath[str]) -> Response[bytes]:
        """Return a file that the page loads."""
        if name in _OWN_FILES:
            return Response(_read_own_file(name), media_type=_OWN_FILES[name])
        if name in _SWAGGER_UI_FILES:
            return Response(
                _read_swagger_ui_file(name),
                media_type=_SWAGGER_UI_FILES[name],
                headers={"Cache-Control": "public, max-age=3600"},
            )
        raise PathNotFound


def _read_own_file(name: str) -> bytes:
    return files(__package__).joinpath(name).read_bytes()


@cache
def _read_swagger_ui_file(name: str) -> bytes:
    # Read from the distribution's files: importing the package would load web frameworks.
    path = distribution("swagger-ui-py").locate_file(f"swagger_ui/static/{name}")
    return Path(str(path)).read_bytes()
