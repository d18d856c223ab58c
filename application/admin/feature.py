"""Build the use cases of service tokens."""

from functools import cached_property

from application.admin.service_tokens import AdministerTokens, AuthenticateServiceToken
from application.operations.cleanup import expire
from application.otp.feature import LimitsFeature
from application.ports.service_tokens import ServiceTokens
from application.use_cases import UseCases


class AdminFeature:
    """The use cases of service tokens. Commands change tokens without the limits."""

    def __init__(self, core: UseCases, service_tokens: ServiceTokens) -> None:
        self._core = core
        self._service_tokens = service_tokens
        clock, randomness = core.system.clock, core.system.randomness
        self.tokens = AdministerTokens(service_tokens, core.record_act, clock, randomness)
        core.operations.cleanup.add_steps({"expired_service_tokens": expire(service_tokens)})

    @cached_property
    def authenticate_token(self) -> AuthenticateServiceToken:
        """Authenticates a service token. It needs the limits.

        Raises:
            FeatureNotOpen
        """
        limits, clock = self._core.of(LimitsFeature), self._core.system.clock
        return AuthenticateServiceToken(self._service_tokens, limits.token_limits, clock)
