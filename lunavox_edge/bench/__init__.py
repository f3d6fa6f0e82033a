"""Measures Wyoming services side by side, as their clients feel them."""
