"""Sending what has a fixed place: events, results and errors."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from lunavox_edge.errors import ProtocolError
from lunavox_edge.mqtt.broker_link import BrokerLink
from lunavox_edge.mqtt.events import ErrorDetails, ErrorPayload, OverlapEvent, SpeechEvent, TranscriptEvent
from lunavox_edge.mqtt.messages import Message, Publication
from lunavox_edge.mqtt.topics import Topics, is_publishable

_EVENT_EXPIRY_S = 60.0
_JSON = "application/json"

_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Destination:
    """Where the result of a request goes, and its error."""

    topic: str
    correlation: bytes | None = None


class Publisher:
    """Knows which topic, for how long, and what is dropped first."""

    def __init__(self, link: BrokerLink, topics: Topics, *, result_expiry_s: float) -> None:
        """Store the parts."""
        self._link = link
        self._topics = topics
        self._result_expiry_s = result_expiry_s

    def retained(self, topic: str, payload: bytes) -> bool:
        """Publish what a new subscriber is to find; False if there is no room, to be tried again."""
        return self._put(Publication(topic, payload, retain=True), 3600.0, expendable=False)

    def speech(self, event: SpeechEvent) -> None:
        """Tell what became of a `say`."""
        self._event(self._topics.speech_events, event.encoded())

    def transcript(self, event: TranscriptEvent) -> None:
        """Tell what was heard."""
        self._event(self._topics.transcript_events, event.encoded())

    def overlap(self, event: OverlapEvent) -> None:
        """Tell who speaks while a satellite does."""
        self._event(self._topics.overlap_events, event.encoded())

    def error(self, topic: str, error: Exception, request_id: str | None = None) -> None:
        """Tell what is wrong with a message that named no place for an answer."""
        payload = ErrorPayload(id=request_id, topic=topic[:1000], error=ErrorDetails.of(error))
        self._event(self._topics.error_events, payload.encoded())

    def result(self, destination: Destination, payload: bytes, content_type: str = _JSON) -> None:
        """Answer a request."""
        publication = Publication(
            destination.topic, payload, correlation=destination.correlation, content_type=content_type
        )
        if not self._put(publication, self._result_expiry_s, expendable=False):
            _LOGGER.warning("MQTT: a result was dropped: too much waits for the broker")

    def failure(self, destination: Destination, error: Exception, request_id: str | None = None) -> None:
        """Answer a request with an error."""
        self.result(destination, ErrorPayload(id=request_id, error=ErrorDetails.of(error)).encoded())

    def destination(self, message: Message, reply_to: str | None = None) -> Destination | None:
        """Return where a peer wants its answer; None if it named no place. Raises ProtocolError."""
        topic = message.response_topic or reply_to
        if not topic:
            return None
        if not is_publishable(topic):
            raise ProtocolError("The response topic must be a topic without wildcards.")
        if self._topics.parse(topic) is not None:
            raise ProtocolError("The response topic must not be one of the appliance's own commands.")
        return Destination(topic, message.correlation)

    def _event(self, topic: str, payload: bytes) -> None:
        if not self._put(Publication(topic, payload), _EVENT_EXPIRY_S, expendable=True):
            _LOGGER.debug("MQTT: an event was dropped: too much waits for the broker")

    def _put(self, publication: Publication, expiry_s: float, *, expendable: bool) -> bool:
        return self._link.publish(publication, expiry_s=expiry_s, expendable=expendable)
