"""What is told of satellites over MQTT: their states, and themselves as devices."""

from __future__ import annotations

from lunavox_edge._version import __version__
from lunavox_edge.mqtt.devices import Device, satellite_device
from lunavox_edge.mqtt.payloads import OFFLINE, ONLINE, SatellitePayload
from lunavox_edge.mqtt.post import Post
from lunavox_edge.mqtt.topics import Topics
from lunavox_edge.speaking.house import House


class Satellites:
    """Keeps the retained topics of all satellites in step with the house."""

    def __init__(self, house: House, topics: Topics, post: Post) -> None:
        """Store the parts."""
        self._house = house
        self._topics = topics
        self._post = post
        self._told: dict[str, bytes] = {}

    def publish(self, *, anew: bool = False) -> None:
        """Tell what has changed, or everything."""
        if anew:
            self._told.clear()
        for view in self._house.views():
            topics = self._topics.satellite(view.id)
            self._retain(topics.state, SatellitePayload.of(view).encoded())
            self._retain(topics.availability, (ONLINE if view.online else OFFLINE).encode())

    def goodbye(self) -> None:
        """Nobody will tell any more whether they are there."""
        for view in self._house.views():
            self._retain(self._topics.satellite(view.id).availability, OFFLINE.encode())

    def devices(self, node: str, words: tuple[str, ...]) -> tuple[Device, ...]:
        """Return every satellite as a device."""
        return tuple(
            satellite_device(node=node, version=__version__, own=self._topics, view=view, words=words)
            for view in self._house.views()
        )

    def _retain(self, topic: str, payload: bytes) -> None:
        if self._told.get(topic) != payload:
            self._told[topic] = payload
            self._post.retained(topic, payload)
