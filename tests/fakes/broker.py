"""A real mosquitto and a real client, both controlled by a test."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from tests.fakes.ports import free_port

PATIENCE_S = 30.0
MOSQUITTO = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")


async def until(reached: Callable[[], object], seen: Callable[[], object] = list) -> None:
    """Wait until something has come about; `seen` helps to understand why it has not."""
    end_s = time.monotonic() + PATIENCE_S
    while not reached():
        assert time.monotonic() < end_s, seen()
        await asyncio.sleep(0.01)


class Mosquitto:
    """One broker process; `start` again after `stop` or `kill` uses the same port."""

    def __init__(self, folder: Path, *lines: str) -> None:
        self.port = free_port()
        self._file = folder / f"mosquitto-{self.port}.conf"
        access = () if any(line.startswith("password_file") for line in lines) else ("allow_anonymous true",)
        self._file.write_text(
            # As root it would become another user, who may not read a test's files.
            "\n".join(
                (
                    "user root",
                    f"listener {self.port} 127.0.0.1",
                    *access,
                    "max_queued_messages 20000",
                    *lines,
                    "",
                )
            ),
            encoding="utf-8",
        )
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        assert MOSQUITTO is not None
        self._process = subprocess.Popen(
            [MOSQUITTO, "-c", str(self._file)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.01)
        raise AssertionError("mosquitto does not start")

    def stop(self) -> None:
        if self._process is not None:
            until = time.monotonic() + PATIENCE_S
            # Again, because mosquitto forgets a signal that comes while it starts.
            while self._process.poll() is None and time.monotonic() < until:
                self._process.terminate()
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self._process.wait(1.0)
            assert self._process.poll() is not None, "mosquitto does not end"
            self._process = None

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait(PATIENCE_S)
            self._process = None


class Peer:
    """An MQTT client that records every message."""

    def __init__(
        self,
        port: int,
        *,
        version: str = "5",
        user: str | None = None,
        password: str | None = None,
        kept_as: str | None = None,
    ) -> None:
        """With `kept_as` the broker keeps messages while this client is away (MQTT 3.1.1)."""
        self.five = version == "5"
        self.heard: list[paho.MQTTMessage] = []
        protocol = paho.MQTTv5 if self.five else paho.MQTTv311
        self._client = (
            paho.Client(CallbackAPIVersion.VERSION2, protocol=protocol)
            if kept_as is None
            else paho.Client(CallbackAPIVersion.VERSION2, kept_as, clean_session=False)
        )
        self._client.reconnect_delay_set(1, 1)
        self._client.on_connect = self._subscribe
        self._client.on_subscribe = self._subscribed
        self._client.on_message = lambda _c, _u, message: self.heard.append(message)
        if user is not None:
            self._client.username_pw_set(user, password)
        self.subscribed = False
        self.connections = 0
        self._port = port

    async def start(self) -> None:
        self._client.connect("127.0.0.1", self._port)
        self._client.loop_start()
        await self.until(lambda: self.subscribed)

    def close(self) -> None:
        self._client.disconnect()
        with contextlib.suppress(AttributeError):  # its thread ends by itself at this moment
            self._client.loop_stop()
        self._client.on_connect = self._client.on_subscribe = self._client.on_message = None

    def send(
        self,
        topic: str,
        payload: bytes | str | dict[str, Any] = b"",
        *,
        retain: bool = False,
        qos: int = 1,
        reply_to: str | None = None,
        correlation: bytes | None = None,
    ) -> None:
        properties = None
        if reply_to is not None:
            properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
            properties.ResponseTopic = reply_to
            if correlation is not None:
                properties.CorrelationData = correlation
        data = json.dumps(payload) if isinstance(payload, dict) else payload
        self._client.publish(topic, data, qos, retain, properties=properties)

    def on(self, topic: str) -> list[paho.MQTTMessage]:
        return [message for message in list(self.heard) if message.topic.endswith(topic)]

    def values(self, topic: str) -> list[dict[str, Any]]:
        return [json.loads(message.payload) for message in self.on(topic)]

    async def message(self, topic: str) -> paho.MQTTMessage:
        """Wait for the first message on a topic."""
        await self.until(lambda: self.on(topic))
        return self.on(topic)[0]

    async def value(self, where: str, /, **fields: object) -> dict[str, Any]:
        """Wait for a JSON message that has these fields."""

        def found() -> list[dict[str, Any]]:
            return [
                value
                for value in self.values(where)
                if all(value.get(name) == wanted for name, wanted in fields.items())
            ]

        await self.until(found)
        return found()[0]

    async def until(self, reached: Callable[[], object]) -> None:
        await until(reached, lambda: [(message.topic, message.payload[:200]) for message in self.heard[-20:]])

    def _subscribe(self, client: paho.Client, *_: object) -> None:
        client.subscribe("#", 1)

    def _subscribed(self, *_: object) -> None:
        self.connections += 1
        self.subscribed = True
