"""Wrapped model families; each is imported by the registry on use."""
