"""The `dataclass` of frozen classes, where `frozen` costs no time.

`frozen` is a promise that type checkers hold: they see the decorator of the standard library. At
run time it would set each field through `object.__setattr__`, which makes a value of ten fields
five times as slow, and compile two methods for each class. An assignment to a field is not
rejected there.
"""

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dataclasses import dataclass
else:

    def dataclass(*, frozen: bool, **options: Any) -> Callable[[type], type]:
        """Return `dataclasses.dataclass` for these options; a frozen value has a hash."""
        return dataclasses.dataclass(unsafe_hash=frozen, **options)


__all__ = ["dataclass"]
