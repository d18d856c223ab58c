"""Print `docs/retention.md` with its tables of stored fields; `make retention` writes it."""

import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import entrypoints.composition.features  # noqa: F401 -- it declares the kinds of records
from adapters.databases.records.all_kinds import stored_kinds
from adapters.databases.records.database_metadata import METADATA_RETENTION, METADATA_TABLE
from adapters.databases.records.retention import Retention

_PAGE: Final = Path("docs/retention.md")
_GENERATED: Final = re.compile(r"(<!-- make retention -->\n).*(<!-- end -->\n)", re.DOTALL)
_MAX_FIELDS: Final = 6
"""A row with more has the kind of records only: a reader finds the rest in its declaration."""
_TABLES: Final = """\
| data | what for | how long | what deletes it | in the export |
|---|---|---|---|---|
{about_people}

Data that is about no person:

| data | how long |
|---|---|
{about_nobody}
"""


def declared_rows() -> Iterator[tuple[str, Retention]]:
    """Yield what each kind of records declares, with the name of the kind."""
    for kind in stored_kinds():
        yield from ((kind.name, declared) for declared in kind.retention)
    yield METADATA_TABLE, METADATA_RETENTION


def render_page(page: str) -> str:
    """Return the page with what the kinds of records declare now."""
    tables = _TABLES.format(
        about_people=_render_table(
            (_describe(name, it), it.purpose, it.period, it.deletion, it.export)
            for name, it in declared_rows()
            if it.purpose
        ),
        about_nobody=_render_table(
            (_describe(name, it), it.period) for name, it in declared_rows() if not it.purpose
        ),
    )
    return _GENERATED.sub(lambda found: found[1] + tables + found[2], page)


def _describe(name: str, declared: Retention) -> str:
    """Return the data, and where it is: the fields of an object by its name."""
    fields = dict.fromkeys(path.partition(".")[0] for path in declared.paths)
    is_all = [it for kind, it in declared_rows() if kind == name] == [declared]
    place = f"`{name}`" if is_all or len(fields) > _MAX_FIELDS else f"`{name}`: {', '.join(fields)}"
    return f"{declared.data} ({place})"


def _render_table(rows: Iterable[Iterable[str]]) -> str:
    return "\n".join(f"| {' | '.join(cells)} |" for cells in rows)


if __name__ == "__main__":
    sys.stdout.write(render_page(_PAGE.read_text(encoding="utf-8")))
