"""Wake words, one family per module."""
