"""Publishing events, results and errors to their topics."""

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
    """Where the result or the error of a request is sent, with the correlation data of MQTT 5."""

    topic: str
    correlation: bytes | None = None


class Publisher:
    """Publishes payloads to their topics, with the expiry and the priority of their kind.

    Used on the event loop only.
    """

    def __init__(self, link: BrokerLink, topics: Topics, *, result_expiry_s: float) -> None:
        """Create it; results and errors expire after `result_expiry_s` without a connection."""
        self._link = link
        self._topics = topics
        self._result_expiry_s = result_expiry_s

    def retained(self, topic: str, payload: bytes) -> bool:
        """Publish a retained message; False if the queue is full, the caller then tries again."""
        return self._put(Publication(topic, payload, retain=True), 3600.0, expendable=False)

    def speech(self, event: SpeechEvent) -> None:
        """Publish a change of the status of a `say`."""
        self._event(self._topics.speech_events, event.encoded())

    def transcript(self, event: TranscriptEvent) -> None:
        """Publish a transcript."""
        self._event(self._topics.transcript_events, event.encoded())

    def overlap(self, event: OverlapEvent) -> None:
        """Publish that a person speaks while a satellite plays speech."""
        self._event(self._topics.overlap_events, event.encoded())

    def error(self, topic: str, error: Exception, request_id: str | None = None) -> None:
        """Publish the error of a message that has no response topic; `topic` is that of the message."""
        payload = ErrorPayload(id=request_id, topic=topic[:1000], error=ErrorDetails.of(error))
        self._event(self._topics.error_events, payload.encoded())

    def result(self, destination: Destination, payload: bytes, content_type: str = _JSON) -> None:
        """Send the result of a request; if the queue is full, it is dropped and logged."""
        publication = Publication(
            destination.topic, payload, correlation=destination.correlation, content_type=content_type
        )
        if not self._put(publication, self._result_expiry_s, expendable=False):
            _LOGGER.warning("MQTT: a result was dropped: too much waits for the broker")

    def failure(self, destination: Destination, error: Exception, request_id: str | None = None) -> None:
        """Send an error in place of the result of a request."""
        self.result(destination, ErrorPayload(id=request_id, error=ErrorDetails.of(error)).encoded())

    def destination(self, message: Message, reply_to: str | None = None) -> Destination | None:
        """Return the destination of a request's answer; None if it has no response topic.

        Raises ProtocolError if the topic is not allowed.
        """
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
