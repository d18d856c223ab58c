"""The style of the console, which also the sign-in loads."""

from importlib.resources import files

from litestar import Response, get

from entrypoints.http.console.console_controller import ConsoleController
from entrypoints.http.console.middleware import SignInMiddleware
from entrypoints.http.console.request import ConsoleRequest


class StyleController(ConsoleController):
    """The only file that pages load besides pictures. It needs no session.

    Chromium keeps pages in memory for its back button in spite of no-store (it calls that
    back/forward cache). A page without a session loads the style with a query, whose response
    makes the browser forget them. The response of the page itself would come too early: the page
    before it is kept only when it is left.
    """

    path = "/console/style.css"
    middleware = [SignInMiddleware()]

    @get("/", media_type="text/css")
    async def get_style(self, request: ConsoleRequest) -> Response[bytes]:
        """Return the style sheet."""
        headers = {"Clear-Site-Data": '"cache"'} if "signed_out" in request.query_params else None
        style = files("entrypoints.http.console").joinpath("style.css").read_bytes()
        return Response(style, media_type="text/css", headers=headers)
