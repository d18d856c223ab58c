"""Why no server is reached, in words for the operator: most often it is TLS.

The driver reports every failed handshake as "no server", and its texts are the only place that has
the cause. They are compared with known ones and never quoted: they contain hosts, and readiness is
public.
"""

from collections.abc import Mapping
from typing import Final

from pymongo.monitoring import (
    ServerHeartbeatFailedEvent,
    ServerHeartbeatListener,
    ServerHeartbeatStartedEvent,
    ServerHeartbeatSucceededEvent,
)
from pymongo.topology_description import TopologyDescription

from adapters.databases.mongo.url_problems import options_of

_UNTRUSTED: Final = (
    "this machine does not trust the server's certificate: name the file of its authority with "
    "tlsCAFile in the URL"
)
_OTHER_HOST: Final = (
    "the server's certificate is for another host name: name the host of the certificate in the "
    "URL, or start MongoDB with a certificate for this host"
)
_NO_TLS: Final = (
    "the server does not use TLS: start MongoDB with TLS, or drop the tls options of the URL"
)
# Texts of OpenSSL; the first that is found counts.
_PROBLEMS: Final[Mapping[str, str]] = {
    "certificate has expired": "the server's certificate has expired: start MongoDB with a new one",
    "certificate is not yet valid": (
        "the server's certificate is not valid yet: correct the clock, or start MongoDB with "
        "another certificate"
    ),
    "certificate revoked": (
        "the server's certificate is revoked: start MongoDB with a new certificate"
    ),
    "CRL": "the list of tlsCRLFile cannot be used: correct it, or drop the option",
    "Hostname mismatch": _OTHER_HOST,
    "IP address mismatch": _OTHER_HOST,
    "self-signed certificate": _UNTRUSTED,
    "self signed certificate": _UNTRUSTED,
    "issuer certificate": _UNTRUSTED,
    "verify the first certificate": _UNTRUSTED,
    "CERTIFICATE_VERIFY_FAILED": (
        "the server's certificate is invalid: start MongoDB with another one"
    ),
    "ALERT": (
        "the server rejects the client's certificate: name a valid one with "
        "tlsCertificateKeyFile in the URL"
    ),
    "WRONG_VERSION_NUMBER": _NO_TLS,
    "EOF occurred in violation": _NO_TLS,
    "[SSL": "the TLS handshake with the server fails: correct the tls options of the URL",
}
_CLOSED: Final = "connection closed"
_CLIENT_CERTIFICATE: Final = (
    "the server closes the connection after the TLS handshake, as it does without a valid client "
    "certificate: name one with tlsCertificateKeyFile in the URL"
)
_TLS_REQUIRED: Final = (
    "the server closes the connection, as it does if it requires TLS: write tls=true into the URL"
)
_LOST: Final = (
    "the server has closed the connection: look into the log of MongoDB, and start again when it "
    "runs"
)


class Heartbeats(ServerHeartbeatListener):
    """Knows whether a server has ever answered this client."""

    def __init__(self) -> None:
        self.has_answer = False

    def started(self, event: ServerHeartbeatStartedEvent) -> None:
        pass

    def succeeded(self, event: ServerHeartbeatSucceededEvent) -> None:  # noqa: ARG002 -- any will do
        self.has_answer = True

    def failed(self, event: ServerHeartbeatFailedEvent) -> None:
        pass


def find_connection_problem(
    url: str, topology: TopologyDescription, *, has_answer: bool
) -> str | None:
    """Return why the client reaches no server that it could write to, or None if that is unknown.

    `has_answer` says whether a server has answered this client before. Then a connection that is
    closed does not mean that TLS is wrong.
    """
    if topology.has_writable_server():
        return None
    servers = topology.server_descriptions().values()
    errors = [str(server.error) for server in servers if server.error]
    problems = [_problem_of(url, error, has_answer=has_answer) for error in errors]
    return next((problem for problem in problems if problem), None)


def _problem_of(url: str, text: str, *, has_answer: bool) -> str | None:
    for known, problem in _PROBLEMS.items():
        if known in text:
            return problem
    if _CLOSED not in text:
        return None
    if has_answer:
        return _LOST
    return _CLIENT_CERTIFICATE if _uses_tls(url) else _TLS_REQUIRED


def _uses_tls(url: str) -> bool:
    options = options_of(url)
    default = "true" if url.startswith("mongodb+srv:") else "false"
    return options.get("tls", options.get("ssl", default)) == "true"
