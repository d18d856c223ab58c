"""Messages shown in the terminal, for trying the service out."""

from adapters.console.messenger import ConsoleMessenger

__all__ = ["ConsoleMessenger"]
