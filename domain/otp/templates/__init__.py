"""Templates of the SMS with a code, and the rules for their texts."""
