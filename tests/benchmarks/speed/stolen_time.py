"""The time that the host of a virtual machine takes from it for others (steal time)."""

from pathlib import Path


class StolenTime:
    """Measures it from its creation on."""

    def __init__(self) -> None:
        """Begin to measure."""
        self._stolen, self._all = _read_ticks()

    @property
    def percent(self) -> float:
        """How much of the time of all processors the host took so far."""
        stolen, ticks = _read_ticks()
        return 100 * (stolen - self._stolen) / max(1, ticks - self._all)


def _read_ticks() -> tuple[int, int]:
    first_line, _, _ = Path("/proc/stat").read_text().partition("\n")
    user, nice, system, idle, waiting, irq, softirq, stolen, *_ = map(int, first_line.split()[1:])
    return stolen, user + nice + system + idle + waiting + irq + softirq + stolen
