"""Headers of a provider's requests, which somebody who has one may replace or cut."""

from collections.abc import Callable
from dataclasses import replace

from application.ports.webhooks import SignedRequest


def with_headers_of(old: SignedRequest, other: SignedRequest) -> dict[str, SignedRequest]:
    """Return the old request with one header of a later one each, by what is different.

    The later one has another URL or body, so that its signature is none of the old one.
    """
    return {
        f"of a former time with the header {name} of a later one": replace(
            old, headers={**old.headers, name: value}
        )
        for name, value in other.headers.items()
    }


def find_accepted_parts(
    request: SignedRequest, is_authentic: Callable[[SignedRequest], bool]
) -> list[str]:
    """Return the headers that count, but of which a part is authentic, or nothing."""

    def is_accepted(name: str, text: str) -> bool:
        return is_authentic(replace(request, headers={**request.headers, name: text}))

    return [
        name
        for name, text in request.headers.items()
        if not is_accepted(name, f"{text}0")
        and any(is_accepted(name, part) for part in ("", text[: len(text) // 2]))
    ]
