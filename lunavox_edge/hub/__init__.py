"""The hub: connections to satellites, conversations and announcements there."""
