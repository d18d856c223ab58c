"""The administration over HTTP."""

from collections.abc import Sequence

from litestar import Controller

from entrypoints.http.admin.audit.controller import AuditController
from entrypoints.http.admin.controller import AdminUserController
from entrypoints.http.admin.errors import ERRORS
from entrypoints.http.admin.service_tokens import BACKENDS
from entrypoints.http.plugin import ApiPlugin


class AdminPlugin(ApiPlugin):
    """What administrators and backends see of users and do for them, and the audit."""

    errors = ERRORS
    caller_kinds = (BACKENDS,)
    controllers: Sequence[type[Controller]] = (AdminUserController, AuditController)
