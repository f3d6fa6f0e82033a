"""Backends: wrappers of model families, imported by the registry when they are used."""
