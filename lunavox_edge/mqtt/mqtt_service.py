"""The MQTT front-end of one appliance: its parts, their start and stop, and who gets which message."""

from __future__ import annotations

import asyncio
import logging
import socket
from pathlib import Path
from typing import TYPE_CHECKING

from lunavox_edge import bridge
from lunavox_edge.announcements.announcement import AnnouncementReport
from lunavox_edge.announcements.announcer import Announcer
from lunavox_edge.announcements.house import HeardUtterance, House, Listeners
from lunavox_edge.announcements.loudspeakers import Loudspeakers
from lunavox_edge.background import Background, guarded, guarded_async
from lunavox_edge.errors import NameTaken
from lunavox_edge.mqtt.appliance_topics import AppliancePublisher
from lunavox_edge.mqtt.broker_address import BrokerAddress
from lunavox_edge.mqtt.broker_link import BrokerLink
from lunavox_edge.mqtt.chosen_defaults import ChosenDefaults
from lunavox_edge.mqtt.commands import Commands
from lunavox_edge.mqtt.discovery import Form
from lunavox_edge.mqtt.discovery_sync import DiscoverySync
from lunavox_edge.mqtt.events import (
    OFFLINE,
    ONLINE,
    AppliancePhase,
    OverlapEvent,
    SpeechEvent,
    TranscriptEvent,
)
from lunavox_edge.mqtt.ha_devices import appliance_id, former_id, satellite_device_id
from lunavox_edge.mqtt.messages import Message, Publication, Subscription
from lunavox_edge.mqtt.own_broker import OwnBroker
from lunavox_edge.mqtt.payloads import instance_of
from lunavox_edge.mqtt.publishing import Publisher
from lunavox_edge.mqtt.requests import new_id
from lunavox_edge.mqtt.satellite_topics import SatellitePublisher
from lunavox_edge.mqtt.status import ApplianceStatus
from lunavox_edge.mqtt.topics import Topics
from lunavox_edge.settings.mqtt_settings import MqttSettings

if TYPE_CHECKING:
    from lunavox_edge.engine.engine import Engine
    from lunavox_edge.types import Transcript

_NAMESAKE_EVERY_S = 600.0

_LOGGER = logging.getLogger(__name__)


class MqttService:
    """One appliance at one broker; used once, and on the event loop only."""

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
        """Create the parts; `start` connects.

        `background` runs the tasks, `state_dir` holds the saved preferences. `resumes` says whether an
        announcement that was interrupted is continued. Raises SettingsError if the password cannot be read.
        """
        node = settings.node or socket.gethostname() or "lunavox"
        self._node = node
        self._settings = settings
        self._background = background
        self._instance = new_id()
        self._topics = topics = Topics.of(node, settings.base)
        satellites = [view.id for view in house.views()]
        ids = (appliance_id(node), *(satellite_device_id(node, satellite) for satellite in satellites))
        former_ids = (former_id(node), *(former_id(node, satellite) for satellite in satellites))
        self._discovery = DiscoverySync(
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
                *self._discovery.subscriptions,
            ),
        )
        self._publisher = Publisher(self._link, topics, result_expiry_s=settings.result_expiry_s)
        self._announcer = Announcer(
            engine, loudspeakers, max_waiting=settings.max_queue, report=self._report_speech, resumes=resumes
        )
        self._defaults = ChosenDefaults(engine, state_dir / "mqtt.json")
        self._commands = Commands(
            engine=engine,
            settings=settings,
            topics=topics,
            publisher=self._publisher,
            announcer=self._announcer,
            house=house,
            defaults=self._defaults,
        )
        self._status = ApplianceStatus(
            engine,
            instance=self._instance,
            preferences=self._defaults.usable,
            waiting=lambda: self._announcer.waiting,
            announcing=lambda: self._announcer.busy,
        )
        self._satellites = SatellitePublisher(house, topics, self._publisher, self._discovery, node=node)
        self._appliance = AppliancePublisher(
            engine,
            self._status,
            self._publisher,
            topics,
            node=node,
            satellites=self._satellites,
            discovery=self._discovery,
        )
        house.subscribe(
            Listeners(
                changed=self._satellites_changed,
                heard=self._publish_satellite_transcript,
                overlapped=lambda overlap: self._publisher.overlap(OverlapEvent.of(overlap)),
            )
        )
        self._broker = OwnBroker(settings) if settings.broker == "embedded" else None
        self._tasks: list[asyncio.Task[None]] = []
        self._stopping = False
        self._namesake_s: float | None = None

    @property
    def uri(self) -> str:
        """The broker's address."""
        return self._link.uri

    @property
    def topics(self) -> Topics:
        """The topics of this appliance."""
        return self._topics

    async def start(self) -> None:
        """Start the embedded broker if the settings want it, and start to connect.

        Raises LunavoxLibraryError if the embedded broker cannot start.
        """
        if self._broker is not None:
            await self._broker.start()
        await guarded_async("MQTT: status", self._status.refresh())
        tasks = {
            "link": self._link.run,
            "announcer": self._announcer.run,
            "home assistant": self._discovery.run,
            "status": self._appliance.run,
        }
        if self._broker is not None:
            tasks["broker"] = self._broker.run
        self._tasks = [self._background.start(f"mqtt {name}", work) for name, work in tasks.items()]

    def ready(self) -> None:
        """Leave the phase `starting`, because the models are loaded."""
        self._status.set_phase(None)

    async def stop(self) -> None:
        """Stop speaking, publish `offline`, disconnect. Idempotent."""
        if self._stopping:
            return
        self._stopping = True
        self._status.set_phase(AppliancePhase.STOPPING)
        guarded("MQTT: silence", self._announcer.stop)
        await self._commands.close()
        guarded("MQTT: state", self._appliance.publish_state)
        guarded("MQTT: offline", self._satellites.publish_offline)
        await self._link.send_last(Publication(self._topics.availability, OFFLINE.encode(), retain=True))
        await bridge.cancel_and_wait(*self._tasks)
        await self._status.close()
        if self._broker is not None:
            await self._broker.stop()

    def publish_transcript(self, transcript: Transcript, latency_ms: float) -> None:
        """Publish a transcript of the Wyoming server, if the settings allow it."""
        if "wyoming" in self._settings.publish_transcripts:
            self._publisher.transcript(
                TranscriptEvent.of(transcript, request_id=new_id(), source="wyoming", latency_ms=latency_ms)
            )

    def connected(self) -> None:
        """Publish everything on a new connection (called by the link)."""
        self._retain(self._topics.availability, ONLINE.encode())
        self._appliance.publish_state()
        self._appliance.publish_catalogs()
        self._satellites.publish(anew=True)
        self._discovery.connected()

    def received(self, message: Message) -> None:
        """Pass a message to the part that handles it (called by the link)."""
        if message.topic == self._topics.availability:
            # The will of an earlier connection of ours that the broker noticed late, or the end of another
            # appliance of the same name, which has published to all our retained topics.
            if message.payload == OFFLINE.encode() and not message.retained and not self._stopping:
                self.connected()
        elif message.topic == self._topics.state:
            self._check_namesake(message)
        elif not (self._satellites.take(message) or self._discovery.take(message)):
            self._commands.handle(message)

    def dropped(self, count: int) -> None:
        """Count dropped messages (called by the link)."""
        self._appliance.dropped(count)

    def _satellites_changed(self) -> None:
        if self._link.up and not self._stopping:
            self._satellites.publish()
            self._appliance.publish_devices()

    def _publish_satellite_transcript(self, utterance: HeardUtterance) -> None:
        if "satellites" in self._settings.publish_transcripts:
            self._publisher.transcript(
                TranscriptEvent.of(
                    utterance.transcript,
                    request_id=new_id(),
                    source="satellite",
                    latency_ms=utterance.latency_ms,
                    satellite=utterance.satellite,
                    wake_word=utterance.wake_word,
                )
            )

    def _retain(self, topic: str, payload: bytes) -> bool:
        return self._publisher.retained(topic, payload)

    def _report_speech(self, report: AnnouncementReport) -> None:
        self._publisher.speech(SpeechEvent.of(report, self._status.default_voice))

    def _check_namesake(self, message: Message) -> None:
        """Report another appliance of our name, at most every 10 minutes: both obey every command."""
        other = instance_of(message.payload)
        if message.retained or other in (None, self._instance):
            return
        now_s = asyncio.get_running_loop().time()
        if self._namesake_s is not None and now_s - self._namesake_s < _NAMESAKE_EVERY_S:
            return
        self._namesake_s = now_s
        error = NameTaken(f"Another appliance is called '{self._node}' too; name each with mqtt.node.")
        _LOGGER.error("MQTT: %s", error)
        self._publisher.error(self._topics.state, error)
