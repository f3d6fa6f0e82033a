"""Checks of option values that several commands use."""

from __future__ import annotations

import argparse


def not_empty(text: str) -> str:
    """Return `text`; an empty value is an error, because it is most often an unset variable of a script."""
    if not text.strip():
        raise argparse.ArgumentTypeError("is empty; give a value, or leave the option out")
    return text
