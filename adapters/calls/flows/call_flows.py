"""A call flow from a file, and its validation as a whole."""

import tomllib
from collections.abc import Sequence
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, Final

from adapters.calls.flows.flow_document import read_flow_document
from adapters.calls.flows.flow_rules import FlowProblem, validate_flow
from adapters.shared.files import read_text_file
from application.ports.errors import ConfigurationError
from domain.features.voice.flow import CallFlow

BUILTIN_FLOW: Final = files("adapters.calls.flows.builtin").joinpath("phone_line.toml")


class InvalidCallFlow(ConfigurationError):
    """A flow that cannot be used; `lines` has all problems, each with the file."""

    def __init__(self, location: str, problems: Sequence[FlowProblem]) -> None:
        """Make an error of all problems."""
        lines = (
            f"{', '.join(filter(None, [location, problem.place]))}: {problem.message}"
            for problem in problems
        )
        self.lines = tuple(map(_escape, lines))
        super().__init__("; ".join(self.lines))


def read_call_flow(file: Path | None, app_name: str) -> CallFlow:
    """Read and validate a flow, the built-in one for None.

    Raises:
        InvalidCallFlow: with all problems.
    """
    source = file or BUILTIN_FLOW
    location = str(file) if file else BUILTIN_FLOW.name
    try:
        document = _read_toml(source)
    except ValueError as error:
        raise InvalidCallFlow(location, [FlowProblem("", str(error))]) from error
    flow, problems, unreadable = read_flow_document(document, app_name)
    # What could not be read is not reported as empty or missing, too.
    places = {problem.place for problem in problems}
    problems += (
        problem for problem in validate_flow(flow, unreadable) if problem.place not in places
    )
    if problems:
        raise InvalidCallFlow(location, list(dict.fromkeys(problems)))
    return flow


def _read_toml(file: Traversable) -> dict[str, Any]:
    try:
        return tomllib.loads(read_text_file(file))
    except OSError as error:
        raise ValueError(f"it cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise ValueError("it is not UTF-8 text") from error
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"it is not TOML: {error}") from error
    except RecursionError as error:
        raise ValueError("it has too many nested brackets") from error
    except ValueError as error:
        raise ValueError("it has a number with too many digits") from error


def _escape(line: str) -> str:
    # A name in quotes may have any character.
    return "".join(
        character if character.isprintable() else f"\\u{ord(character):04x}" for character in line
    )
