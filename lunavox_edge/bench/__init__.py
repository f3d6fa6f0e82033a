"""Benchmark that measures Wyoming services as clients and compares them."""
