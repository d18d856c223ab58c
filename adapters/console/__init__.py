"""Messages printed to a text stream, for trying out the service without an SMS provider."""

from adapters.console.messenger import ConsoleMessenger

__all__ = ["ConsoleMessenger"]
