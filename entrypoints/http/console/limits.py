"""The use of the limits that many phones share."""

from litestar import get
from litestar.response import Template

from application.limits.limit_alerts import HIGH_PERCENT
from application.otp.feature import LimitsFeature
from application.use_cases import UseCases
from domain.administration.scope import Scope
from entrypoints.http.console.console_controller import ConsoleController
from entrypoints.http.console.middleware import NEEDED_SCOPE
from entrypoints.http.console.render import render
from entrypoints.http.console.request import ConsoleRequest
from entrypoints.http.dependencies import Injected


class LimitsController(ConsoleController):
    """How much of each limit is used now."""

    path = "/console/limits"
    opt = {NEEDED_SCOPE: Scope.READ_STATISTICS}

    @get("/")
    async def show_limits(self, request: ConsoleRequest, use_cases: Injected[UseCases]) -> Template:
        """Return the page: the limits that are used most first."""
        uses = await use_cases.of(LimitsFeature).measure_limits()
        return render(
            request,
            "limits.html",
            uses=sorted(uses, key=lambda use: (-use.percent, use.limit, use.part, use.country)),
            high_percent=HIGH_PERCENT,
        )
