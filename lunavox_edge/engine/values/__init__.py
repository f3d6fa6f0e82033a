"""Values that the engine takes and returns: parameters, voices, results, names."""
