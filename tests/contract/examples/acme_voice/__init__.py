"""The phone line by Acme, an imaginary provider with a JSON API and signed webhooks.

An example of an adapter for calls. It is a package of its own, which only knows the ports.
"""

from tests.contract.examples.acme_voice.provider import AcmeVoice, open_acme_voice

__all__ = ["AcmeVoice", "open_acme_voice"]
