"""What remains of a deleted account."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from domain.identities.retained_data import RetainedData, list_retained_data


@dataclass(frozen=True, slots=True)
class ListRetainedData:
    """List what remains of an account. Each feature adds what it keeps.

    Attributes:
        cleaned_up: What the cleanup deletes of features, such as `library`.
        others: Make the rows of what features keep for longer.
    """

    cleaned_up: list[str] = field(default_factory=list)
    others: list[Callable[[datetime], RetainedData]] = field(default_factory=list)

    def __call__(self, deleted_at: datetime) -> Sequence[RetainedData]:
        """Return what remains of an account that was deleted at this time."""
        others = [make_row(deleted_at) for make_row in self.others]
        return list_retained_data(deleted_at, self.cleaned_up, others)
