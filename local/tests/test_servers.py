"""The two real servers, as tests get them."""

from pathlib import Path

import asyncpg
import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from local.ports import free_ports
from local.postgres import Postgres
from tests.fixtures.servers import Broker, DatabaseServer


async def test_a_role_cannot_connect_to_the_database_of_another(postgres: DatabaseServer) -> None:
    ours = postgres.create_database("first_owner")
    postgres.create_database("second_owner")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await asyncpg.connect(ours, database="second_owner")


async def test_a_wrong_password_is_refused(postgres: DatabaseServer) -> None:
    url = postgres.create_database("first_owner")
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(url, password="wrong")


async def test_a_clone_has_what_its_template_has_and_keeps_strangers_out(postgres: DatabaseServer) -> None:
    connection = await asyncpg.connect(postgres.create_database("made_template", "first_owner"))
    await connection.execute("CREATE TABLE IF NOT EXISTS kept (id int)")
    await connection.close()
    postgres.create_database("second_owner")
    try:
        connection = await asyncpg.connect(postgres.clone("made_template", "made_clone"))
        assert await connection.fetch("SELECT * FROM kept") == []
        await connection.close()
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await asyncpg.connect(postgres.url("made_clone", "second_owner"))
    finally:
        postgres.drop_database("made_clone")


async def test_what_was_committed_survives_kill_9_and_the_next_start_does_not_wait_for_anybody(tmp_path: Path) -> None:
    [port] = free_ports(1)
    server = Postgres(tmp_path / "postgres", port, tmp_path / "postgres.log")
    server.start()
    try:
        connection = await asyncpg.connect(server.create_database("kept"))
        await connection.execute("CREATE TABLE kept (id int); INSERT INTO kept VALUES (1)")
        server.kill()
        with pytest.raises((OSError, asyncpg.PostgresError, asyncpg.InterfaceError)):
            await connection.fetchval("SELECT 1")
        connection.terminate()
        server.start()
        connection = await asyncpg.connect(server.url("kept"))
        assert await connection.fetchval("SELECT id FROM kept") == 1
        await connection.close()
    finally:
        server.processes.stop_all()


def test_a_name_that_would_need_quoting_is_refused(postgres: DatabaseServer) -> None:
    with pytest.raises(ValueError, match="not a plain"):
        postgres.create_database('x"; DROP DATABASE postgres; --')


async def test_kafka_takes_a_message_on_a_topic_made_the_moment_before(kafka: Broker, topic_prefix: str) -> None:
    topic = f"{topic_prefix}tried"
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.servers)
    await admin.start()
    await admin.create_topics([NewTopic(topic, 1, 1)])
    await admin.close()
    producer = AIOKafkaProducer(bootstrap_servers=kafka.servers)
    await producer.start()
    try:
        assert (await producer.send_and_wait(topic, b"value")).offset == 0
    finally:
        await producer.stop()
