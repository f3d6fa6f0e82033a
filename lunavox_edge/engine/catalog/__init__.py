"""The catalog of installed models and voices."""
