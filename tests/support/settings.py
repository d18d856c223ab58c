"""Settings for tests: only from the variables that a test names."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from unittest.mock import patch

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from adapters.messages.vonage import tokens
from entrypoints.composition.read_settings import read_settings
from entrypoints.settings.settings import Settings
from entrypoints.settings.startup_error import SettingsError


def settings(**variables: str) -> Settings:
    """Read settings whose variables are named without their prefix."""
    return read_settings(_with_prefix(variables), None)


def problem(**variables: str) -> str:
    """Return the only line of the error that these variables cause."""
    (line,) = problems(_with_prefix(variables)).values()
    return line


def problems(environ: dict[str, str]) -> dict[str, str]:
    """Return the lines of the error, each by the name of its variable."""
    with pytest.raises(SettingsError) as error:
        read_settings(environ, None)
    lines = str(error.value).splitlines()
    by_name = {line.partition(":")[0]: line for line in lines}
    assert len(by_name) == len(lines)
    return by_name


def _with_prefix(variables: dict[str, str]) -> dict[str, str]:
    return {f"DIALTONE_{name}": text for name, text in variables.items()}


@contextmanager
def keys_parsed_once() -> Iterator[None]:
    """Parse each private key once: it takes 50 ms, and tests read all settings again and again."""
    with patch(f"{tokens.__name__}.load_pem_private_key", cache(load_pem_private_key)):
        yield
