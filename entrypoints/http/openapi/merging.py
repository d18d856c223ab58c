"""Add the description of an extension to that of the API, whose names it cannot change."""

from collections.abc import Iterator
from typing import Any, Final

_REFERENCE: Final = "#/components/{}/{}"


def add_description(description: dict[str, Any], part: dict[str, Any], prefix: str) -> None:
    """Add the paths and tags of another description, with the components that they need.

    A component that is the same in both is there once. One that has the name of another one gets a
    prefix.

    Args:
        description: Is changed.
        part: Is added.
        prefix: How a component of the part begins whose name is taken.
    """
    components = {
        _REFERENCE.format(section, name): (section, name, component)
        for section, named in part["components"].items()
        for name, component in named.items()
    }
    needed, waiting = dict[str, str](), [*_find_references(part["paths"])]
    while waiting:
        reference = waiting.pop()
        if reference in needed:
            continue
        section, name, component = components[reference]
        ours = description["components"][section].get(name, component)
        new_name = name if ours == component else f"{prefix}{name}"
        needed[reference] = _REFERENCE.format(section, new_name)
        waiting += _find_references(component)
    for reference, new_reference in needed.items():
        section, _, component = components[reference]
        new_name = new_reference.rpartition("/")[2]
        description["components"][section].setdefault(new_name, _rename(component, needed))
    description["paths"] |= _rename(part["paths"], needed)
    known = {tag["name"] for tag in description["tags"]}
    description["tags"] += [tag for tag in part["tags"] if tag["name"] not in known]


def _find_references(value: Any) -> Iterator[str]:
    match value:
        case {"$ref": str(reference)}:
            yield reference
        case dict():
            for item in value.values():
                yield from _find_references(item)
        case list():
            for item in value:
                yield from _find_references(item)


def _rename(value: Any, names: dict[str, str]) -> Any:
    match value:
        case {"$ref": str(reference), **rest}:
            return {"$ref": names[reference], **rest}
        case dict():
            return {key: _rename(item, names) for key, item in value.items()}
        case list():
            return [_rename(item, names) for item in value]
        case _:
            return value
