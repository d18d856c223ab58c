"""The contract suites: the promises of the ports that an adapter of your own may implement.

Each package has the suites of the ports that it names in `PORTS`. Those of a feature are deleted
with it, and import no others. `make test-adapter` runs those of an adapter that is installed or in
the current folder (docs/adapters.md). The tests of this repository run them with the adapters that
ship with Dialtone.
"""

from typing import Final

FINISHED: Final = 64
"""The process that runs the suites adds it to its exit code at its end."""
