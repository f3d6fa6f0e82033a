"""Handling incoming commands: each message becomes work in the engine or the hub, or an error."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from lunavox_edge import bridge
from lunavox_edge.announcements.announcement import Announcement, SpeechStatus
from lunavox_edge.announcements.announcer import Announcer
from lunavox_edge.announcements.house import House
from lunavox_edge.announcements.loudspeakers import Place
from lunavox_edge.errors import AudioTooLong, Busy, LunavoxError, ProtocolError
from lunavox_edge.mqtt import payloads, requests
from lunavox_edge.mqtt.chosen_defaults import ChosenDefaults
from lunavox_edge.mqtt.command_tasks import RETRY_AFTER_S, CommandTasks
from lunavox_edge.mqtt.events import ErrorDetails, SpeechEvent
from lunavox_edge.mqtt.messages import Message
from lunavox_edge.mqtt.payloads import ModelAction, SayRequest, StopRequest
from lunavox_edge.mqtt.preferences import Preferences
from lunavox_edge.mqtt.publishing import Destination, Publisher
from lunavox_edge.mqtt.repeats import Repeats
from lunavox_edge.mqtt.topics import Command, CommandAddress, Topics
from lunavox_edge.settings.mqtt_settings import MqttSettings
from lunavox_edge.settings.satellite_settings import ALL
from lunavox_edge.types import ModelKind

if TYPE_CHECKING:
    from lunavox_edge.engine.engine import Engine

_MIB = 1024 * 1024

_LOGGER = logging.getLogger(__name__)


class Commands:
    """Handles the commands of one appliance; used on the event loop only."""

    def __init__(
        self,
        *,
        engine: Engine,
        settings: MqttSettings,
        topics: Topics,
        publisher: Publisher,
        announcer: Announcer,
        house: House,
        defaults: ChosenDefaults,
    ) -> None:
        """Create it; `defaults` are changed by commands, and fill in what a request leaves out."""
        self._engine = engine
        self._settings = settings
        self._topics = topics
        self._publisher = publisher
        self._announcer = announcer
        self._house = house
        self._defaults = defaults
        self._repeats = Repeats()
        self._tasks = CommandTasks(publisher)
        self._model_lock = asyncio.Lock()
        self._table: dict[Command, Callable[[Message, CommandAddress], None]] = {
            Command.SAY: self._say,
            Command.STOP: self._stop,
            Command.SYNTHESIZE: self._synthesize,
            Command.TRANSCRIBE: self._transcribe,
            Command.SET_VOICE: self._set_voice,
            Command.SET_LANGUAGE: self._set_language,
            Command.SET_MODEL: self._set_model,
            Command.SET_VOLUME: self._set_volume,
            Command.SET_MUTE: self._set_mute,
            Command.SET_WAKE_WORDS: self._set_wake_words,
        }

    def handle(self, message: Message) -> None:
        """Handle one message; errors are answered, never raised."""
        address = self._topics.parse(message.topic)
        if address is None:
            return
        if message.retained:
            _LOGGER.warning(
                "MQTT: a retained message on %s is ignored: a command must not be retained", message.topic
            )
            return
        try:
            self._table[address.command](message, address)
        except Exception as error:
            if not isinstance(error, LunavoxError):
                _LOGGER.exception("MQTT: a command failed")
            self._publisher.error(message.topic, error, payloads.id_of(message.payload))

    async def close(self) -> None:
        """Cancel all running commands and wait until they have ended."""
        await self._tasks.close()

    def _say(self, message: Message, address: CommandAddress) -> None:
        request_id = payloads.id_of(message.payload)
        try:
            request = payloads.parse_say(message.payload)
            place = _place_of(request, address)
            if self._is_repeat(message, request_id):
                return
            voice, language = self._defaults.for_speech(request.voice, request.language)
            self._announcer.add(
                Announcement(
                    id=request_id or requests.new_id(),
                    text=request.text,
                    text_format=request.text_format,
                    voice=voice,
                    language=language,
                    params=requests.params_of(request.speed, request.volume),
                    place=place,
                    priority=request.priority,
                )
            )
        except LunavoxError as error:
            event = SpeechEvent(
                id=request_id or requests.new_id(), status=SpeechStatus.FAILED, error=ErrorDetails.of(error)
            )
            self._publisher.speech(event)
        else:
            self._repeats.note(message, request_id, time.monotonic())

    def _stop(self, message: Message, address: CommandAddress) -> None:
        request = payloads.parse_stop(message.payload)
        stopped = 0
        for satellite in self._stop_targets(request, address):
            stopped += self._announcer.stop(announcement_id=request.id, satellite=satellite)
            if request.id is None:
                stopped += self._house.silence(satellite)
        _LOGGER.info("stop: %d announcements cancelled", stopped)

    def _stop_targets(self, request: StopRequest, address: CommandAddress) -> tuple[str | None, ...]:
        """Return the satellites where speech is to stop; None means everywhere. Raises ProtocolError."""
        named = request.satellites or ((request.satellite,) if request.satellite else ())
        if address.satellite is not None:
            if named and named != (address.satellite,):
                raise ProtocolError("The topic names the satellite; leave 'satellite' and 'satellites' out.")
            return (address.satellite,)
        if ALL in named:
            return tuple(view.id for view in self._house.views())
        return named or (None,)

    def _synthesize(self, message: Message, _: CommandAddress) -> None:
        request_id = payloads.id_of(message.payload)
        destination = self._publisher.destination(message)
        try:
            request = payloads.parse_synthesize(message.payload)
            destination = self._publisher.destination(message, request.reply_to)
            if destination is None:
                raise ProtocolError("Say where the audio goes: an MQTT 5 response topic, or 'reply_to'.")
            if self._is_repeat(message, request_id):
                return
            voice, language = self._defaults.for_speech(request.voice, request.language)
            result_to = destination

            async def synthesize() -> None:
                audio, content_type = await requests.synthesize(self._engine, request, voice, language)
                self._publisher.result(result_to, audio, content_type)

            self._tasks.start(synthesize(), destination, request_id)
        except LunavoxError as error:
            if destination is None:
                raise
            self._publisher.failure(destination, error, request_id)
        else:
            self._repeats.note(message, request_id, time.monotonic())

    def _transcribe(self, message: Message, _: CommandAddress) -> None:
        request_id = requests.id_from(message.correlation) or requests.new_id()
        destination = Destination(self._topics.transcript(request_id))
        try:
            destination = self._publisher.destination(message) or destination
            if len(message.payload) > self._settings.max_audio_mb * _MIB:
                raise AudioTooLong(f"The recording is over the limit of {self._settings.max_audio_mb} MB.")
            if not message.payload:
                raise ProtocolError("The message holds no audio.")
            if self._repeats.seen(message, None, time.monotonic()):
                return
            work = self._send_transcript(message.payload, request_id, destination)
            self._tasks.start(work, destination, request_id)
        except LunavoxError as error:
            self._publisher.failure(destination, error, request_id)
        else:
            self._repeats.note(message, None, time.monotonic())

    async def _send_transcript(self, recording: bytes, request_id: str, destination: Destination) -> None:
        language = self._defaults.language(ModelKind.STT)
        event = await requests.transcribe(self._engine, recording, request_id, language)
        self._publisher.result(destination, event.encoded())
        if "mqtt" in self._settings.publish_transcripts:
            self._publisher.transcript(event)

    def _set_voice(self, message: Message, _: CommandAddress) -> None:
        self._choose(self._defaults.with_voice(payloads.parse_name(message.payload) or None), message.topic)

    def _set_language(self, message: Message, _: CommandAddress) -> None:
        language = payloads.parse_language(message.payload)
        self._choose(self._defaults.with_language(language), message.topic)

    def _choose(self, chosen: Preferences, topic: str) -> None:
        """Set the choices, and save them in a task. Raises Busy, changing nothing."""
        self._tasks.start(self._defaults.save(chosen), topic=topic)
        self._defaults.chosen = chosen

    def _set_volume(self, message: Message, address: CommandAddress) -> None:
        self._house.set_volume(self._satellite(address), payloads.parse_volume(message.payload))

    def _set_mute(self, message: Message, address: CommandAddress) -> None:
        self._house.set_muted(self._satellite(address), muted=payloads.parse_switch(message.payload))

    def _set_wake_words(self, message: Message, address: CommandAddress) -> None:
        self._house.set_wake_words(self._satellite(address), payloads.parse_names(message.payload))

    def _satellite(self, address: CommandAddress) -> str:
        """Return the satellite of a topic. Raises UnknownSatellite, before the payload is looked at."""
        satellite = address.satellite or ""
        self._house.check(satellite)
        return satellite

    def _set_model(self, message: Message, address: CommandAddress) -> None:
        action = payloads.parse_action(message.payload)
        self._tasks.start(self._change_model(action, address.model), topic=message.topic)

    async def _change_model(self, action: ModelAction, name: str) -> None:
        """Load, pin or unload a model; one change at a time. Raises LunavoxError."""
        async with self._model_lock:
            if action is ModelAction.UNLOAD:
                self._engine.pin(name, pinned=False)
                if self._engine.is_loaded(name) and not await bridge.blocking(
                    lambda: self._engine.unload(name)
                ):
                    raise Busy(f"'{name}' is in use; try again later.", retry_after_s=RETRY_AFTER_S)
                return
            await bridge.blocking(lambda: self._engine.load(name))
            if action is ModelAction.PIN:
                self._engine.pin(name)

    def _is_repeat(self, message: Message, request_id: str | None) -> bool:
        """Whether the message is a repeated delivery, which is logged and ignored."""
        if not self._repeats.seen(message, request_id, time.monotonic()):
            return False
        _LOGGER.info("MQTT: a message on %s was delivered twice; the second is ignored", message.topic)
        return True


def _place_of(request: SayRequest, address: CommandAddress) -> Place:
    """Return where a text is to be spoken. Raises ProtocolError."""
    if address.satellite is None:
        return Place(request.satellites or ((request.satellite,) if request.satellite else ()), request.area)
    if request.satellites or request.satellite or request.area:
        raise ProtocolError("The topic names the satellite; leave 'satellite' and 'area' out.")
    return Place((address.satellite,))
