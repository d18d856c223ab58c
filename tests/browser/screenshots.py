"""The screenshots of the docs: `python -m tests.browser.screenshots` takes them again."""

import sys
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from PIL import Image

from tests.browser.chromium import Chromium, Page, open_chromium
from tests.browser.console import enroll, open_address
from tests.browser.first_page import go_through_states
from tests.browser.looks import show, take_screenshot
from tests.browser.sample_service import ADMINISTRATOR, PROJECT, Sample, running_sample
from tests.support.servers.process import find_or_install

SCREENSHOTS: Final = ("console-overview.png", "console-person.png", "first-page.png")
_COLORS: Final = 64


def take_screenshots(chromium: Chromium, page: Page, sample: Sample, folder: Path) -> None:
    """Write all screenshots into a folder.

    Args:
        chromium: The browser.
        page: A page of an administrator who is signed in.
        sample: The service.
        folder: Where to write them.
    """
    url = sample.service.url
    show(page, 1200, "light")
    for name, address, height in (
        ("overview", "#/", 720),
        ("person", f"#/people/{sample.member.user_id}", 760),
    ):
        open_address(page, address)
        _take(page, folder / f"console-{name}.png", height)
    with chromium.page(f"{url}/", is_private=True) as first:
        show(first, 1200, "light")
        for state in go_through_states(first, sample.service, folder, "+14155590175", "Noor"):
            if state == "pictures":
                first.run("document.activeElement.blur();")
                _take(first, folder / "first-page.png", 1210)


def _take(page: Page, path: Path, height: int) -> None:
    take_screenshot(page, path, height)
    # With fewer colors a file has a third of its size.
    with Image.open(BytesIO(path.read_bytes())) as image:
        image.convert("RGB").quantize(_COLORS, dither=Image.Dither.NONE).save(path, optimize=True)


def _take_again(folder: Path) -> None:
    with (
        TemporaryDirectory() as temporary,
        open_chromium(find_or_install("chromium"), Path(temporary)) as chromium,
        running_sample(Path(temporary) / "service") as sample,
        chromium.page(f"{sample.service.url}/console", is_private=True) as page,
    ):
        enroll(page, sample.service, ADMINISTRATOR)
        taken = Path(temporary) / "screenshots"
        taken.mkdir()
        take_screenshots(chromium, page, sample, taken)
        folder.mkdir(parents=True, exist_ok=True)
        for name in SCREENSHOTS:
            (folder / name).write_bytes((taken / name).read_bytes())


if __name__ == "__main__":
    _take_again(Path(*sys.argv[1:]) if sys.argv[1:] else PROJECT / "docs/images")
