"""Statistics over HTTP."""

from collections.abc import Sequence

from litestar import Controller

from domain.administration.scope import Scope
from entrypoints.http.plugin import ApiPlugin
from entrypoints.http.statistics.controller import StatisticsController


class StatisticsPlugin(ApiPlugin):
    """Statistics of messages and logins, with what they cost."""

    scopes = (Scope.READ_COSTS, Scope.READ_STATISTICS)
    administration: Sequence[type[Controller]] = (StatisticsController,)
