"""Models in memory: loading, leases, devices, residency."""
