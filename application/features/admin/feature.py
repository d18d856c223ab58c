"""Build the use cases of service tokens."""

from application.features.admin.ports import ServiceTokens
from application.features.admin.service_tokens import AdministerTokens, AuthenticateServiceToken
from application.operations.cleanup import expire
from application.use_cases import UseCases
from domain.features.admin.service_token import KEPT_AFTER_EXPIRY


class AdminFeature:
    """The use cases of service tokens. Commands change tokens without the limits."""

    def __init__(self, core: UseCases, service_tokens: ServiceTokens) -> None:
        clock, randomness = core.system.clock, core.system.randomness
        self.tokens = AdministerTokens(service_tokens, core.record_act, clock, randomness)
        self.authenticate_token = AuthenticateServiceToken(service_tokens, core.actor_limits, clock)
        core.operations.cleanup.add_steps(
            {"expired_service_tokens": expire(service_tokens, KEPT_AFTER_EXPIRY)}
        )
