"""Messages printed to a text stream, for trying out the service without a provider."""

from adapters.messages.terminal.messenger import TerminalMessenger
from adapters.messages.terminal.recent_messages import InMemoryRecentMessages

__all__ = ["InMemoryRecentMessages", "TerminalMessenger"]
