from random import Random


class SeededRandomness:
    """Randomness with the same bytes in the same order for each seed."""

    def __init__(self, seed: int = 0) -> None:
        self._random = Random(seed)

    def bytes(self, count: int) -> bytes:
        return self._random.randbytes(count)
