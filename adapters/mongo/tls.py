"""What is wrong with TLS, in words for the operator.

The driver reports every failed handshake as "no server", and its texts are the only place that has
the cause. They are compared with known ones and never quoted: they contain hosts, and readiness is
public.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Final
from urllib.parse import unquote_plus

from pymongo.topology_description import TopologyDescription

from adapters.files import open_regular_file
from adapters.mongo.options import options_of

_UNTRUSTED: Final = (
    "nobody that this machine trusts has issued the server's certificate: name the file of its "
    "authority with tlsCAFile in the URL"
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
_FILES: Final = {
    "tlscafile": "tlsCAFile",
    "tlscertificatekeyfile": "tlsCertificateKeyFile",
    "tlscrlfile": "tlsCRLFile",
}


def find_tls_problem(url: str, topology: TopologyDescription) -> str | None:
    """Return why TLS keeps the client from all servers that it could write to, or None."""
    if topology.has_writable_server():
        return None
    servers = topology.server_descriptions().values()
    problems = [_problem_of(url, str(server.error)) for server in servers if server.error]
    return next((problem for problem in problems if problem), None)


def find_file_problem(url: str) -> str | None:
    """Return which file of the URL's TLS options cannot be read, or None."""
    options = options_of(url)
    for option, name in _FILES.items():
        path = unquote_plus(options.get(option, ""))
        try:
            if path:
                open_regular_file(Path(path)).close()
        except OSError as error:
            return f"the file {path} of {name} cannot be read ({error.strerror})"
    return None


def _problem_of(url: str, text: str) -> str | None:
    for known, problem in _PROBLEMS.items():
        if known in text:
            return problem
    if _CLOSED not in text:
        return None
    return _CLIENT_CERTIFICATE if _uses_tls(url) else _TLS_REQUIRED


def _uses_tls(url: str) -> bool:
    options = options_of(url)
    default = "true" if url.startswith("mongodb+srv:") else "false"
    return options.get("tls", options.get("ssl", default)) == "true"
