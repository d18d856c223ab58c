"""Credentials of S3: those of the settings, or those that botocore finds.

https://docs.aws.amazon.com/boto3/latest/guide/credentials.html
"""

import asyncio
import logging
from dataclasses import dataclass, field
from functools import cache
from typing import Final, NamedTuple

from aiobotocore.session import AioSession
from botocore import exceptions as boto
from botocore.credentials import ReadOnlyCredentials, RefreshableCredentials
from botocore.exceptions import ClientError
from botocore.loaders import Loader, create_loader

from adapters.media.s3.client import S3Connection
from adapters.media.s3.errors import CHECK_ROLE, STORE_ERRORS
from application.ports.errors import ConfigurationError

_WAYS: Final = (
    "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; or give the machine or the container a role; "
    "or set AWS_ROLE_ARN and AWS_WEB_IDENTITY_TOKEN_FILE, or AWS_PROFILE. Roles, web identities "
    "and profiles are read from the environment of the process, not from .env."
)


class _Problem(NamedTuple):
    types: tuple[type[Exception], ...]
    cause: str
    fix: str


_PROBLEMS: Final = (
    _Problem((boto.ProfileNotFound,), "there is no such profile", "check AWS_PROFILE."),
    _Problem(
        (boto.PartialCredentialsError,),
        "they are incomplete",
        "set both the access key ID and the secret access key.",
    ),
    _Problem(
        (boto.ConfigParseError, boto.InvalidConfigError, boto.ConfigNotFound),
        "their configuration is invalid",
        "check AWS_PROFILE, AWS_ROLE_ARN and the files in ~/.aws.",
    ),
    _Problem(
        (boto.ReadTimeoutError, boto.ConnectTimeoutError, TimeoutError),
        "there was no response in time",
        CHECK_ROLE,
    ),
    _Problem(
        (
            boto.ConnectionError,
            boto.HTTPClientError,
            boto.MetadataRetrievalError,
            boto.CredentialRetrievalError,
        ),
        "the request for them failed",
        CHECK_ROLE,
    ),
    # botocore raises it for credentials that are expired when they arrive.
    _Problem((RuntimeError,), "they have expired already", "check the clock of this machine."),
    _Problem((OSError,), "a file cannot be read", "check AWS_WEB_IDENTITY_TOKEN_FILE and ~/.aws."),
)

# Its warnings have tracebacks. What fails for good is an error of the store.
logging.getLogger("aiobotocore.credentials").setLevel(logging.CRITICAL)
logging.getLogger("botocore.credentials").setLevel(logging.CRITICAL)


@dataclass(frozen=True, slots=True)
class FoundCredentials:
    """The credentials that sign requests.

    Attributes:
        session: Makes clients with the credentials, and renews these.
        keys: The keys as they are now.
    """

    session: AioSession = field(repr=False)
    keys: ReadOnlyCredentials = field(repr=False)
    is_temporary: bool


async def find_credentials(connection: S3Connection, seconds: float) -> FoundCredentials:
    """Return the credentials of the connection; without any, those that botocore finds.

    Raises:
        ConfigurationError: No credentials, or they cannot be loaded in this time.
    """
    session = AioSession()
    session.register_component("data_loader", _loader())
    # STS is asked in this region.
    session.set_config_variable("region", connection.region)
    if connection.access_key:
        session.set_credentials(
            connection.access_key, connection.secret_key, connection.session_token or None
        )
    try:
        async with asyncio.timeout(seconds):
            found = await session.get_credentials()
            keys = None if found is None else await found.get_frozen_credentials()
    except (*STORE_ERRORS, ValueError) as error:
        raise _not_loaded(error) from None
    if keys is None:
        raise ConfigurationError(f"No credentials of S3 were found. {_WAYS}")
    is_temporary = bool(keys.token) or isinstance(found, RefreshableCredentials)
    return FoundCredentials(session, keys, is_temporary)


@cache
def _loader() -> Loader:
    """Return what loads the large service models, and caches them."""
    return create_loader()


def _not_loaded(error: Exception) -> ConfigurationError:
    problem = next((problem for problem in _PROBLEMS if isinstance(error, problem.types)), None)
    if problem is not None:
        cause, fix = problem.cause, problem.fix
    elif isinstance(error, ClientError):
        code = error.response.get("Error", {}).get("Code", "")
        cause = "STS rejects the request" + (f" ({code})" if code.isalnum() else "")
        fix = "check the role in AWS_ROLE_ARN, whom it trusts, and the web identity."
    else:
        cause, fix = type(error).__name__, "check the role, the profile and the network."
    return ConfigurationError(f"The credentials of S3 cannot be loaded, {cause}: {fix}")
