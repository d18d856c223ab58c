"""Why a database cannot be opened: a sentence for the operator, for each error of the driver."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import psycopg

from adapters.databases.postgres.driver import READ_ONLY, is_lost
from adapters.shared.causes import describe_error
from application.ports.errors import ConfigurationError, DatabaseMissing

_WRONG_CREDENTIALS: Final = (
    "{location} rejects the user or the password: correct them in the URL, and escape all "
    "characters with % that are neither letters nor digits."
)
_NOT_READY: Final = (
    "{location} does not accept connections now: wait until PostgreSQL has started, or look into "
    "its log."
)
_TLS_FAILED: Final = (
    "The TLS connection to {location} fails: correct the options of the URL that begin with ssl."
)
_REJECTED_CERTIFICATE: Final = (
    "{location} requires a client certificate of an authority that it trusts: name a valid one "
    "with sslcert and sslkey in the URL."
)
_ENCRYPTED_KEY: Final = (
    "The key of sslkey in the URL of {location} is encrypted, and sslpassword is missing or wrong: "
    "write its password as sslpassword into the URL."
)
_NO_SERVER: Final = (
    "{location} has no server that responds: start PostgreSQL there, or correct host and port of "
    "the URL ({cause})."
)
_NO_DATABASE: Final = (
    "{location} does not exist: create it with `createdb --encoding=UTF8 --template=template0`, or "
    "correct the name in the URL."
)
_NO_SERVER_BEHIND: Final = (
    "The pooler at {location} has no connection to PostgreSQL for this user: start PostgreSQL, or "
    "look into the log of the pooler."
)
_IS_READ_ONLY: Final = (
    "{location} is read-only: name the primary in the URL, or all servers, host1,host2."
)
_OTHER_ROLE: Final = (
    "{location} is not of the role that target_session_attrs in the URL names: drop that option, "
    "because Dialtone has to write."
)
_UNTRUSTED: Final = (
    "This machine does not trust the certificate of {location}, or it has expired: name the file "
    "of its authority with sslrootcert in the URL."
)
_ROOT_FILE: Final = ".postgresql/root.crt"
"""File in the home folder that libpq uses if neither URL nor environment has sslrootcert."""
_WRONG_VALUE: Final = (
    "The URL of {location} has a wrong value of {option}: correct it, or drop the option."
)
_OPTION: Final = re.compile(
    r"""invalid "?([a-z_]+)"? value: |for connection option "([a-z_]+)"|bad value for ([a-z_]+): """
)
# Texts of libpq and of the server; the first that is found counts. They are in English if the
# server's lc_messages is. The order is from the server's own answers to a missing one, because a
# URL with several hosts has all their texts.
_CONNECTION_PROBLEMS: Final[Mapping[str, str]] = {
    # Texts of PgBouncer.
    "unsupported startup parameter": (
        "The pooler at {location} rejects an option of the URL: drop it, or name it in "
        "ignore_startup_parameters of PgBouncer."
    ),
    "no more connections allowed": (
        "The pooler at {location} has no free connection: raise max_client_conn of PgBouncer, or "
        "lower pool_size in the URLs of all instances."
    ),
    "statement pooling mode": (
        "The pooler at {location} divides transactions: set pool_mode of PgBouncer to transaction "
        "or session."
    ),
    "no such database": _NO_DATABASE,
    "no such user": _WRONG_CREDENTIALS,
    "server login": _NO_SERVER_BEHIND,
    "query_wait_timeout": _NO_SERVER_BEHIND,
    # Texts of PostgreSQL and libpq.
    "channel binding": (
        "{location} does not offer the channel binding that the URL requires, which needs TLS and "
        "a password by scram-sha-256 without a pooler between: correct that, or drop "
        "channel_binding from the URL."
    ),
    "authentication method requirement": (
        "{location} does not ask for the password in a way that require_auth in the URL names: "
        "correct that option, or drop it."
    ),
    "unrecognized configuration parameter": (
        "{location} does not know a parameter in `options` of the URL: correct it, or drop it."
    ),
    "not in hot standby mode": _OTHER_ROLE,
    "session is not read-only": _OTHER_ROLE,
    "pg_hba.conf": (
        "{location} does not let this user connect from this host: allow it in pg_hba.conf, or "
        "write sslmode=require into the URL if it requires TLS."
    ),
    "valid client certificate": _REJECTED_CERTIFICATE,
    "certificate authentication failed": (
        "{location} does not accept the client certificate for this user: name the user of the "
        "certificate (its CN) in the URL, or map the two in pg_ident.conf."
    ),
    "authentication": _WRONG_CREDENTIALS,
    "no password supplied": _WRONG_CREDENTIALS,
    'FATAL:  role "': _WRONG_CREDENTIALS,
    'FATAL:  database "': _NO_DATABASE,
    "session is read-only": _IS_READ_ONLY,
    "server is in hot standby mode": _IS_READ_ONLY,
    "permission denied for database": (
        "{location} does not let this user connect: grant it CONNECT on that database, or name "
        "another user in the URL."
    ),
    "connection slots": (
        "{location} has no free connection: raise max_connections of PostgreSQL, or lower "
        "pool_size in the URLs of all instances."
    ),
    "too many clients": (
        "{location} has no free connection: raise max_connections of PostgreSQL, or lower "
        "pool_size in the URLs of all instances."
    ),
    "starting up": _NOT_READY,
    "shutting down": _NOT_READY,
    "not accepting connections": _NOT_READY,
    "recovery mode": _NOT_READY,
    "does not support SSL": (
        "{location} does not use TLS: start PostgreSQL with TLS, or drop sslmode from the URL."
    ),
    "does not match host name": (
        "The certificate of {location} is for another host name: name the host of the certificate "
        "in the URL, or start PostgreSQL with a certificate for this host."
    ),
    "certificate verify failed": _UNTRUSTED,
    f'{_ROOT_FILE}" does not exist': (
        "The URL of {location} lets the certificate be checked, and has no sslrootcert: name the "
        "file of its authority, or write sslrootcert=system if a public one has issued it."
    ),
    f'{_ROOT_FILE}"': (
        f"~/{_ROOT_FILE} of this user cannot be used, and the URL of {{location}} has no "
        "sslrootcert: name the file of its authority with that option, or remove this file."
    ),
    "root certificate file": (
        "The file of sslrootcert in the URL of {location} cannot be read: correct the path, or the "
        "rights of the file."
    ),
    # With an encrypted key OpenSSL takes the password from the URL, which may not be there.
    "bad decrypt": _ENCRYPTED_KEY,
    "processing error": _ENCRYPTED_KEY,
    "does not match private key": (
        "The key of sslkey in the URL of {location} is not that of the certificate of sslcert: "
        "correct one of the two."
    ),
    "certificate file": (
        "The file of sslcert in the URL of {location} cannot be used: correct the path, or the "
        "rights of the file."
    ),
    "private key file": (
        "The file of sslkey in the URL of {location} cannot be used: correct the path, the rights "
        "of the file, or sslpassword."
    ),
    "alert unknown ca": _REJECTED_CERTIFICATE,
    "alert certificate": _REJECTED_CERTIFICATE,
    "SSL error": _TLS_FAILED,
    "request an SSL certificate": _TLS_FAILED,
    "weak sslmode": (
        "Other options of the URL of {location} need a stricter sslmode: write sslmode=verify-full."
    ),
    "resolve host": (
        "{location} cannot be resolved: correct the host in the URL, or the DNS of this machine."
    ),
    "Name or service not known": (
        "{location} cannot be resolved: correct the host in the URL, or the DNS of this machine."
    ),
}
_NO_RIGHTS: Final = (
    "{location} does not let this user read and write: make it the owner of the database, or grant "
    "it USAGE and CREATE on the schema and all rights on Dialtone's tables. Only the owner of a "
    "table can add a column or an index: run `dialtone migrate` as that user."
)
_UNEXPECTED: Final = "{location} cannot be opened ({cause}): look into the log of PostgreSQL."
_STATEMENT_PROBLEMS: Final = {
    "42501": _NO_RIGHTS,  # insufficient_privilege
    READ_ONLY: _IS_READ_ONLY,
    "57014": (  # query_canceled
        "A statement in {location} was cancelled, or took longer than statement_timeout of this "
        "user: raise that with ALTER ROLE … SET, or name the server itself if the URL names a "
        "pooler."
    ),
}


@contextmanager
def errors_while_opening(location: str) -> Iterator[None]:
    """Turn errors of the driver in the block into ConfigurationError."""
    try:
        yield
    except psycopg.Error as error:
        text = explain(error, location)
        is_missing = text == _NO_DATABASE.format(location=location)
        raise (DatabaseMissing if is_missing else ConfigurationError)(text) from None


def explain(error: psycopg.Error, location: str) -> str:
    """Return why the database cannot be used, and the way out."""
    message, text = _STATEMENT_PROBLEMS.get(error.sqlstate or "", _UNEXPECTED), str(error)
    if error.sqlstate is None and (wrong := _OPTION.search(text)):
        return _WRONG_VALUE.format(location=location, option=wrong[wrong.lastindex or 0])
    if is_lost(error):
        found = (one for known, one in _CONNECTION_PROBLEMS.items() if known in text)
        message = next(found, _NO_SERVER)
        if message is _UNTRUSTED and (Path.home() / _ROOT_FILE).exists():
            message += f" Without it, ~/{_ROOT_FILE} of this user counts, which exists."
    return message.format(location=location, cause=describe_error(error))
