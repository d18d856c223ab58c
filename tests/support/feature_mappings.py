"""The mapping of each kind of record that a feature has, for those features that are there."""

from collections.abc import Iterator
from dataclasses import fields
from importlib import import_module
from inspect import signature
from pkgutil import iter_modules
from typing import Any

from adapters.databases.records import features
from adapters.databases.records.mapping import RecordMapping
from tests.support.fakes.database import InMemoryDatabase
from tests.support.fakes.phone_encryption import FakePhoneEncryption


def find_mappings_of_features() -> Iterator[RecordMapping[Any, Any]]:
    """Yield those of the repositories that each feature makes."""
    for name in sorted(module.name for module in iter_modules(features.__path__)):
        module = import_module(f"{features.__name__}.{name}")
        make = getattr(module, f"make_{name}_repositories", None)
        if make is None:  # the list of users has no records of its own
            continue
        needs_encryption = "encryption" in signature(make).parameters
        encryption = {"encryption": FakePhoneEncryption()} if needs_encryption else {}
        repositories = make(InMemoryDatabase().stores, **encryption)
        for field in fields(repositories):
            yield getattr(repositories, field.name).mapping
