"""Access to the machine: memory, cores, sensors, service manager, journal, players, small files."""
