"""The clock, the randomness and the processors of the operating system; held health checks."""

from adapters.operations.system.clock import SystemClock
from adapters.operations.system.free_space import FreeSpaceCheck
from adapters.operations.system.held_health_check import HeldHealthCheck
from adapters.operations.system.processors import count_processors
from adapters.operations.system.randomness import SystemRandomness

__all__ = [
    "FreeSpaceCheck",
    "HeldHealthCheck",
    "SystemClock",
    "SystemRandomness",
    "count_processors",
]
