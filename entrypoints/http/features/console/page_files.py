"""The files that pages of the console load, also that of the sign-in."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from litestar.handlers import HTTPRouteHandler

from entrypoints.http.features.console.error_pages import to_page
from entrypoints.http.features.console.middleware import SignInMiddleware
from entrypoints.http.features.console.part import ConsolePart
from entrypoints.http.requests.request import ApiRequest
from entrypoints.http.responses.served_files import ServedFile, serve_files


def _clear_cache(request: ApiRequest) -> Mapping[str, str]:
    """Make the browser forget pages, if the page that loads the style has no session.

    Chromium keeps pages in memory for its back button in spite of no-store (it calls that
    back/forward cache). A page without a session loads the style with a query. The response of the
    page itself would come too early: the page before it is kept only when it is left.
    """
    return {"Clear-Site-Data": '"cache"'} if "signed_out" in request.query_params else {}


_STYLE: Final = ServedFile(
    "text/css", (Path(__file__).parent / "style.css").read_bytes, headers_of=_clear_cache
)


def serve_console_files(parts: Sequence[ConsolePart]) -> HTTPRouteHandler:
    """Return the handler of the style and of the files of parts. They need no session."""
    served = {"/console/style.css": _STYLE}
    for part in parts:
        served |= part.files
    return serve_files(
        served, middleware=[SignInMiddleware()], exception_handlers={Exception: to_page}
    )
