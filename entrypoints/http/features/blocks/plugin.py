"""Blocks over HTTP."""

from collections.abc import Sequence

from litestar import Controller

from entrypoints.http.features.blocks.controller import BlockController
from entrypoints.http.features.blocks.errors import ERRORS
from entrypoints.http.plugin import ApiPlugin


class BlocksPlugin(ApiPlugin):
    """Blocks."""

    errors = ERRORS
    administration: Sequence[type[Controller]] = (BlockController,)
