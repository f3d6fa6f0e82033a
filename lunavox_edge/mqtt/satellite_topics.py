"""The satellites on MQTT: their retained states, and their devices in Home Assistant."""

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
"""The option of the wake word select that means: the wake words of the settings."""


class SatellitePublisher:
    """Keeps the retained messages of all satellites up to date; used on the event loop only."""

    def __init__(
        self, house: House, topics: Topics, publisher: Publisher, discovery: DiscoverySync, *, node: str
    ) -> None:
        """Create it; nothing is published yet."""
        self._house = house
        self._topics = topics
        self._publisher = publisher
        self._discovery = discovery
        self._node = node
        self._published: dict[str, bytes] = {}
        self._known: set[str] = set()

    def publish(self, *, anew: bool = False) -> None:
        """Publish changed messages, and those for which the queue was full before; with `anew` all."""
        if anew:
            self._published.clear()
        views = self._house.views()
        for gone in self._known - {view.id for view in views}:
            self._remove(gone)
        self._known = {view.id for view in views}
        for view in views:
            topics = self._topics.satellite(view.id)
            self._retain(topics.state, SatellitePayload.of(view).encoded())
            self._retain(topics.availability, (ONLINE if view.online else OFFLINE).encode())

    def publish_offline(self) -> None:
        """Publish all satellites as offline, because this appliance stops."""
        for view in self._house.views():
            self._retain(self._topics.satellite(view.id).availability, OFFLINE.encode())

    def take(self, message: Message) -> bool:
        """Handle the state of a satellite: a retained one without a satellite is removed from the broker.

        Return False for all other messages.
        """
        satellite = self._topics.satellite_of_state(message.topic)
        if satellite is None:
            return False
        if message.retained and message.payload and all(view.id != satellite for view in self._house.views()):
            self._remove(satellite)
        return True

    def devices(self, words: tuple[str, ...]) -> tuple[Device, ...]:
        """Return all satellites as devices; `words` are the installed wake words."""
        return tuple(self._device(view, words) for view in self._house.views())

    def _device(self, view: SatelliteView, words: tuple[str, ...]) -> Device:
        return satellite_device(
            node=self._node, version=__version__, own=self._topics, view=view, words=words
        )

    def _unknown_device(self, satellite: str) -> Device:
        """Return the device of an unknown satellite with every entity that it may have had."""
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
        """Remove all retained messages of a satellite.

        The state is the last one, because it is what `take` recognises a removed satellite by.
        """
        self._discovery.remove(self._unknown_device(satellite))
        topics = self._topics.satellite(satellite)
        for topic in (topics.availability, topics.state):
            self._published.pop(topic, None)
            self._publisher.retained(topic, b"")

    def _retain(self, topic: str, payload: bytes) -> None:
        if self._published.get(topic) != payload and self._publisher.retained(topic, payload):
            self._published[topic] = payload


def satellite_device(
    *, node: str, version: str, own: Topics, view: SatelliteView, words: tuple[str, ...]
) -> Device:
    """Return a satellite as a device connected via the appliance; `words` are the installed wake words."""
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
        # The satellite's own availability is shown by `connected`; its other entities keep their last state
        # while it is offline.
        availability=(own.availability,),
        entities=tuple(entities),
        via_device=appliance_id(node),
        area=view.area,
    )
