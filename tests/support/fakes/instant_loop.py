"""An event loop with a time of its own."""

import asyncio
import selectors


class InstantLoop(asyncio.SelectorEventLoop):
    """An event loop that never sleeps: if only timers are left, its time jumps to the next one."""

    def __init__(self) -> None:
        self._time_selector = _Selector()
        super().__init__(self._time_selector)

    def time(self) -> float:
        return self._time_selector.now


class _Selector(selectors.SelectSelector):
    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(None if timeout is None else 0)
        if timeout and not ready:
            self.now += timeout
        return ready
