"""The server over TLS: which versions, which certificate, and that a renewal closes no connection."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from handlers.storage.certificates import CertificateError
from server.app import runner as serving
from server.settings import ServerSettings
from server.tls import Certificate
from tests.certificates import write_pair
from tests.unit.server.small_house import full_house


class Server:
    """A server over TLS, with a certificate in ``folder``."""

    def __init__(self, folder: Path, port: int, certificate: Certificate) -> None:
        self.folder = folder
        self.port = port
        self.certificate = certificate

    def trusting(self) -> ssl.SSLContext:
        """What trusts the certificate that lies in the folder now, and no other."""
        return ssl.create_default_context(cafile=self.folder / "server.pem")

    async def connect(self, context: ssl.SSLContext) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self.port, ssl=context)


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    house = full_house(tmp_path)
    house.settings = ServerSettings(tls_certificate="server.pem", tls_key="server.key")
    certificate = Certificate(*write_pair(tmp_path))
    runner = serving(house.services(), tls=certificate.context)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield Server(tmp_path, runner.addresses[0][1], certificate)
    await runner.cleanup()
    house.ledger.close()


async def _alive(stream: tuple[asyncio.StreamReader, asyncio.StreamWriter]) -> None:
    reader, writer = stream
    writer.write(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert (await reader.readuntil(b"}")).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_a_client_that_trusts_the_certificate_is_answered_under_its_names(server: Server, host: str) -> None:
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"https://{host}:{server.port}/v1/files", ssl=server.trusting()) as response,
    ):
        assert response.status == 200


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_versions_that_are_not_broken_are_spoken(server: Server, version: ssl.TLSVersion) -> None:
    context = server.trusting()
    context.minimum_version = context.maximum_version = version
    stream = await server.connect(context)
    await _alive(stream)
    assert stream[1].get_extra_info("ssl_object").version() == {772: "TLSv1.3", 771: "TLSv1.2"}[version]
    stream[1].close()


def test_older_versions_are_not_spoken(tmp_path: Path) -> None:
    assert Certificate(*write_pair(tmp_path)).context.minimum_version == ssl.TLSVersion.TLSv1_2


async def test_plain_http_is_not_answered(server: Server) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
    async with asyncio.timeout(10):
        assert b"HTTP" not in await reader.read()
    writer.close()


async def test_a_renewed_certificate_is_what_new_connections_get_while_open_ones_go_on(server: Server) -> None:
    old = server.trusting()
    opened = await server.connect(old)
    await _alive(opened)
    write_pair(server.folder, "two")
    server.certificate.renew()
    await _alive(opened)
    renewed = await server.connect(server.trusting())
    await _alive(renewed)
    with pytest.raises(ssl.SSLCertVerificationError):
        await server.connect(old)
    for _, writer in (opened, renewed):
        writer.close()


async def test_a_pair_that_does_not_fit_leaves_the_one_that_is_served(server: Server) -> None:
    trusting = server.trusting()
    certificate = (server.folder / "server.pem").read_bytes()
    write_pair(server.folder, "two")
    (server.folder / "server.pem").write_bytes(certificate)
    with pytest.raises(CertificateError, match="it is not the key"):
        server.certificate.renew()
    stream = await server.connect(trusting)
    await _alive(stream)
    stream[1].close()


@pytest.mark.parametrize(
    ("host", "said"), [("clients.example", "max-age=31536000"), ("localhost", None), ("127.0.0.1:8443", None)]
)
async def test_browsers_are_told_to_stay_with_https_but_not_for_names_of_any_machine(
    server: Server, host: str, said: str | None
) -> None:
    async with (
        aiohttp.ClientSession() as session,
        session.get(
            f"https://127.0.0.1:{server.port}/livez", ssl=server.trusting(), headers={"Host": host}
        ) as response,
    ):
        assert response.headers.get("Strict-Transport-Security") == said


async def test_plain_http_says_nothing_of_https(tmp_path: Path) -> None:
    house = full_house(tmp_path)
    runner = serving(house.services())
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/livez"
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        assert "Strict-Transport-Security" not in response.headers
    await runner.cleanup()
    house.ledger.close()
