"""What the phone line says and understands."""
