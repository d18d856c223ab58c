"""The limits of codes, in the database or in a store of their own."""

from contextlib import AbstractAsyncContextManager
from typing import Final

from application.ports.keys import KeyPurpose
from application.ports.limits import LimitStore
from entrypoints.parts.composition import Composition
from entrypoints.parts.database import limits_with_metrics
from entrypoints.parts.factories import AlwaysHealthy, health_check_of, open_adapter
from entrypoints.parts.piece import Piece
from entrypoints.settings.settings import Settings
from entrypoints.settings.startup_error import name_variable
from entrypoints.settings.values import Factory


class _Limits(Piece):
    name = "limits"

    async def open(self, composition: Composition) -> None:
        from adapters.databases.records.call_deadlines import limit_own_calls
        from adapters.databases.records.store_calls import guard_limits, wrap_store
        from adapters.operations.system import HeldHealthCheck
        from application.administration.use_cases import UserDetailsUseCases
        from application.otp.use_cases import LimitUseCases

        settings, core, limits = (
            composition.settings,
            composition.use_cases,
            composition.database.limits,
        )
        former_limits = None
        if settings.limit_store is not None:
            former_limits = limits
            with name_variable("DIALTONE_LIMIT_STORE"):
                own = await composition.stack.enter_async_context(
                    open_limit_store(settings.limit_store, settings)
                )
            own = wrap_store(own, limit_own_calls("limits"))
            health = health_check_of(own)
            # Inside the guard, which does not call a store that is away.
            limits = limits_with_metrics(own, composition.metrics)
            if not isinstance(health, AlwaysHealthy):
                limits = composition.stack.enter_context(guard_limits(limits, health))
            core.operations.check_readiness.add("limits", HeldHealthCheck(health))
        peppers = composition.keys.key_set(KeyPurpose.OTP_PEPPER)
        policy = settings.otp_policy(are_messages_reported=False)
        feature = LimitUseCases(core, limits, peppers, policy, former_limits)
        core.add(feature)
        core.add(UserDetailsUseCases(core, core.administration, feature))


def open_limit_store(
    factory: Factory, settings: Settings
) -> AbstractAsyncContextManager[LimitStore]:
    """Open the limit store that replaces that of the database."""
    environ = settings.variables.values
    return open_adapter(factory, "DIALTONE_LIMIT_STORE", LimitStore, environ=environ)


LIMITS: Final = _Limits()
