"""The API's description, and a page for it that loads nothing from elsewhere."""

from functools import cache
from importlib.metadata import distribution
from importlib.resources import files
from pathlib import Path
from typing import Final, TypeAlias

from litestar import Controller, Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath, SkipValidation

from entrypoints.http.refusals import PathNotFound

ApiDescription: TypeAlias = NamedDependency[SkipValidation[bytes]]
_SWAGGER_UI: Final = {
    "swagger-ui.css": "text/css",
    "swagger-ui-bundle.js": "text/javascript",
    "favicon-32x32.png": "image/png",
}
_OURS: Final = {"page.js": "text/javascript"}
_PAGE_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'"
)


class ApiPageController(Controller):
    """`/openapi.json` for programs, `/docs` for people."""

    include_in_schema = False

    @get("/openapi.json", media_type="application/json")
    async def description(self, api_description: ApiDescription) -> bytes:
        """Give the description as JSON."""
        return api_description

    @get("/docs", media_type="text/html")
    async def page(self) -> Response[bytes]:
        """Give the page."""
        return Response(_our_file("page.html"), headers={"Content-Security-Policy": _PAGE_POLICY})

    @get("/docs/{name:str}")
    async def asset(self, name: FromPath[str]) -> Response[bytes]:
        """Give one of the few files that the page loads."""
        if name in _OURS:
            return Response(_our_file(name), media_type=_OURS[name])
        if name in _SWAGGER_UI:
            return Response(
                _swagger_ui_file(name),
                media_type=_SWAGGER_UI[name],
                headers={"Cache-Control": "public, max-age=3600"},
            )
        raise PathNotFound


def _our_file(name: str) -> bytes:
    return files(__name__).joinpath(name).read_bytes()


@cache
def _swagger_ui_file(name: str) -> bytes:
    # Read from the distribution's files: importing the package would load web frameworks.
    located = distribution("swagger-ui-py").locate_file(f"swagger_ui/static/{name}")
    return Path(str(located)).read_bytes()
