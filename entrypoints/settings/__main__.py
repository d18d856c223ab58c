"""Print what `.env.example` has to hold: `python -m entrypoints.settings > .env.example`."""

import sys

from entrypoints.settings.example import example_file

sys.stdout.write(example_file())
