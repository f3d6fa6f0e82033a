"""The appliance on MQTT: puts the parts together, starts and stops them."""

from __future__ import annotations

import asyncio
import logging
import platform
import socket
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

from lunavox_edge import bridge
from lunavox_edge._version import __version__
from lunavox_edge.announcements.announcement import AnnouncementReport
from lunavox_edge.announcements.announcer import Announcer
from lunavox_edge.announcements.house import HeardUtterance, House, Listeners
from lunavox_edge.announcements.loudspeakers import Loudspeakers
from lunavox_edge.background import Background, attempted, guarded
from lunavox_edge.errors import Busy, NameTaken
from lunavox_edge.mqtt.broker_address import BrokerAddress
from lunavox_edge.mqtt.broker_link import BrokerLink
from lunavox_edge.mqtt.commands import Commands, event_of
from lunavox_edge.mqtt.discovery import Form
from lunavox_edge.mqtt.discovery_sync import DiscoverySync
from lunavox_edge.mqtt.events import OFFLINE, ONLINE, AppliancePhase, OverlapEvent, TranscriptEvent
from lunavox_edge.mqtt.ha_devices import Device, appliance, appliance_id, former_id, satellite_device_id
from lunavox_edge.mqtt.messages import Message, Publication, Subscription
from lunavox_edge.mqtt.own_broker import OwnBroker
from lunavox_edge.mqtt.payloads import instance_of
from lunavox_edge.mqtt.publishing import Publisher
from lunavox_edge.mqtt.satellite_topics import SatellitePublisher
from lunavox_edge.mqtt.status import ApplianceStatus, change_of
from lunavox_edge.mqtt.topics import Topics
from lunavox_edge.settings.mqtt_settings import MqttSettings

if TYPE_CHECKING:
    from lunavox_edge.engine.engine import Engine
    from lunavox_edge.settings.model import Settings
    from lunavox_edge.types import Transcript

_STATE_EVERY_S = 30.0
_LOOK_EVERY_S = 0.5
_CLASH_AGAIN_S = 600.0
_FLOOD_AGAIN_S = 10.0


_LOGGER = logging.getLogger(__name__)


class MqttService:
    """One appliance at one broker; used once."""

    def __init__(
        self,
        engine: Engine,
        settings: MqttSettings,
        *,
        loudspeakers: Loudspeakers,
        house: House,
        background: Background,
        state_dir: Path,
        resumes: bool = True,
    ) -> None:
        """Build the parts; `background` runs their tasks.

        Raises SettingsError if the password cannot be read.
        """
        node = settings.node or socket.gethostname() or "lunavox"
        self._node = node
        self._engine = engine
        self._settings = settings
        self._background = background
        self._instance = uuid.uuid4().hex[:12]
        self._topics = topics = Topics.of(node, settings.base)
        satellites = [view.id for view in house.views()]
        ids = (appliance_id(node), *(satellite_device_id(node, satellite) for satellite in satellites))
        former_ids = (former_id(node), *(former_id(node, satellite) for satellite in satellites))
        self._home = DiscoverySync(
            ids=ids,
            former_ids=[found for found in former_ids if found not in ids],
            availability=topics.availability,
            prefix=settings.discovery_prefix,
            form=None if settings.discovery == "off" else Form(settings.discovery),
            publish=self._retain,
        )
        self._link = BrokerLink(
            BrokerAddress.of(settings),
            self,
            client_id=f"lunavox-{self._instance}",
            will=Publication(topics.availability, OFFLINE.encode(), retain=True),
            subscriptions=(
                *(Subscription(topic, as_published=True) for topic in topics.commands),
                Subscription(topics.state, others_only=True),
                Subscription(topics.availability, others_only=True),
                Subscription(topics.satellite_states),
                *self._home.subscriptions,
            ),
        )
        self._post = Publisher(self._link, topics, result_expiry_s=settings.result_expiry_s)
        self._announcer = Announcer(
            engine, loudspeakers, max_waiting=settings.max_queue, report=self._tell, resumes=resumes
        )
        self._commands = Commands(
            engine=engine,
            settings=settings,
            topics=topics,
            post=self._post,
            announcer=self._announcer,
            house=house,
            preferences_file=state_dir / "mqtt.json",
        )
        self._status = ApplianceStatus(
            engine,
            instance=self._instance,
            preferences=lambda: self._commands.preferences,
            waiting=lambda: self._announcer.waiting,
        )
        self._satellites = SatellitePublisher(house, topics, self._post, self._home, node=node)
        house.tell(
            Listeners(
                changed=self._house_changed,
                heard=self._heard_by_satellite,
                overlapped=lambda overlap: self._post.overlap(OverlapEvent.of(overlap)),
            )
        )
        self._broker = OwnBroker(settings) if settings.broker == "embedded" else None
        self._tasks: list[asyncio.Task[None]] = []
        self._stopping = False
        self._clash_s: float | None = None
        self._dropped = 0
        self._choice_told: tuple[str | None, str | None] = (None, None)
        self._published: tuple[object, ...] = ()
        self._published_s = 0.0

    @property
    def uri(self) -> str:
        """The broker's address."""
        return self._link.uri

    @property
    def topics(self) -> Topics:
        """The topics of this appliance."""
        return self._topics

    async def start(self) -> None:
        """Start the embedded broker if it is asked for, and begin to connect.

        Raises LunavoxLibraryError if the embedded broker cannot start.
        """
        if self._broker is not None:
            await self._broker.start()
        await attempted("MQTT: status", self._status.refresh())
        tasks = {
            "link": self._link.run,
            "announcer": self._announcer.run,
            "home assistant": self._home.run,
            "status": self._watch,
        }
        if self._broker is not None:
            tasks["broker"] = self._broker.run
        self._tasks = [self._background.start(f"mqtt {name}", work) for name, work in tasks.items()]

    def ready(self) -> None:
        """The models are loaded."""
        self._status.phase_is(None)

    async def stop(self) -> None:
        """Fall silent, say goodbye, end. Idempotent."""
        if self._stopping:
            return
        self._stopping = True
        self._status.phase_is(AppliancePhase.STOPPING)
        guarded("MQTT: silence", self._announcer.stop)
        await self._commands.close()
        guarded("MQTT: state", self._publish_state)
        guarded("MQTT: goodbye", self._satellites.goodbye)
        await self._link.farewell(Publication(self._topics.availability, OFFLINE.encode(), retain=True))
        await bridge.ended(*self._tasks)
        await self._status.close()
        if self._broker is not None:
            await self._broker.stop()

    def heard(self, transcript: Transcript, latency_ms: float) -> None:
        """Publish what a client of the Wyoming port said, if the settings allow it."""
        if "wyoming" in self._settings.publish_transcripts:
            self._post.transcript(
                TranscriptEvent.of(
                    transcript, request_id=uuid.uuid4().hex[:12], source="wyoming", latency_ms=latency_ms
                )
            )

    def connected(self) -> None:
        """Called by the link: tell everything anew."""
        self._retain(self._topics.availability, ONLINE.encode())
        self._publish_state()
        self._publish_catalogs()
        self._satellites.publish(anew=True)
        self._home.connected()

    def received(self, message: Message) -> None:
        """Called by the link."""
        if message.topic == self._topics.availability:
            # The will of a connection of ours that the broker gave up late, or the farewell of a namesake,
            # which has told its own of everything that we did.
            if message.payload == OFFLINE.encode() and not message.retained and not self._stopping:
                self.connected()
        elif message.topic == self._topics.state:
            self._look_for_namesake(message)
        elif not (self._satellites.take(message) or self._home.take(message)):
            self._commands.handle(message)

    def dropped(self, count: int) -> None:
        """Called by the link."""
        self._dropped += count

    async def _watch(self) -> None:
        """Publish the state when it changes and every so often, and the catalogs when they change.

        May be run again after a failure: it then publishes all of it.
        """
        loop = asyncio.get_running_loop()
        version: tuple[int, Settings] | None = None
        flood_told_s = -_FLOOD_AGAIN_S
        while True:
            await self._status.refresh()
            # The settings say which model and voice are the default ones.
            if (now := (self._engine.catalog.version, self._engine.settings)) != version:
                version = now
                self._publish_catalogs()
            state = self._status.state()
            if change_of(state) != self._published or loop.time() - self._published_s >= _STATE_EVERY_S:
                self._publish_state()
                self._satellites.publish()
            if self._dropped and loop.time() - flood_told_s >= _FLOOD_AGAIN_S:
                flood_told_s = loop.time()
                self._tell_of_flood()
            await asyncio.sleep(_LOOK_EVERY_S)

    def _tell_of_flood(self) -> None:
        count, self._dropped = self._dropped, 0
        error = Busy(
            f"{count} messages came too fast and were dropped; send fewer at once.", retry_after_s=1.0
        )
        _LOGGER.warning("MQTT: %s", error)
        self._post.error(self._topics.root, error)

    def _publish_state(self) -> None:
        state = self._status.state()
        if (state.voice, state.language) != self._choice_told:
            self._publish_catalogs()
        self._published = change_of(state)
        self._published_s = asyncio.get_running_loop().time()
        self._retain(self._topics.state, state.encoded())

    def _publish_catalogs(self) -> None:
        self._choice_told = self._status.default_voice, self._commands.preferences.language
        self._retain(self._topics.voices, self._status.voices().encoded())
        self._retain(self._topics.models, self._status.models().encoded())
        self._announce_devices()

    def _announce_devices(self) -> None:
        words = tuple(entry.name for entry in self._engine.wake_words())
        self._home.wants((self._device(), *self._satellites.devices(words)))

    def _house_changed(self) -> None:
        if self._link.up and not self._stopping:
            self._satellites.publish()
            self._announce_devices()

    def _heard_by_satellite(self, heard: HeardUtterance) -> None:
        if "satellites" in self._settings.publish_transcripts:
            self._post.transcript(
                TranscriptEvent.of(
                    heard.transcript,
                    request_id=uuid.uuid4().hex[:12],
                    source="satellite",
                    latency_ms=heard.latency_ms,
                    satellite=heard.satellite,
                    wake_word=heard.wake_word,
                )
            )

    def _device(self) -> Device:
        return appliance(
            node=self._node,
            version=__version__,
            hardware=platform.machine(),
            topics=self._topics,
            offer=self._status.offer(*self._choice_told),
        )

    def _retain(self, topic: str, payload: bytes) -> bool:
        return self._post.retained(topic, payload)

    def _tell(self, report: AnnouncementReport) -> None:
        self._post.speech(event_of(report, self._status.default_voice))

    def _look_for_namesake(self, message: Message) -> None:
        """Another appliance of our name publishes the same topics: both would obey every command."""
        other = instance_of(message.payload)
        if message.retained or other in (None, self._instance):
            return
        now_s = asyncio.get_running_loop().time()
        if self._clash_s is not None and now_s - self._clash_s < _CLASH_AGAIN_S:
            return
        self._clash_s = now_s
        error = NameTaken(f"Another appliance is called '{self._node}' too; name each with mqtt.node.")
        _LOGGER.error("MQTT: %s", error)
        self._post.error(self._topics.state, error)
