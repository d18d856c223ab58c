"""What the operating system gives: the time and randomness."""

from adapters.system.clock import SystemClock
from adapters.system.randomness import SystemRandomness

__all__ = ["SystemClock", "SystemRandomness"]
