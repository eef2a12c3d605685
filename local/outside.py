"""What lies outside the platform, in one process: people's inbox, and the agency's sign-in for its agents.

`python -m local.outside --smtp-port 8025 --page-port 8026 --agency FOLDER [--folder FOLDER]`; on 127.0.0.1 only,
unless `--name NAME` says by which name others reach it, as they do in a cluster.
"""

import argparse
import asyncio
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import uvicorn
from aiosmtpd.smtp import SMTP
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from local import Problem
from local.inbox import Inbox, Mail
from local.inbox_page import list_page, mail_page
from local.issuer import AGENTS, DemoIssuer
from local.ports import EVERYWHERE
from local.previews import Previews

HOST = "127.0.0.1"
NAMES = [HOST, "localhost"]
"""A page elsewhere whose name is made to point at this machine (DNS rebinding) reads nobody's codes."""


def build(inbox: Inbox, issuer: DemoIssuer, previews: Previews, names: Sequence[str] = ()) -> Starlette:
    """The web application: the inbox's page and JSON, the previews of all mails, and the demo issuer. It answers to
    `names` besides its own."""

    async def page(_request: Request) -> Response:
        return HTMLResponse(list_page(inbox.find()))

    async def one_page(request: Request) -> Response:
        return HTMLResponse(mail_page(_found(request)))

    async def all_kinds(_request: Request) -> Response:
        try:
            return HTMLResponse(await previews.page())
        except Problem as problem:
            raise HTTPException(503, str(problem)) from None

    async def mails(request: Request) -> Response:
        to, since = request.query_params.get("to"), request.query_params.get("since")
        return JSONResponse([mail.as_json() for mail in inbox.find(to, _instant(since) if since else None)])

    async def one(request: Request) -> Response:
        return JSONResponse(_found(request).as_json())

    async def clear(_request: Request) -> Response:
        inbox.clear()
        return Response(status_code=204)

    async def configuration(_request: Request) -> Response:
        return JSONResponse(issuer.configuration())

    async def key_set(_request: Request) -> Response:
        return JSONResponse(issuer.key_set())

    async def token(request: Request) -> Response:
        try:
            name = str((await request.json())["name"])
            answer = {"access_token": issuer.token(name), "token_type": "Bearer"}
        except (ValueError, KeyError, TypeError):
            raise HTTPException(400, f'Send {{"name": …}} with one of: {", ".join(AGENTS.values())}') from None
        return JSONResponse(answer, headers={"Cache-Control": "no-store"})

    def _found(request: Request) -> Mail:
        mail = inbox.get(request.path_params["id"])
        if mail is None:
            raise HTTPException(404, "There is no such mail.")
        return mail

    return Starlette(
        routes=[
            Route("/", page),
            Route("/previews", all_kinds),
            Route("/mails", mails),
            Route("/mails", clear, methods=["DELETE"]),
            Route("/mails/{id}", one),
            Route("/mails/{id}/page", one_page),
            Route("/demo-issuer/.well-known/openid-configuration", configuration),
            Route("/demo-issuer/jwks.json", key_set),
            Route("/demo-issuer/token", token, methods=["POST"]),
        ],
        middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=[*NAMES, *names])],
    )


def _instant(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text.replace(" ", "+"))  # an unescaped + arrives as a space
    except ValueError:
        raise HTTPException(400, "`since` is an ISO 8601 instant, such as 2026-11-22T14:30:00.000000+00:00.") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


async def serve(
    inbox: Inbox, issuer: DemoIssuer, previews: Previews, smtp_port: int, page_port: int, name: str = HOST
) -> None:
    """Serves both until the process is told to stop. By another name than HOST, others reach them."""
    loop, host = asyncio.get_running_loop(), HOST if name == HOST else EVERYWHERE
    smtp = await loop.create_server(
        lambda: SMTP(inbox, hostname="localhost", ident="Mandat inbox", enable_SMTPUTF8=True, loop=loop),
        host,
        smtp_port,
    )
    server = uvicorn.Server(
        uvicorn.Config(
            build(inbox, issuer, previews, [name]),
            host=host,
            port=page_port,
            log_level="warning",
            timeout_graceful_shutdown=2,
        )
    )
    async with smtp:
        await server.serve()


def main(arguments: Sequence[str]) -> None:
    """Runs the process. With a folder, mails are also kept as files, and the issuer keeps its key."""
    parser = argparse.ArgumentParser(prog="python -m local.outside", description=__doc__)
    parser.add_argument("--smtp-port", type=int, required=True)
    parser.add_argument("--page-port", type=int, required=True)
    parser.add_argument("--agency", type=Path, required=True, help="its folder: whose mails to preview")
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--name", default=HOST, help="by which others reach it; without, nobody but this machine does")
    options = parser.parse_args(arguments)
    folder: Path | None = options.folder
    if folder is not None:
        (folder / "mails").mkdir(parents=True, exist_ok=True)
    issuer = DemoIssuer.open(
        f"http://{options.name}:{options.page_port}/demo-issuer",
        None if folder is None else folder / "demo-issuer.json",
    )
    inbox = Inbox(None if folder is None else folder / "mails")
    previews = Previews(options.agency)
    asyncio.run(serve(inbox, issuer, previews, options.smtp_port, options.page_port, options.name))


if __name__ == "__main__":
    main(sys.argv[1:])
