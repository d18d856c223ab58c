"""The menu of the phone line, its texts and limits, and calls."""
