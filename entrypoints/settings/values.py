"""Taking one variable after another, and remembering everything that is wrong."""

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any, TypeVar

from domain.errors import InvalidValue
from entrypoints.settings.env_file import EnvFile
from entrypoints.settings.kinds import Given, Origin, UnknownName
from entrypoints.settings.not_yet import NOT_YET, refusal_of
from entrypoints.settings.table import VARIABLES
from entrypoints.settings.variable import Variable

T = TypeVar("T")
PREFIX = "DIALTONE_"


class Values:
    """What environment and `.env` set; an empty value sets nothing."""

    def __init__(self, environ: Mapping[str, str], env_file: EnvFile) -> None:
        self.given: dict[str, Given] = {}
        self._refused: dict[str, str] = {}
        self._of_the_file = env_file.problems
        sources = ((Origin.ENV_FILE, env_file.values), (Origin.ENVIRONMENT, environ))
        everything = [
            (name, value, origin)
            for origin, values in sources
            for name, value in values.items()
            if value.strip()
        ]
        self._set = {name: Given(value.strip(), origin) for name, value, origin in everything}
        self.environ = {name: value for name, value, _ in everything}

    def take(self, variable: Variable[T], default: str | None = None) -> T:
        """Give the value; of one that is refused the default, and the refusal is kept."""
        usual = Given(variable.default if default is None else default, Origin.DEFAULT)
        given = self._set.get(variable.name, usual)
        self.given[variable.name] = given
        try:
            if not given.text.isprintable():
                raise InvalidValue("It holds characters that cannot be printed.")
            return variable.read(given.text)
        except InvalidValue as refusal:
            self.refuse(variable, f"{refusal.message} {variable.example_like(given.text)}")
            return variable.read(usual.text)

    def need(self, variable: Variable[str | None], needed_by: str) -> str:
        """Give the value, which something else cannot do without."""
        value = self.take(variable)
        if value is None:
            self.refuse_missing(variable, f"{needed_by} needs it")
        return value or ""

    def leave(self, *variables: Variable[Any]) -> None:
        """Keep what variables are set to that nothing uses, to be shown; it is not judged.

        Other programs read these names too, and anything may be in them.
        """
        for variable in variables:
            usual = Given(variable.default, Origin.DEFAULT)
            self.given[variable.name] = self._set.get(variable.name, usual)

    def has(self, variable: Variable[Any]) -> bool:
        """Whether the variable is set, to whatever."""
        return variable.name in self._set

    def refuse(self, variable: Variable[Any], sentence: str) -> None:
        """Keep what is wrong with a variable; only the first thing of each counts."""
        self._refused.setdefault(variable.name, sentence)

    def refuse_missing(self, variable: Variable[Any], reason: str) -> None:
        """Keep that a variable is not set which something else needs."""
        self.refuse(variable, f"It is not set, and {reason}. {variable.example_like('')}")

    def refuse_what_is_not_there_yet(self) -> None:
        """Keep that a variable is set whose part this version does not have."""
        self._refused |= {name: refusal_of(name) for name in NOT_YET if name in self._set}

    def problems(self) -> list[str]:
        """Everything that is wrong: with the file, then by the order of the table."""
        ranks = {variable.name: rank for rank, variable in enumerate(VARIABLES)}
        names = sorted(self._refused, key=lambda name: ranks.get(name, len(ranks)))
        return [
            *self._of_the_file,
            *(f"{self._named(name)}: {self._refused[name]}" for name in names),
        ]

    def unknown(self) -> tuple[UnknownName, ...]:
        """The names that look like ours, and what may have been meant by each."""
        known = {variable.name for variable in VARIABLES} | {
            name for name in NOT_YET if name.startswith(PREFIX)
        }
        return tuple(
            UnknownName(name, _closest(name, known))
            for name in sorted(self._set)
            if name.upper().startswith(PREFIX) and name not in known
        )

    def _named(self, name: str) -> str:
        given = self._set.get(name)
        is_in_file = given is not None and given.origin is Origin.ENV_FILE
        return f"{name} (in .env)" if is_in_file else name


def _closest(name: str, known: set[str]) -> str | None:
    short = name.upper().removeprefix(PREFIX)
    if short in known:
        return short  # one that others share, and that goes without our prefix
    # Without the prefix, which makes any two of our names look alike.
    shorts = {one.removeprefix(PREFIX): one for one in known if one.startswith(PREFIX)}
    close = get_close_matches(short, shorts, n=1)
    return shorts[close[0]] if close else None
