"""The machine and what runs the service: sensors, service manager, journal, programs, small files."""
