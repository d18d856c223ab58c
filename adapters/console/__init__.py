"""Messages printed to a text stream, for trying out the service without a provider."""

from adapters.console.messenger import ConsoleMessenger
from adapters.console.recent_messages import InMemoryRecentMessages

__all__ = ["ConsoleMessenger", "InMemoryRecentMessages"]
