"""Several mail hosts, and how we come to them: order of preference, TLS with verification, signing in."""

import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Literal

import pytest

from services.notifications.sending import hosts
from services.notifications.sending.hosts import Access, MailHosts, Patience
from services.notifications.settings import HostAddress, NotificationsSettings
from services.notifications.tests.certificates import Authority
from services.notifications.tests.host import Fault, Host
from services.notifications.tests.rig import Rig, code_mail
from services.notifications.tests.test_settings import REQUIRED
from tests.fixtures.patience import PATIENCE

NOBODY_HAS_ANY = "select count(*) = 0 from mails where lease_until is not null or attempts > 0 or due_at is null"
Tls = Literal["starttls", "tls"]
BOTH_KINDS = pytest.mark.parametrize("tls", ["starttls", "tls"])


@pytest.fixture(autouse=True)
def hosts_are_tried_by_the_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hosts, "FIRST_PAUSE", 0.02)
    monkeypatch.setattr(hosts, "LONGEST_PAUSE", 0.04)
    monkeypatch.setattr(hosts, "LOOK", 0.01)


@pytest.fixture
async def second(mail_ports: tuple[int, ...]) -> AsyncIterator[Host]:
    server = Host(port=mail_ports[1])
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def two(rig: Rig, second: Host) -> MailHosts:
    addresses = [HostAddress("127.0.0.1", port) for port in (rig.host.port, second.port)]
    both = MailHosts(addresses, Access(), 4, Patience(PATIENCE, PATIENCE))
    rig.use(mail_hosts=both)
    return both


async def sent(rig: Rig) -> None:
    await rig.reaches(await rig.request(code_mail()), "sent")


async def is_back(rig: Rig, both: MailHosts) -> None:
    async def first_works() -> bool:
        return both.working is not None and both.working.address.port == rig.host.port

    await rig.until(first_works)


async def test_mails_prefer_the_first_host_go_to_the_next_while_it_is_away_and_return(
    rig: Rig, second: Host, two: MailHosts
) -> None:
    rig.send()
    await sent(rig)
    assert (len(rig.host.taken), len(second.taken)) == (1, 0)

    await rig.host.stop()
    for _ in range(5):
        await sent(rig)
    assert (len(rig.host.taken), len(second.taken)) == (1, 5)

    await rig.host.start()
    await is_back(rig, two)
    await sent(rig)
    assert (len(rig.host.taken), len(second.taken)) == (2, 5)
    assert await rig.unit.pool.fetchval("select max(attempts) from mails") == 1


@pytest.mark.parametrize("act", ["421 4.3.2 closing", "550 5.7.1 not you", Fault.DROP])
async def test_a_host_that_will_not_work_with_us_is_passed_over_until_it_will(
    rig: Rig, second: Host, two: MailHosts, act: str | Fault
) -> None:
    rig.host.acts = {"mail": act}
    rig.send()
    await sent(rig)
    await rig.host.reached("mail", 3)  # it is tried again and again, by no mail
    await sent(rig)
    assert (len(rig.host.taken), len(second.taken)) == (0, 2)
    rig.host.acts = {}
    await is_back(rig, two)
    await sent(rig)
    assert len(rig.host.taken) == 1


async def test_while_all_hosts_are_away_everybody_waits_and_nobody_pays(rig: Rig, second: Host, two: MailHosts) -> None:
    await rig.host.stop()
    await second.stop()
    rig.send()
    requests = [await rig.request(code_mail()) for _ in range(20)]

    async def all_away() -> bool:
        return two.working is None

    await rig.until(all_away)
    await rig.until(lambda: rig.unit.pool.fetchval(NOBODY_HAS_ANY))
    await second.start()
    await second.took(20)
    for request in requests:
        assert (await rig.reaches(request, "sent")).status == "sent"
    assert await rig.told(requests[0]) == ["MailAccepted", "MailSent"]


async def over_tls(rig: Rig, tls: Tls, shown: ssl.SSLContext, trusted: Path | None, **more: Any) -> None:
    """Let the rig's host speak TLS, and the sender come to it by the name localhost."""
    await rig.host.stop()
    rig.host.tls, rig.host.certificate = tls, shown
    await rig.host.start()
    settings = NotificationsSettings(
        **{**REQUIRED, "smtp_hosts": f"localhost:{rig.host.port}", "smtp_tls": tls, "smtp_ca_file": trusted, **more}
    )
    rig.use(mail_hosts=MailHosts.of(settings))


async def waits(rig: Rig, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The mail waits, and an operator is told why."""
    request = await rig.request(code_mail())
    rig.send()
    told = ""

    async def an_operator_knows() -> bool:
        nonlocal told
        told += capsys.readouterr().out
        return said in told

    await rig.until(an_operator_knows)
    await rig.until(lambda: rig.unit.pool.fetchval(NOBODY_HAS_ANY))
    assert (await rig.delivery(request)).status == "accepted"
    assert rig.host.taken == []
    assert "nathalie" not in told


@BOTH_KINDS
async def test_a_host_whose_certificate_bears_its_name_and_a_trusted_signature_takes_mails(
    rig: Rig, authority: Authority, tls: Tls
) -> None:
    await over_tls(rig, tls, authority.host("localhost"), authority.file)
    rig.send()
    await sent(rig)
    assert len(rig.host.taken) == 1


@BOTH_KINDS
async def test_a_host_that_shows_another_hosts_certificate_gets_no_mail(
    rig: Rig, authority: Authority, tls: Tls, capsys: pytest.CaptureFixture[str]
) -> None:
    await over_tls(rig, tls, authority.host("other.example"), authority.file)
    await waits(rig, "Hostname mismatch", capsys)


@BOTH_KINDS
async def test_a_host_whose_authority_is_unknown_gets_no_mail(
    rig: Rig, authority: Authority, tls: Tls, capsys: pytest.CaptureFixture[str]
) -> None:
    await over_tls(rig, tls, authority.host("localhost"), None)
    await waits(rig, "unable to get local issuer certificate", capsys)


async def test_a_host_that_does_not_offer_starttls_gets_no_mail_and_no_password(
    rig: Rig, authority: Authority, capsys: pytest.CaptureFixture[str]
) -> None:
    rig.host.passwords = {"mandat": "secret"}
    signing = {"smtp_username": "mandat", "smtp_password": "secret"}
    await over_tls(rig, "starttls", authority.host("localhost"), authority.file, **signing)
    rig.host.certificate = None
    await waits(rig, "mail host unavailable", capsys)
    assert rig.host.signed_in == 0


@BOTH_KINDS
async def test_who_knows_the_password_may_send(rig: Rig, authority: Authority, tls: Tls) -> None:
    rig.host.passwords = {"mandat": "secret"}
    signing = {"smtp_username": "mandat", "smtp_password": "secret"}
    await over_tls(rig, tls, authority.host("localhost"), authority.file, **signing)
    rig.send()
    await sent(rig)
    assert rig.host.signed_in >= 1


async def test_a_password_in_a_file_may_be_rotated_under_a_running_sender(
    rig: Rig, authority: Authority, tmp_path: Path
) -> None:
    file = tmp_path / "password"
    file.write_text("old\n")
    rig.host.passwords = {"mandat": "old"}
    signing = {"smtp_username": "mandat", "smtp_password_file": file}
    await over_tls(rig, "starttls", authority.host("localhost"), authority.file, **signing)
    rig.send()
    await sent(rig)
    rig.host.passwords = {"mandat": "new"}
    await rig.host.stop()
    await rig.host.start()
    request = await rig.request(code_mail())
    file.write_text("new\n")
    await rig.reaches(request, "sent")


async def test_with_a_wrong_password_mails_wait(
    rig: Rig, authority: Authority, capsys: pytest.CaptureFixture[str]
) -> None:
    rig.host.passwords = {"mandat": "secret"}
    signing = {"smtp_username": "mandat", "smtp_password": "hunter2"}
    await over_tls(rig, "starttls", authority.host("localhost"), authority.file, **signing)
    await waits(rig, "refuses our user name or password (535)", capsys)
