from hypothesis import settings

from tests.examples import STEADY

pytest_plugins = ["tests.servers.plugin"]

# --hypothesis-profile is read after this and has the last word.
settings.load_profile(STEADY)
