"""The contract suites for adapters of others, what runs them (`make test-adapter`), and examples.

A service that uses one of the examples imports it without pytest.
"""

from typing import Final

FINISHED: Final = 64
"""The process that runs the suites adds it to its exit code at its end."""
