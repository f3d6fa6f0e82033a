"""Backends for speech synthesis."""
