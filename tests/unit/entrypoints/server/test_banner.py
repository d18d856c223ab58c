"""The banner of a start has what the features of a worker have opened."""

from entrypoints.server.banner import BannerParts, render_banner
from entrypoints.server.workers import Workers
from tests.support.settings import settings


def test_the_parent_process_shows_the_rows_of_a_worker() -> None:
    workers = Workers()
    assert workers.read_banner() == BannerParts({}, {})
    workers.mark_started(BannerParts({"try it": "http://here/"}, {"calls": "none", "a": "b"}))

    rows = [line.split(maxsplit=1)[0] for line in _rows(workers)]
    assert rows == ["try", "API", "messages:", "a:", "calls:", "database:", "keys:"]


def _rows(workers: Workers) -> list[str]:
    banner = render_banner(settings(), workers.read_banner())
    return [line for line in banner.splitlines() if ":  " in line or "it: " in line]
