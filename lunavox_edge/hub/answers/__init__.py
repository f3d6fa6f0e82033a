"""Who answers what was said at a satellite."""
