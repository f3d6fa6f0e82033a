"""The queue of announcements, and the loudspeakers that play them."""
