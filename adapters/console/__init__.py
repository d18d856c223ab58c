"""Messages and calls printed to a text stream, for trying out the service without a provider."""

from adapters.console.calls import ConsoleCalls
from adapters.console.messenger import ConsoleMessenger

__all__ = ["ConsoleCalls", "ConsoleMessenger"]
