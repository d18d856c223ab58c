"""The administration over HTTP."""

from collections.abc import Sequence
from types import MappingProxyType

from litestar import Controller

from entrypoints.http.admin.audit.controller import AuditController
from entrypoints.http.admin.controller import AdminUserController
from entrypoints.http.admin.errors import ERRORS
from entrypoints.http.admin.service_tokens import BACKENDS
from entrypoints.http.plugin import ABOUT_API, ABOUT_TOKENS, ApiPlugin

_ABOUT = """\
Paths below `/admin/` are for administrators, and for backends with a service token of the operator
(`dialtone admin-token create`), which is sent in the same header. A service token is valid for
these paths only, and only for what its scopes allow.
"""
_ABOUT_TOKENS = "Below `/admin/` also a service token, which is no JWT: `dta_<id>_<secret>`."


class AdminPlugin(ApiPlugin):
    """What administrators and backends see of users and do for them, and the audit."""

    about = MappingProxyType({ABOUT_API: _ABOUT, ABOUT_TOKENS: _ABOUT_TOKENS})
    errors = ERRORS
    caller_kinds = (BACKENDS,)
    controllers: Sequence[type[Controller]] = (AdminUserController, AuditController)
