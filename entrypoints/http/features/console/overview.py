"""The first page: the last 24 hours in a few figures, and whether all parts work."""

import asyncio
from collections.abc import Mapping
from typing import Any, Final

from litestar import get
from litestar.response import Template

from application.identities.count_users import UserCount
from application.operations.check_readiness import Readiness
from application.ports.errors import PortError
from application.use_cases import UseCases
from domain.administration.scope import Scope
from entrypoints.http.features.console.console_controller import ConsoleController
from entrypoints.http.features.console.part import shown_parts
from entrypoints.http.features.console.render import render
from entrypoints.http.features.console.request import ConsoleRequest
from entrypoints.http.requests.dependencies import Injected

COUNT_TIMEOUT: Final = 2.0
"""Seconds that the page waits for the number of users, which is counted every five minutes."""


class OverviewController(ConsoleController):
    """What staff sees first: the numbers only who may read them."""

    path = "/console"

    @get("/")
    async def show_overview(
        self, request: ConsoleRequest, use_cases: Injected[UseCases]
    ) -> Template:
        context: dict[str, Any] = {}
        parts = shown_parts(request)
        sees_numbers = request.operator.has_scope(Scope.READ_STATISTICS)
        for part in parts:
            if part.describe_overview is not None:
                context |= await part.describe_overview(request, use_cases)
        readiness = await use_cases.operations.check_readiness()
        return render(
            request,
            "console/overview.html",
            sections=[part.overview_section for part in parts if part.overview_section],
            sees_numbers=sees_numbers,
            users=await _find_users(use_cases) if sees_numbers else None,
            is_ready=readiness.is_ready,
            parts=_name_parts(readiness),
            **context,
        )


async def _find_users(use_cases: UseCases) -> UserCount | None:
    """Return the number of users; None while they are counted, or if they cannot be."""
    try:
        async with asyncio.timeout(COUNT_TIMEOUT):
            return await use_cases.identities.count_users.recent()
    except (PortError, TimeoutError):
        return None


def _name_parts(readiness: Readiness) -> Mapping[str, str]:
    problems = {"database": readiness.database, **readiness.parts}
    return {name: problem or "ok" for name, problem in problems.items()}
