"""Opening the limits that a URL names: its options, its certificates, and what a server is."""

import re
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import (
    AskError,
    AuthenticationError,
    AuthorizationError,
    ClusterError,
    NoPermissionError,
    RedisError,
)
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from adapters.databases.redis.limit_store import RedisLimitStore
from adapters.shared.causes import describe_error
from application.ports.errors import ConfigurationError

DEFAULT_TIMEOUT: Final = "4.5"
"""Seconds for all calls of a request together. `timeout` in the URL changes it."""
CONNECT_TIMEOUT: Final = 3.0
DEFAULT_PREFIX: Final = "dialtone"
_OPTIONS: Final = {"prefix": "[A-Za-z0-9_-]{1,40}", "timeout": r"[1-9](\.[0-9]+)?|0\.[1-9][0-9]*"}
_TLS_OPTIONS: Final = dict.fromkeys(("ssl_ca_certs", "ssl_certfile", "ssl_keyfile"), ".+")
_NO_EVICTION: Final = "noeviction"

_INVALID_URL: Final = (
    "The URL of Redis is not of the form redis://user:password@host:port/0: correct it, and escape "
    "all characters of user and password with % that are neither letters nor digits."
)
_INVALID_OPTION: Final = (
    "The URL of {location} has an unknown or invalid option {name}: known are prefix (up to 40 "
    "letters, digits, - and _), timeout (seconds, up to 9.9) and, with rediss://, the paths "
    "ssl_ca_certs, ssl_certfile and ssl_keyfile."
)
_WRONG_FILE: Final = (
    "The files of ssl_ca_certs, ssl_certfile and ssl_keyfile in the URL of {location} cannot be "
    "used ({cause}): correct their paths, or the rights of the files."
)
_WRONG_CREDENTIALS: Final = (
    "{location} rejects the user or the password: correct them in the URL, and escape all "
    "characters with % that are neither letters nor digits."
)
_NO_RIGHTS: Final = (
    "{location} does not let this user do what limits need: allow it +mget +get +set +pttl "
    "+evalsha +script|load and the keys that begin with {prefix}, or correct the user in the URL."
)
_NO_SERVER: Final = (
    "{location} has no server that responds: start Redis there, or correct scheme, host and port "
    "of the URL ({cause})."
)
_REJECTED: Final = "{location} cannot be used ({cause}): look into the log of Redis."
_IS_CLUSTER: Final = (
    "{location} is a Redis Cluster, which is not supported: name a single server, or a primary "
    "with its replicas."
)
_EVICTS: Final = (
    "{location} deletes limits that still count when its memory is full, because its "
    "maxmemory-policy is {policy}: set it to noeviction."
)
_UNKNOWN_POLICY: Final = (
    "this user may not use INFO, so check yourself that maxmemory-policy is noeviction"
)
_VOLATILE: Final = "appendonly is off: a restart forgets the limits since the last snapshot"


@dataclass(frozen=True, slots=True)
class RedisUrl:
    """What a URL says.

    Attributes:
        address: The URL without its options. It may have a password.
        location: Host, port and number of the database, without secrets.
        prefix: How all keys begin.
        timeout_seconds: The timeout of a call.
        tls: The options of TLS.
    """

    address: str
    location: str
    prefix: str
    timeout_seconds: float
    tls: Mapping[str, Any]


def parse_url(url: str) -> RedisUrl:
    """Parse a URL.

    Raises:
        ConfigurationError: It is invalid, or has an option that is unknown or invalid.
    """
    try:
        parts = urlsplit(url)
        host, port, database = parts.hostname or "", parts.port or 6379, parts.path.strip("/")
        options = dict(parse_qsl(parts.query, keep_blank_values=True))
    except ValueError:
        raise ConfigurationError(_INVALID_URL) from None
    location = f"{f'[{host}]' if ':' in host else host}:{port}/{database or 0}"
    known = _OPTIONS | (_TLS_OPTIONS if parts.scheme == "rediss" else {})
    for name, value in options.items():
        if name not in known or re.fullmatch(known[name], value) is None:
            raise ConfigurationError(_INVALID_OPTION.format(location=location, name=name))
    return RedisUrl(
        url.partition("?")[0],
        location,
        # In braces, so that a server with several parts keeps all keys in one of them.
        f"{{{options.get('prefix', DEFAULT_PREFIX)}}}:",
        float(options.get("timeout", DEFAULT_TIMEOUT)),
        {name: options[name] for name in _TLS_OPTIONS if name in options},
    )


@asynccontextmanager
async def open_redis_limits(url: str) -> AsyncIterator[RedisLimitStore]:
    """Open the limits until the block ends. The first call connects.

    Args:
        url: The URL of the server. Its options are `prefix`, `timeout` and those of TLS.

    Raises:
        ConfigurationError: The URL or a certificate is wrong; the message is for the operator.
    """
    parsed = parse_url(url)
    limits = RedisLimitStore(_make_client(parsed), parsed.prefix, parsed.timeout_seconds)
    try:
        yield limits
    finally:
        await limits.close()


async def inspect_server(url: str) -> str:
    """Check that the limits can be kept there, and return a note. Nothing stays there.

    Raises:
        ConfigurationError
    """
    parsed = parse_url(url)
    async with _make_client(parsed) as redis:
        try:
            await RedisLimitStore(redis, parsed.prefix, parsed.timeout_seconds).try_out()
        except RedisError as error:
            raise ConfigurationError(_explain(error, parsed)) from None
        try:
            info: Mapping[str, Any] = await redis.info()
        except RedisError:
            return _UNKNOWN_POLICY
    return _check_info(info, parsed.location)


def _explain(error: RedisError, url: RedisUrl) -> str:
    match error:
        case AuthenticationError() | AuthorizationError():
            text = _WRONG_CREDENTIALS
        case NoPermissionError():
            text = _NO_RIGHTS
        case ClusterError() | AskError():
            text = _IS_CLUSTER
        case RedisConnectionError() | RedisTimeoutError():
            text = _NO_SERVER
        case _:
            text = _REJECTED
    return text.format(location=url.location, prefix=url.prefix, cause=describe_error(error))


def _check_info(info: Mapping[str, Any], location: str) -> str:
    policy = info.get("maxmemory_policy", _NO_EVICTION)
    if info.get("redis_mode") == "cluster":
        raise ConfigurationError(_IS_CLUSTER.format(location=location))
    if policy != _NO_EVICTION:
        raise ConfigurationError(_EVICTS.format(location=location, policy=policy))
    return "" if info.get("aof_enabled", 1) else _VOLATILE


def _make_client(url: RedisUrl) -> Redis:
    if url.tls:
        # The client would report a file that is missing as a lost connection.
        try:
            context = ssl.create_default_context(cafile=url.tls.get("ssl_ca_certs"))
            if "ssl_certfile" in url.tls:
                # An empty password: OpenSSL would ask the terminal for that of an encrypted key.
                key_file = url.tls.get("ssl_keyfile")
                context.load_cert_chain(url.tls["ssl_certfile"], key_file, password="")
        except OSError as error:
            text = _WRONG_FILE.format(location=url.location, cause=describe_error(error))
            raise ConfigurationError(text) from None
    try:
        return Redis.from_url(
            url.address,
            # With 3, the client would use a connection that the server has closed.
            protocol=2,
            socket_timeout=url.timeout_seconds,
            socket_connect_timeout=min(CONNECT_TIMEOUT, url.timeout_seconds),
            # What may have been done already would count twice.
            retry=Retry(NoBackoff(), 0),
            **url.tls,
        )
    except ValueError:
        raise ConfigurationError(_INVALID_URL) from None
