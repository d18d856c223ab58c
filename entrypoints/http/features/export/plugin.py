"""Exports over HTTP."""

from collections.abc import Sequence

from litestar import Controller

from entrypoints.http.features.export.controller import ExportController, OwnExportController
from entrypoints.http.features.export.errors import ERRORS
from entrypoints.http.plugin import ApiPlugin


class ExportPlugin(ApiPlugin):
    """The export of the own data, and those of users for operators."""

    errors = ERRORS
    controllers: Sequence[type[Controller]] = (OwnExportController,)
    administration: Sequence[type[Controller]] = (ExportController,)
