from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Patience:
    """How many seconds the store may take.

    `connect` for a connection, `silence` without a single byte, `request` for what goes in one
    step, `upload` for a file in parts (well within the lease of its item), `removal` for what the
    sweeper makes up for, so that nobody waits long for it, `look` for a probe, which readiness
    waits 3 for.
    """

    connect: float = 3.0
    silence: float = 10.0
    request: float = 20.0
    upload: float = 60.0
    removal: float = 5.0
    look: float = 2.5


PATIENCE: Final = Patience()
