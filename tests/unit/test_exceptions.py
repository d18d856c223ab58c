"""No module keeps an exception: each raise would append the frames of its request to it."""

import subprocess
import sys
from typing import Final

IMPORT_ALL: Final = """
import gc
from importlib import import_module
from pkgutil import walk_packages

OWN = ("domain", "application", "adapters", "entrypoints")
for name in OWN:
    for module in walk_packages(import_module(name).__path__, f"{name}."):
        if not module.name.endswith("__main__"):
            import_module(module.name)
gc.collect()
kept = [each for each in gc.get_objects() if isinstance(each, BaseException)]
print(*[repr(each) for each in kept if type(each).__module__.startswith(OWN)])
"""


def test_no_module_keeps_an_instance_of_an_exception() -> None:
    # Whatever holds it: a constant, a tuple, an attribute of a class, a default of a parameter.
    kept = subprocess.run(
        [sys.executable, "-c", IMPORT_ALL], capture_output=True, text=True, check=True
    )
    assert kept.stdout.strip() == ""
