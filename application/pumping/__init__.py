"""Pumping: warnings where codes are not entered, and what they ask of strangers."""
