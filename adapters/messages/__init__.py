"""Messengers: who sends codes and notices, and their texts."""
