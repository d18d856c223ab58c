"""The options of a URL."""

import re


def options_of(url: str) -> dict[str, str]:
    """Return the options of the URL, with names in lower case."""
    options = re.split("[&;]", url.partition("?")[2])
    pairs = (option.partition("=") for option in options if option)
    return {name.lower(): value for name, _, value in pairs}
