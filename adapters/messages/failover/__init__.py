"""Several messengers in order: if a provider rejects a message, the next one is tried."""

from adapters.messages.failover.messenger import FailoverMessenger, FailoverProvider

__all__ = ["FailoverMessenger", "FailoverProvider"]
