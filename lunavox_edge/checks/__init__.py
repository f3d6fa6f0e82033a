"""Checks of this machine, of models and of satellites, reported to people."""
