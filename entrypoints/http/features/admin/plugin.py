"""The administration over HTTP."""

from collections.abc import Sequence
from types import MappingProxyType

from litestar import Controller
from litestar.config.app import AppConfig

from entrypoints.http.core.administration.user_details import UserDetailsForm
from entrypoints.http.features.admin.audit.controller import AuditController
from entrypoints.http.features.admin.controller import AdminUserController
from entrypoints.http.features.admin.errors import ERRORS
from entrypoints.http.features.admin.list_controller import UserListController
from entrypoints.http.features.admin.service_tokens import BACKENDS
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
    operator_kinds = (BACKENDS,)
    is_administration = True
    administration: Sequence[type[Controller]] = (
        AdminUserController,
        AuditController,
        UserListController,
    )

    def __init__(self, user_details: UserDetailsForm) -> None:
        self._user_details = user_details
        self.fields = user_details.extended

    def on_app_init(self, app_config: AppConfig) -> AppConfig:
        app_config.state["user_details"] = self._user_details
        return super().on_app_init(app_config)
