"""Statistics over HTTP."""

from collections.abc import Sequence

from litestar import Controller

from domain.administration.scope import Scope
from entrypoints.http.features.statistics.controller import StatisticsController
from entrypoints.http.plugin import ApiPlugin


class StatisticsPlugin(ApiPlugin):
    """Statistics of messages and logins."""

    scopes = (Scope.READ_STATISTICS,)
    administration: Sequence[type[Controller]] = (StatisticsController,)
