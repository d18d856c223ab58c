"""Build the use cases of service tokens and of the list of users."""

from application.features.admin.list_users import ListUsers
from application.features.admin.ports import AdminRepositories
from application.features.admin.service_tokens import AdministerTokens, AuthenticateServiceToken
from application.operations.cleanup import expire
from application.use_cases import UseCases
from domain.features.admin.service_token import KEPT_AFTER_EXPIRY


class AdminFeature:
    """The use cases of service tokens, which commands change without the limits, and the list."""

    def __init__(self, core: UseCases, repositories: AdminRepositories) -> None:
        clock, randomness = core.system.clock, core.system.randomness
        tokens = repositories.service_tokens
        self.tokens = AdministerTokens(tokens, core.record_act, clock, randomness)
        self.authenticate_token = AuthenticateServiceToken(tokens, core.actor_limits, clock)
        self.list_users = ListUsers(
            user_list=repositories.user_list,
            audit_log=core.repositories.audit_log,
            clock=clock,
            randomness=randomness,
        )
        core.operations.cleanup.add_steps(
            {"expired_service_tokens": expire(tokens, KEPT_AFTER_EXPIRY)}
        )
