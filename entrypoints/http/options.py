"""OPTIONS, answered from the same place as a refused method."""

from typing import Any, Final

from litestar import HttpMethod, Request, Response
from litestar.exceptions import MethodNotAllowedException

from entrypoints.http.error_handlers import answer_framework

_NOBODYS_METHOD: Final = "TRACE"


async def answer_options(request: Request[Any, Any, Any]) -> Response[None] | None:
    """Answer OPTIONS with the methods that a refusal of any other would name.

    The framework's own answer knows one handler of a path only, and not that HEAD works.
    """
    if request.method != HttpMethod.OPTIONS:
        return None
    try:
        request.app.asgi_router.handle_routing(request.scope["path"], _NOBODYS_METHOD)
    except MethodNotAllowedException as refused:
        allowed = answer_framework(request, refused).headers["Allow"]
        return Response(None, status_code=204, headers={"Allow": allowed})
    return None
