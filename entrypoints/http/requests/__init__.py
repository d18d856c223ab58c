"""What all requests have in common: who sends them, what is checked first, how they are parsed."""
