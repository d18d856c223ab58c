"""Builders for imports."""

from typing import Final

from application.features.imports.lines import ImportRun
from domain.administration.audit import Actor, ActorKind

IMPORT_RUN: Final = ImportRun(Actor(ActorKind.OPERATING_SYSTEM_USER, "root"), "move (SHA-256: 00)")
