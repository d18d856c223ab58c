"""Options of HTTP clients for servers on this machine."""

import ssl
from typing import Any, Final

PLAIN_HTTP: Final[dict[str, Any]] = {
    "trust_env": False,
    # Otherwise httpx loads all certificates for each client: 24 ms.
    "verify": ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),
}
"""They ignore the proxies of the environment and trust no certificate."""
