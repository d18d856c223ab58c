"""Statistics over HTTP."""

from collections.abc import Sequence

from litestar import Controller

from entrypoints.http.features.statistics.controller import StatisticsController
from entrypoints.http.plugin import ApiPlugin


class StatisticsPlugin(ApiPlugin):
    """Statistics of messages and logins."""

    administration: Sequence[type[Controller]] = (StatisticsController,)
