"""Messages printed to a text stream, for trying out the service without a provider."""

from adapters.console.messenger import ConsoleMessenger

__all__ = ["ConsoleMessenger"]
