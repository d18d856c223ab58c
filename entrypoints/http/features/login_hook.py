"""What clients see of a login hook that fails."""

from types import MappingProxyType

from application.features.login_hook import LoginHookFailed
from domain.errors import Unavailable
from entrypoints.http.additions import HttpAdditions


class LoginHookHttpAdditions(HttpAdditions):
    """A login about which the hook did not decide is a 503: the same request works again."""

    port_errors = MappingProxyType({LoginHookFailed: Unavailable})
