"""Lines with columns."""

from collections.abc import Iterator, Sequence


def align_columns(rows: Sequence[tuple[str, ...]], names: int = 1) -> Iterator[str]:
    """Align the first columns on the left, which are names, and numbers on the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = zip(row, widths, strict=True)
        yield "  ".join(
            text.ljust(width) if column < names else text.rjust(width)
            for column, (text, width) in enumerate(cells)
        )
