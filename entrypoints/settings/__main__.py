"""Print `.env.example`: `python -m entrypoints.settings > .env.example`."""

import sys

from entrypoints.settings.example_file import render_example_file

sys.stdout.write(render_example_file())
