"""The engine: a threaded library that knows nothing of event loops, Wyoming or MQTT."""
