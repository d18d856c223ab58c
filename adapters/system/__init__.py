"""The clock, the randomness and the processors of the operating system; held health checks."""

from adapters.system.clock import SystemClock
from adapters.system.free_space import FreeSpaceCheck
from adapters.system.held_health_check import HeldHealthCheck
from adapters.system.processors import count_processors
from adapters.system.randomness import SystemRandomness

__all__ = [
    "FreeSpaceCheck",
    "HeldHealthCheck",
    "SystemClock",
    "SystemRandomness",
    "count_processors",
]
