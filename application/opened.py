"""Features that are open, and the core that is built with what they add."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from application.additions import NO_ADDITIONS, Additions, merge
from application.core_ports import CorePorts, SecurityEventListeners
from application.identities.use_cases import IdentitiesPorts
from application.operations.use_cases import OperationsPorts
from application.otp.use_cases import LimitPorts, OtpPorts
from application.use_cases import UseCases

T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Opened(Generic[T_co]):
    """A feature that is open.

    Attributes:
        make: Makes its use cases of those of the core.
    """

    make: Callable[[UseCases], T_co]
    additions: Additions = NO_ADDITIONS


def make_nothing(_: UseCases) -> None:
    """Make no use cases: all that the feature does is what it adds."""


NOTHING: Final[Opened[None]] = Opened(make_nothing)


def build_core(
    core_ports: CorePorts,
    identities: IdentitiesPorts,
    operations: OperationsPorts,
    *,
    limits: LimitPorts | None,
    otp: OtpPorts | None,
    listeners: SecurityEventListeners,
    additions: Iterable[Additions],
    opened: Mapping[str, Opened[Any]],
) -> UseCases:
    """Build the core with all that is added to it. `make_use_cases` of the features comes next.

    Raises:
        AddedTwice
    """
    merged = merge([*additions, *(each.additions for each in opened.values())])
    for listener in merged.listeners:
        listeners.add(listener)
    return UseCases(core_ports, identities, operations, limits=limits, otp=otp, additions=merged)


def make_use_cases(core: UseCases, opened: Mapping[str, Opened[Any]]) -> None:
    """Make the use cases of the features, each after those that it needs."""
    for name, each in opened.items():
        core.features[name] = each.make(core)
