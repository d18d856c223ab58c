"""What a phone line says and does, as data."""
