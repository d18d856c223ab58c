"""Exports over HTTP."""

from collections.abc import Sequence

from litestar import Controller

from domain.administration.scope import Scope
from entrypoints.http.export.controller import ExportController, OwnExportController
from entrypoints.http.export.errors import ERRORS
from entrypoints.http.plugin import ApiPlugin


class ExportPlugin(ApiPlugin):
    """The export of the caller, and those of users for operators."""

    scopes = (Scope.EXPORT_USERS,)
    errors = ERRORS
    controllers: Sequence[type[Controller]] = (OwnExportController,)
    administration: Sequence[type[Controller]] = (ExportController,)
