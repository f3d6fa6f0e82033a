"""The MQTT front-end: commands, events and Home Assistant discovery through any broker."""
