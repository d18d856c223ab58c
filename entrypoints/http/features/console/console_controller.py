"""What all controllers of the console have."""

from litestar import Controller

from entrypoints.http.features.console.error_pages import to_page
from entrypoints.http.features.console.middleware import ConsoleMiddleware
from entrypoints.http.features.console.request import ConsoleRequest
from entrypoints.http.requests.dependencies import provide


class ConsoleController(Controller):
    """Pages for staff: all requests need a session of the console.

    - `opt` names the scope that its pages need: `NEEDED_SCOPE`. Each act checks its own.
    - In a handler, `request.caller` is the person, and `request.console_session` the session.
    """

    include_in_schema = False
    request_class = ConsoleRequest
    middleware = [ConsoleMiddleware()]
    exception_handlers = {Exception: to_page}
    dependencies = {"use_cases": provide(lambda use_cases: use_cases)}
