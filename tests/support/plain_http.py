"""What HTTP clients need that talk to servers on this machine only."""

import ssl
from typing import Any, Final

PLAIN_HTTP: Final[dict[str, Any]] = {
    "trust_env": False,
    # httpx makes one for each client otherwise and reads all certificates for it: 24 ms each.
    "verify": ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),
}
"""They follow no environment, and believe no certificate."""
