"""What features add to the core: all of it is known before the core is built."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Final

from application.administration.additions import AdministrationAdditions
from application.limits.additions import LimitAdditions
from application.operations.cleanup import OperationsAdditions
from application.otp.use_cases import CodeAdditions
from application.ports.security_events import SecurityEvents


class AddedTwice(TypeError):
    """Two features add the same single thing."""


@dataclass(frozen=True, kw_only=True)
class Additions(CodeAdditions, LimitAdditions, AdministrationAdditions, OperationsAdditions):
    """All that a feature may add to the core; nothing by default.

    `listeners` get each security event.
    """

    listeners: Sequence[SecurityEvents] = ()


NO_ADDITIONS: Final = Additions()


def merge(several: Iterable[Additions]) -> Additions:
    """Return what all features add, as one.

    Raises:
        AddedTwice
    """
    merged: dict[str, Any] = {}
    empty = Additions()
    for additions in several:
        for name in (field.name for field in fields(Additions)):
            value, before = getattr(additions, name), merged.get(name)
            if value == getattr(empty, name):
                continue
            if before is None:
                merged[name] = value
            elif isinstance(value, Mapping) and not before.keys() & value.keys():
                merged[name] = {**before, **value}
            elif isinstance(value, Sequence):
                merged[name] = (*before, *value)
            else:
                raise AddedTwice(f"two features add {name}: {before} and {value}")
    return Additions(**merged)
