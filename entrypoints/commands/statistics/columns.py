"""Lines with columns."""

from collections.abc import Iterator, Sequence


def align_columns(rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    """Align the first column on the left, and numbers on the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = zip(row, widths, strict=True)
        yield "  ".join(
            text.rjust(width) if column else text.ljust(width)
            for column, (text, width) in enumerate(cells)
        )
