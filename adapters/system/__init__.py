"""The clock, the randomness and the processors of the operating system."""

from adapters.system.clock import SystemClock
from adapters.system.processors import count_processors
from adapters.system.randomness import SystemRandomness

__all__ = ["SystemClock", "SystemRandomness", "count_processors"]
