"""What must be true of a page in each width and color scheme: no problem, nothing cut off."""

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from tests.browser.chromium import Chromium, Page

VIEWS: Final = ((390, "dark"), (1440, "light"))
"""Widths, each with a color scheme: colors are the same in all widths."""
NARROWEST: Final = 320
_TAGS: Final = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa", "best-practice")
RECORD_VIOLATIONS: Final = """
    window.violations = [];
    addEventListener("securitypolicyviolation", ({violatedDirective, blockedURI}) =>
        window.violations.push(`${violatedDirective} ${blockedURI}`));
"""
_RUN_AXE: Final = f"""
    const options = {{
        runOnly: {json.dumps(_TAGS)},
        rules: {{"target-size": {{enabled: true}}}}, // new in WCAG 2.2, and off by default
        resultTypes: ["violations"],
        preload: false,
    }};
    const {{violations}} = await axe.run(document, options);
    return violations.map(({{id, help, nodes}}) =>
        `${{id}}: ${{help}}: ${{nodes.map(node => node.html).join("; ")}}`);
"""

_MARK_CONTROLS: Final = """
    const controls = [...document.querySelectorAll(
        "a[href], button, input, select, textarea, summary, [tabindex='0']")]
        .filter(control => control.checkVisibility() && control.type !== "hidden")
        // Tab leads to the chosen one of a group, and the arrow keys to the others.
        .filter(control => control.type !== "radio" || control.checked);
    controls.forEach((control, number) => control.dataset.control = number);
    // A positive tabindex would give the page another order.
    return controls.filter(control => control.tabIndex > 0).map(control => control.outerHTML);
"""
_DESCRIBE_FOCUS: Final = """
    const control = document.activeElement;
    const { outlineStyle, outlineWidth, outlineColor } = getComputedStyle(control);
    const { left, top, right, bottom } = control.getBoundingClientRect();
    const isOutlined = outlineStyle !== "none" && parseFloat(outlineWidth) >= 2;
    return {
        number: Number(control.dataset.control ?? -1),
        is_seen: isOutlined && right > 0 && bottom > 0 && left < innerWidth && top < innerHeight,
        html: control.outerHTML.slice(0, 100),
        outline: `${outlineStyle} ${outlineWidth} ${outlineColor}`,
    };
"""


@contextmanager
def checked_page(chromium: Chromium, url: str, axe: str) -> Iterator[Page]:
    """Open a page; none that is loaded in it may report something.

    Args:
        chromium: The browser.
        url: The first page.
        axe: The script of axe-core.
    """
    with chromium.page("about:blank", is_private=True) as page:
        for source in (RECORD_VIOLATIONS, axe):
            page.call("Page.addScriptToEvaluateOnNewDocument", source=source)
        for domain in ("Log", "Runtime", "Network"):
            page.call(f"{domain}.enable")
        page.open(url)
        yield page


def find_problems(page: Page) -> list[str]:
    """Return what axe-core finds, what the browser's console has, and widths that are too small."""
    problems = list[str]()
    for width, scheme in VIEWS:
        show(page, width, scheme)
        found = page.run(_RUN_AXE) + _find_cut_off(page, width)
        problems += [f"{width} px, {scheme}: {problem}" for problem in found]
    show(page, NARROWEST, "light")
    problems += _find_cut_off(page, NARROWEST)
    problems += page.run("return window.violations;")
    return problems + _take_reports(page.chromium)


def _find_cut_off(page: Page, width: int) -> list[str]:
    needed: int = page.run("return document.documentElement.scrollWidth;")
    return [f"needs {needed} px of {width}"] if needed > width else []


def show(page: Page, width: int, scheme: str) -> None:
    """Show the page in a width and a color scheme."""
    feature = {"name": "prefers-color-scheme", "value": scheme}
    page.call("Emulation.setEmulatedMedia", features=[feature])
    screen = {"width": width, "height": 844, "deviceScaleFactor": 1, "mobile": width < 600}
    page.call("Emulation.setDeviceMetricsOverride", **screen)
    page.call("Emulation.setScrollbarsHidden", hidden=True)


def follow_tabs(page: Page) -> list[str]:
    """Press Tab through the whole page; return what is wrong with the focus."""
    wrong: list[str] = page.run(_MARK_CONTROLS)
    number = page.run("return document.querySelectorAll('[data-control]').length;")
    for expected in range(number):
        page.press("Tab")
        focus = page.run(_DESCRIBE_FOCUS)
        if focus["number"] != expected or not focus["is_seen"]:
            wrong.append(f"control {expected}: {focus}")
    return wrong


def take_screenshot(page: Page, path: Path, height: int | None = None) -> None:
    """Write a PNG of the page, or of this many pixels of it."""
    options: dict[str, Any] = {"captureBeyondViewport": True}
    if height is not None:
        width = page.run("return innerWidth;")
        options["clip"] = {"x": 0, "y": 0, "width": width, "height": height, "scale": 1}
    path.write_bytes(base64.b64decode(page.call("Page.captureScreenshot", **options)["data"]))


def _take_reports(chromium: Chromium) -> list[str]:
    """Return the warnings and errors in the browser's console, except for the status of a page."""
    entries = [report.get("entry", report) for report in chromium.reports]
    chromium.reports.clear()
    return [
        json.dumps(entry)
        for entry in entries
        if entry.get("level") != "info"
        and "the server responded with a status of 4" not in entry.get("text", "")
    ]
