"""What several commands ask of the value of an option."""

from __future__ import annotations

import argparse


def not_empty(text: str) -> str:
    """Return what was given: an unset variable of a script must not mean another place than it says."""
    if not text.strip():
        raise argparse.ArgumentTypeError("is empty; give a value, or leave the option out")
    return text
