"""The limits of codes, in the database or in a store of their own."""

from contextlib import AbstractAsyncContextManager
from typing import Final

from adapters.databases.records.call_deadlines import limit_own_calls
from adapters.databases.records.store_calls import guard_limits, wrap_store
from adapters.operations.system import HeldHealthCheck
from application.additions import Additions
from application.operations.check_readiness import CheckedPart
from application.otp.use_cases import LimitPorts
from application.ports.limits import LimitStore
from entrypoints.parts.composition import Composition, Openable
from entrypoints.parts.database import limits_with_metrics
from entrypoints.parts.factories import AlwaysHealthy, health_check_of, open_adapter
from entrypoints.settings.settings import Settings
from entrypoints.settings.startup_error import name_variable
from entrypoints.settings.values import Factory


class _Limits(Openable):
    name = "limits"


async def open_limits(composition: Composition) -> tuple[LimitPorts, Additions]:
    """Open the store of limits, and return the health of one of its own."""
    settings, limits = composition.settings, composition.database.limits
    former_limits, additions = None, Additions()
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
        additions = Additions(checked_parts={"limits": CheckedPart(HeldHealthCheck(health))})
    ports = LimitPorts(
        store=limits,
        codes=composition.codes,
        policy=settings.otp_policy(are_messages_reported=False),
        former_store=former_limits,
    )
    return ports, additions


def open_limit_store(
    factory: Factory, settings: Settings
) -> AbstractAsyncContextManager[LimitStore]:
    """Open the limit store that replaces that of the database."""
    environ = settings.variables.values
    return open_adapter(factory, "DIALTONE_LIMIT_STORE", LimitStore, environ=environ)


LIMITS: Final = _Limits()
