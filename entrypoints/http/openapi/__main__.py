"""Print `docs/openapi.json`; `make openapi` writes it."""

import sys

from entrypoints.http.app import CONTROLLERS
from entrypoints.http.openapi.description import render_document

sys.stdout.write(render_document(CONTROLLERS))
