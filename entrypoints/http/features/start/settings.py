"""The settings of the page at `/`."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpStartPageSettings:
    """The settings of the page at `/`, which only development has.

    - `keeps_messages` is whether the page may show them: no provider sends any to a phone, one
      process handles all requests, and only programs of this machine reach it.
    - `has_test_otps` is whether there are phones whose codes the operator has set. They get no
      message.
    - `image_sources` are where images may come from beside the origin of the page, as in a
      Content-Security-Policy.
    """

    port: int
    prints_messages: bool = False
    keeps_messages: bool = False
    has_test_otps: bool = False
    image_sources: tuple[str, ...] = ()
