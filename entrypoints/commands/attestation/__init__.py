"""The check of what asks clients for a proof."""
