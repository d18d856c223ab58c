"""The limits of codes, in the database or in a store of their own."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Final

from application.ports.keys import KeyPurpose
from application.ports.limits import LimitStore
from entrypoints.features.feature import Feature
from entrypoints.opening.database import limits_with_metrics
from entrypoints.opening.factories import health_check_of, open_adapter
from entrypoints.opening.named_variable import name_variable
from entrypoints.opening.opening import Opening
from entrypoints.settings.settings import Settings
from entrypoints.settings.values import Factory


class _Limits(Feature):
    """The limits of codes, and what only reads them."""

    name = "limits"
    folders = ()

    @asynccontextmanager
    async def open(self, opening: Opening) -> AsyncIterator[None]:
        """Open the limit store that `DIALTONE_LIMIT_STORE` names, or take that of the database."""
        from adapters.records.own_store import limit_calls
        from adapters.records.store_calls import wrap_limits
        from adapters.system import HeldHealthCheck
        from application.otp.feature import LimitsFeature

        settings, core, limits = opening.settings, opening.use_cases, opening.database.limits
        former_limits = None
        if settings.limit_store is not None:
            with name_variable("DIALTONE_LIMIT_STORE"):
                own = await opening.stack.enter_async_context(
                    open_limit_store(settings.limit_store, settings)
                )
            core.operations.check_readiness.add("limits", HeldHealthCheck(health_check_of(own)))
            limited = wrap_limits(own, limit_calls("limits"))
            limits, former_limits = limits_with_metrics(limited, opening.metrics), limits
        peppers = opening.keys.key_set(KeyPurpose.OTP_PEPPER)
        policy = settings.otp_policy(are_messages_reported=False)
        core.add(LimitsFeature(core, limits, peppers, policy, former_limits))
        yield


def open_limit_store(
    factory: Factory, settings: Settings
) -> AbstractAsyncContextManager[LimitStore]:
    """Open the limit store that replaces that of the database."""
    environ = settings.variables.values
    return open_adapter(factory, "DIALTONE_LIMIT_STORE", LimitStore, environ=environ)


LIMITS: Final = _Limits()
