"""Statistics and costs over HTTP."""

from collections.abc import Sequence

from litestar import Controller

from entrypoints.http.plugin import ApiPlugin
from entrypoints.http.statistics.controller import StatisticsController
from entrypoints.http.statistics.costs.controller import CostController


class StatisticsPlugin(ApiPlugin):
    """Statistics of messages and logins, and costs."""

    controllers: Sequence[type[Controller]] = (CostController, StatisticsController)
