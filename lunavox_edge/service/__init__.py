"""The service as a whole: composition root, supervision, self-check."""
