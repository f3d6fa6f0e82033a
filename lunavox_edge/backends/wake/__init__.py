"""Backends for wake words."""
