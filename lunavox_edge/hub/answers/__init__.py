"""Answerers: where the answers to spoken questions come from."""
