"""A loop whose time is not that of any clock."""

import asyncio
import selectors


class InstantLoop(asyncio.SelectorEventLoop):
    """What waits for a time waits for nothing: when nothing else is left to do, it has come."""

    def __init__(self) -> None:
        self._selector_of_times = _Selector()
        super().__init__(self._selector_of_times)

    def time(self) -> float:
        return self._selector_of_times.now


class _Selector(selectors.SelectSelector):
    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(None if timeout is None else 0)
        if timeout and not ready:
            self.now += timeout
        return ready
