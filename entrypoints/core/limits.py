"""The limits of codes, in the database or in a store of their own."""

from contextlib import AbstractAsyncContextManager
from typing import Final

from application.ports.keys import KeyPurpose
from application.ports.limits import LimitStore
from entrypoints.features.feature import Feature
from entrypoints.opening.database import limits_with_metrics
from entrypoints.opening.extras import check_extra
from entrypoints.opening.factories import AlwaysHealthy, health_check_of, open_adapter
from entrypoints.opening.named_variable import name_variable
from entrypoints.opening.opening import Opening
from entrypoints.settings.rules import Findings, Library
from entrypoints.settings.settings import Settings
from entrypoints.settings.values import Factory, LimitStoreLocation, RedisLocation


class _Limits(Feature):
    """The limits of codes, and what only reads them."""

    name = "limits"

    def check(self, settings: Settings) -> Findings:
        if isinstance(settings.limit_store, RedisLocation):
            return [[Library("DIALTONE_LIMIT_STORE", "redis", "redis://")]]
        return ()

    async def open(self, opening: Opening) -> None:
        """Open the limit store that `DIALTONE_LIMIT_STORE` names, or take that of the database."""
        from adapters.databases.records.call_deadlines import limit_own_calls
        from adapters.databases.records.store_calls import guard_limits, wrap_store
        from adapters.operations.system import HeldHealthCheck
        from application.administration.feature import UserDetailsFeature
        from application.otp.feature import LimitsFeature

        settings, core, limits = opening.settings, opening.use_cases, opening.database.limits
        former_limits = None
        if settings.limit_store is not None:
            former_limits, location = limits, settings.limit_store
            with name_variable(settings.variable_of("DIALTONE_LIMIT_STORE")):
                own = await opening.stack.enter_async_context(open_limit_store(location, settings))
            if isinstance(location, Factory):
                own = wrap_store(own, limit_own_calls("limits"))
            health = health_check_of(own)
            # Inside the guard, which does not call a store that is away.
            limits = limits_with_metrics(own, opening.metrics)
            if not isinstance(health, AlwaysHealthy):
                limits = opening.stack.enter_context(guard_limits(limits, health))
            core.operations.check_readiness.add("limits", HeldHealthCheck(health))
        peppers = opening.keys.key_set(KeyPurpose.OTP_PEPPER)
        policy = settings.otp_policy(are_messages_reported=False)
        feature = LimitsFeature(core, limits, peppers, policy, former_limits)
        core.add(feature)
        core.add(UserDetailsFeature(core, core.administration, feature))


def open_limit_store(
    location: LimitStoreLocation, settings: Settings
) -> AbstractAsyncContextManager[LimitStore]:
    """Open the limit store that replaces that of the database."""
    match location:
        case RedisLocation(url=url):
            from adapters.databases.redis import open_redis_limits

            return open_redis_limits(url)
        case Factory() as factory:
            environ = settings.variables.values
            variable = settings.variable_of("DIALTONE_LIMIT_STORE")
            return open_adapter(factory, variable, LimitStore, environ=environ)


def check_limit_store_extra(settings: Settings) -> None:
    """Check that the library of the limit store is installed.

    Raises:
        StartupError
    """
    if isinstance(settings.limit_store, RedisLocation):
        with name_variable(settings.variable_of("DIALTONE_LIMIT_STORE")):
            check_extra("redis", "redis://")


LIMITS: Final = _Limits()
