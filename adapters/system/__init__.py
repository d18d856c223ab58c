"""The clock and randomness of the operating system."""

from adapters.system.clock import SystemClock
from adapters.system.randomness import SystemRandomness

__all__ = ["SystemClock", "SystemRandomness"]
