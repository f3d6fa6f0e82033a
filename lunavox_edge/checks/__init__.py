"""Checks of this machine, of models and of satellites, for people."""
