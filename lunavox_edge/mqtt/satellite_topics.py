"""What is told of satellites over MQTT: their states, and themselves as devices."""

from __future__ import annotations

from lunavox_edge._version import __version__
from lunavox_edge.announcements.house import House, SatellitePhase, SatelliteView
from lunavox_edge.mqtt.discovery_sync import DiscoverySync
from lunavox_edge.mqtt.events import OFFLINE, ONLINE, SatellitePayload
from lunavox_edge.mqtt.ha_devices import (
    Device,
    Entity,
    appliance_id,
    former_id,
    phase_entity,
    satellite_device_id,
    select_options,
    speech_entities,
    transcript_entity,
)
from lunavox_edge.mqtt.messages import Message
from lunavox_edge.mqtt.payloads import MAX_VOLUME
from lunavox_edge.mqtt.publishing import Publisher
from lunavox_edge.mqtt.topics import Command, Topics

ANY_WORD = "default"
"""The choice that stands for the wake words of the settings."""


class SatellitePublisher:
    """Keeps the retained topics of all satellites in step with the house."""

    def __init__(
        self, house: House, topics: Topics, post: Publisher, home: DiscoverySync, *, node: str
    ) -> None:
        """Store the parts."""
        self._house = house
        self._topics = topics
        self._post = post
        self._home = home
        self._node = node
        self._told: dict[str, bytes] = {}
        self._shown: set[str] = set()

    def publish(self, *, anew: bool = False) -> None:
        """Tell what has changed and what found no room before, or everything."""
        if anew:
            self._told.clear()
        views = self._house.views()
        for gone in self._shown - {view.id for view in views}:
            self._remove(gone)
        self._shown = {view.id for view in views}
        for view in views:
            topics = self._topics.satellite(view.id)
            self._retain(topics.state, SatellitePayload.of(view).encoded())
            self._retain(topics.availability, (ONLINE if view.online else OFFLINE).encode())

    def goodbye(self) -> None:
        """Nobody will tell any more whether they are there."""
        for view in self._house.views():
            self._retain(self._topics.satellite(view.id).availability, OFFLINE.encode())

    def take(self, message: Message) -> bool:
        """Take what the broker keeps of a satellite, and remove one that is no more; False for all else."""
        satellite = self._topics.satellite_told_of(message.topic)
        if satellite is None:
            return False
        if message.retained and message.payload and all(view.id != satellite for view in self._house.views()):
            self._remove(satellite)
        return True

    def devices(self, words: tuple[str, ...]) -> tuple[Device, ...]:
        """Return every satellite as a device."""
        return tuple(self._device(view, words) for view in self._house.views())

    def _device(self, view: SatelliteView, words: tuple[str, ...]) -> Device:
        return satellite_device(
            node=self._node, version=__version__, own=self._topics, view=view, words=words
        )

    def _unknown_device(self, satellite: str) -> Device:
        """Return a satellite of which nothing is known with everything that it may have had."""
        view = SatelliteView(
            id=satellite,
            name=satellite,
            area=None,
            phase=SatellitePhase.OFFLINE,
            muted=False,
            volume=1.0,
            wake_words=(),
            address="",
        )
        return self._device(view, (ANY_WORD,))

    def _remove(self, satellite: str) -> None:
        """Leave nothing with the broker; the state goes last, because it is what calls for the rest."""
        self._home.remove(self._unknown_device(satellite))
        topics = self._topics.satellite(satellite)
        for topic in (topics.availability, topics.state):
            self._told.pop(topic, None)
            self._post.retained(topic, b"")

    def _retain(self, topic: str, payload: bytes) -> None:
        if self._told.get(topic) != payload and self._post.retained(topic, payload):
            self._told[topic] = payload


def satellite_device(
    *, node: str, version: str, own: Topics, view: SatelliteView, words: tuple[str, ...]
) -> Device:
    """Return a satellite as a device behind the appliance; `words` are the wake words there are."""
    topics = own.satellite(view.id)
    entities = [
        *speech_entities(topics.command(Command.SAY), topics.command(Command.STOP)),
        phase_entity(topics.state, tuple(phase.value for phase in SatellitePhase)),
        transcript_entity(own.transcript_events, view.id),
        Entity(
            "number",
            "volume",
            "Volume",
            {
                "state_topic": topics.state,
                "value_template": "{{ (value_json.volume * 100) | round(0) }}",
                "command_topic": topics.command(Command.SET_VOLUME),
                "command_template": "{{ value / 100 }}",
                "min": 0,
                "max": int(MAX_VOLUME * 100),
                "step": 5,
                "unit_of_measurement": "%",
                "icon": "mdi:volume-high",
            },
        ),
        Entity(
            "switch",
            "mute",
            "Mute microphone",
            {
                "state_topic": topics.state,
                "value_template": "{{ 'on' if value_json.muted else 'off' }}",
                "command_topic": topics.command(Command.SET_MUTE),
                "payload_on": "on",
                "payload_off": "off",
                "icon": "mdi:microphone-off",
            },
        ),
        Entity(
            "binary_sensor",
            "connected",
            "Connected",
            {
                "state_topic": topics.availability,
                "payload_on": ONLINE,
                "payload_off": OFFLINE,
                "device_class": "connectivity",
                "entity_category": "diagnostic",
            },
        ),
    ]
    if words and not view.waits_itself:
        options = select_options(
            topics.state,
            topics.command(Command.SET_WAKE_WORDS),
            f"{{{{ value_json.wake_words | join(', ') or '{ANY_WORD}' }}}}",
            (ANY_WORD, *dict.fromkeys((", ".join(view.wake_words) or ANY_WORD, *words))),
        )
        options["command_template"] = f"{{{{ '' if value == '{ANY_WORD}' else value }}}}"
        entities.append(Entity("select", "wake_words", "Wake word", {**options, "icon": "mdi:ear-hearing"}))
    return Device(
        id=satellite_device_id(node, view.id),
        former_id=former_id(node, view.id),
        name=view.name,
        model="Satellite",
        version=version,
        # Its own going offline is told by `connected`: everything else keeps its last state then.
        availability=(own.availability,),
        entities=tuple(entities),
        via_device=appliance_id(node),
        area=view.area,
    )
