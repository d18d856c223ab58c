"""Statistics and costs over HTTP."""

from collections.abc import Sequence

from litestar import Controller

from domain.administration.scope import Scope
from entrypoints.http.plugin import ApiPlugin
from entrypoints.http.statistics.controller import StatisticsController
from entrypoints.http.statistics.costs.controller import CostController
from entrypoints.http.statistics.errors import ERRORS


class StatisticsPlugin(ApiPlugin):
    """Statistics of messages and logins, and costs."""

    scopes = (Scope.READ_COSTS, Scope.READ_STATISTICS)
    errors = ERRORS
    administration: Sequence[type[Controller]] = (
        CostController,
        StatisticsController,
    )
