"""Values that the engine takes and returns."""
