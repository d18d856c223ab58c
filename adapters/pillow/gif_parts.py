from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Control:
    """How a frame is shown: what becomes of it afterwards, how long, which index is clear."""

    disposal: int
    hundredths: int
    transparent: int | None


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame, its pixels still packed; without a palette the canvas's is meant."""

    left: int
    top: int
    width: int
    height: int
    interlaced: bool
    palette: bytes
    control: Control | None
    packed: bytes


@dataclass(frozen=True, slots=True)
class Gif:
    """A canvas and its frames; `loops` is None when they are played once, 0 for ever."""

    width: int
    height: int
    palette: bytes
    background: int
    loops: int | None
    frames: Sequence[Frame]
