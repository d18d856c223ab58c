"""What is wrong with a URL, in words for the operator: its files, its options, its DNS records.

The driver's texts are compared with known ones and never quoted: they contain hosts and users. Each
problem ends with the way out.
"""

import re
import ssl
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final
from urllib.parse import unquote_plus

from adapters.shared.files import open_regular_file

X509: Final = "MONGODB-X509"
_CERTIFICATE: Final = "tlscertificatekeyfile"
_FILES: Final = {
    "tlscafile": "tlsCAFile",
    _CERTIFICATE: "tlsCertificateKeyFile",
    "tlscrlfile": "tlsCRLFile",
}
_OTHER_MECHANISM: Final = (
    "its authMechanism needs more than this service has: write SCRAM-SHA-256, SCRAM-SHA-1 or "
    "MONGODB-X509"
)
_TXT_RECORD: Final = (
    "the TXT record of its host is not one with only authSource, replicaSet and loadBalanced: "
    "correct it, or write mongodb:// and the hosts"
)
# The first that is found counts.
_REJECTIONS: Final[Mapping[str, str]] = {
    "$external or None for MONGODB-X509": (
        "MONGODB-X509 has its users in $external: write authSource=$external into the URL"
    ),
    "not supported by MONGODB-X509": "MONGODB-X509 takes no password: drop it from the URL",
    "requires a username": "its authMechanism needs a user: write user and password into the URL",
    "password is required": (
        "the URL has a user without a password: write user:password@, or "
        "authMechanism=MONGODB-X509 for a client certificate"
    ),
    "authmechanism must be": (
        "the driver does not know its authMechanism: write SCRAM-SHA-256, SCRAM-SHA-1 or "
        "MONGODB-X509, or drop the option"
    ),
    "pymongo-auth-aws": _OTHER_MECHANISM,
    '"kerberos" module': _OTHER_MECHANISM,
    "MONGODB-OIDC": _OTHER_MECHANISM,
    "TLS has not been enabled": (
        "tls=false contradicts the other tls options of the URL: drop one of them"
    ),
    "Invalid SRV host": (
        "the driver accepts no SRV record with a host of another domain than that of the URL: "
        "correct the records, name the other domain with srvAllowedHostsSuffix in the URL, or "
        "write mongodb:// and the hosts"
    ),
    "srvAllowedHostsSuffix": (
        "its srvAllowedHostsSuffix is not a domain of one owner: correct it, such as example.com"
    ),
    "srvMaxHosts": "srvMaxHosts contradicts replicaSet and loadBalanced: drop one of them",
    "TXT record": _TXT_RECORD,
    "supported from DNS": _TXT_RECORD,
    "Invalid URI host": (
        "mongodb+srv:// needs a host name that has SRV records: correct the host, or write "
        "mongodb://"
    ),
    "wire version": "its MongoDB is too old for the driver: start a newer MongoDB",
}


def uses_x509(url: str) -> bool:
    """Return whether the client certificate is the user."""
    return options_of(url).get("authmechanism") == X509


def find_file_problem(url: str) -> str | None:
    """Return what is wrong with the files of the URL's TLS options, or None.

    The driver would wait for the writer of a pipe, and would ask the terminal for a password.
    """
    options = options_of(url)
    paths = {
        option: Path(unquote_plus(options[option])) for option in _FILES if options.get(option)
    }
    for option, path in paths.items():
        try:
            open_regular_file(path).close()
        except OSError as error:
            return (
                f"the file {path} of {_FILES[option]} cannot be read ({error.strerror}): correct "
                "the path, or the rights of the file"
            )
        password = unquote_plus(options.get("tlscertificatekeyfilepassword", ""))
        if option == _CERTIFICATE:
            problem = _find_key_problem(path, password)
        else:
            problem = _find_list_problem(path, _FILES[option])
        if problem:
            return problem
    if uses_x509(url) and _CERTIFICATE not in paths:
        return (
            "MONGODB-X509 needs a client certificate: name its file with tlsCertificateKeyFile in "
            "the URL"
        )
    return None


def explain_rejection(error: Exception) -> str | None:
    """Return why the driver rejects a URL, or None if its text is not known."""
    text = str(error)
    return next((problem for known, problem in _REJECTIONS.items() if known in text), None)


class _EncryptedError(Exception):
    """OpenSSL asks for the password of a key."""


def _find_key_problem(path: Path, password: str) -> str | None:
    is_encrypted = _is_encrypted(path)
    if is_encrypted and not password:
        return (
            f"the key in the file {path} of tlsCertificateKeyFile is encrypted: write its password "
            "as tlsCertificateKeyFilePassword into the URL"
        )
    if _can_load(lambda context: context.load_cert_chain(path, password=password)):
        return None
    if is_encrypted:
        return f"tlsCertificateKeyFilePassword is not the password of the key in {path}: correct it"
    return (
        f"the file {path} of tlsCertificateKeyFile is invalid: name a file with a PEM certificate "
        "and its key"
    )


def _is_encrypted(path: Path) -> bool:
    def refuse() -> str:
        raise _EncryptedError

    try:
        _can_load(lambda context: context.load_cert_chain(path, password=refuse))
    except _EncryptedError:
        return True
    return False


def _find_list_problem(path: Path, name: str) -> str | None:
    if _can_load(lambda context: context.load_verify_locations(path)):
        return None
    return f"the file {path} of {name} is invalid: name a file in the PEM format"


def _can_load(load: Callable[[ssl.SSLContext], None]) -> bool:
    try:
        load(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
    except (OSError, ValueError):  # an SSLError is an OSError
        return False
    return True


def options_of(url: str) -> dict[str, str]:
    """Return the options of the URL, with names in lower case."""
    options = re.split("[&;]", url.partition("?")[2])
    pairs = (option.partition("=") for option in options if option)
    return {name.lower(): value for name, _, value in pairs}
