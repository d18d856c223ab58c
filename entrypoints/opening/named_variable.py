"""Which variable names an adapter, in the error of the adapter."""

from collections.abc import Iterator
from contextlib import contextmanager

from application.ports.errors import ConfigurationError
from entrypoints.opening.startup_error import StartupError


@contextmanager
def name_variable(variable: str) -> Iterator[None]:
    """Add the variable that names an adapter to the adapter's error."""
    try:
        yield
    except ConfigurationError as error:
        raise StartupError(f"{variable}: {error}") from error
