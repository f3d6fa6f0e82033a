"""MQTT: automations speak and listen through any broker."""
