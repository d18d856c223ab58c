"""These tests use all features."""

from tests.support.app_fixture import app

__all__ = ["app"]
