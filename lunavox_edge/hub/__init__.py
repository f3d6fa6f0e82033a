"""Satellites: microphones and loudspeakers around the house, and the conversations at them."""
