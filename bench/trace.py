"""One registration as its trace shows it: request, outbox, Kafka, mail host. Printed, and drawn for docs/."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape
from typing import Any

import httpx

from bench.measuring import AGENCY, milliseconds, own_folder, say
from bench.registering import Registrations
from local import ROOT, Problem
from local.ports import Ports
from local.stack import Stack

PICTURE = ROOT / "docs" / "architecture" / "trace.svg"
ROOT_SPAN = "POST /v1/registrations"
LAST_SPAN = "send mail verification_code"
TITLE = "One registration, from the request to the end of SMTP DATA"
WARM_UP = 10  # registrations before the one that is drawn
PATIENCE = 20.0  # seconds for the spans to be written: OpenTelemetry hands them on in batches, every five seconds

COLOURS: Mapping[str, str] = {"mandat-accounts": "#2b6cb0", "mandat-notifications": "#2f855a"}
WIDTH, LABELS, ROW, TOP = 960, 330, 26, 64  # pixels


@dataclass(frozen=True)
class Bar:
    """One span: who did what, at what depth, from when to when in milliseconds since the request."""

    service: str
    name: str
    depth: int
    begun: float
    ended: float


class TracedStack(Stack):
    """A stack whose services write their spans to files."""

    def environment(self, service: str) -> dict[str, str]:
        return super().environment(service) | {"MANDAT_TRACES": f"file:{self.logs / service}.spans"}

    def spans(self) -> list[dict[str, Any]]:
        """What has been written so far."""
        files = sorted(self.logs.glob("*.spans"))
        return [json.loads(line) for file in files for line in file.read_text(encoding="utf-8").splitlines()]


def run(_: bool) -> None:
    """Trace one registration of a warm stack."""
    with own_folder() as folder, TracedStack(AGENCY, folder / "data", Ports.free(), folder / "logs", say) as stack:
        bars = asyncio.run(_trace(stack))
    for bar in bars:
        say(f"  {bar.begun:7.1f} → {bar.ended:6.1f} ms  {'  ' * bar.depth}{bar.name}  ({bar.service})")
    PICTURE.write_text(drawn(bars), encoding="utf-8")
    say(f"Drawn: {PICTURE.relative_to(ROOT)}")


async def _trace(stack: TracedStack) -> list[Bar]:
    async with httpx.AsyncClient(timeout=20) as http:
        registrations = await Registrations.on(stack, http)
        await registrations.warm_up(WARM_UP)
        await registrations.register()
    deadline = asyncio.get_running_loop().time() + PATIENCE
    while True:
        spans = stack.spans()
        last = sorted((span for span in spans if span["name"] == ROOT_SPAN), key=lambda span: str(span["start_time"]))
        if len(last) > WARM_UP:
            trace = [span for span in spans if span["context"]["trace_id"] == last[-1]["context"]["trace_id"]]
            if any(span["name"] == LAST_SPAN for span in trace):
                return bars_of(trace)
        if asyncio.get_running_loop().time() > deadline:
            raise Problem("The trace of a registration never came to the mail host.")
        await asyncio.sleep(0.5)


def bars_of(trace: Sequence[Mapping[str, Any]]) -> list[Bar]:
    """The spans of one trace as a tree, parents before their children, children by time."""
    by_parent: dict[str | None, list[Mapping[str, Any]]] = {}
    known = {span["context"]["span_id"] for span in trace}
    for span in sorted(trace, key=lambda span: str(span["start_time"])):
        by_parent.setdefault(span["parent_id"] if span["parent_id"] in known else None, []).append(span)
    origin = min(_instant(span["start_time"]) for span in trace)

    def below(parent: str | None, depth: int) -> list[Bar]:
        found = []
        for span in by_parent.get(parent, []):
            begun, ended = (milliseconds(origin, _instant(span[name])) for name in ("start_time", "end_time"))
            service = span["resource"]["attributes"]["service.name"]
            found.append(Bar(service, span["name"], depth, begun, ended))
            found += below(span["context"]["span_id"], depth + 1)
        return found

    return below(None, 0)


def _instant(written: str) -> datetime:
    return datetime.fromisoformat(written.replace("Z", "+00:00"))


def drawn(bars: Sequence[Bar]) -> str:
    """The bars as an SVG picture, readable on light and dark pages."""
    whole = max(bar.ended for bar in bars)
    scale = (WIDTH - LABELS - 90) / whole
    height = TOP + ROW * len(bars) + 16
    services = list(dict.fromkeys(bar.service for bar in bars))
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif"'
        ' font-size="13">',
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
        f'<text x="16" y="24" font-weight="bold">{TITLE}: {whole:.0f} ms</text>',
    ]
    for place, service in enumerate(services):
        left = 16 + 200 * place
        parts.append(f'<rect x="{left}" y="38" width="12" height="12" fill="{COLOURS.get(service, "#6b46c1")}"/>')
        parts.append(f'<text x="{left + 18}" y="49">{escape(service)}</text>')
    for place, bar in enumerate(bars):
        y = TOP + ROW * place
        x, width = LABELS + bar.begun * scale, max(2.0, (bar.ended - bar.begun) * scale)
        parts.append(f'<text x="{16 + 14 * bar.depth}" y="{y + 17}">{escape(bar.name)}</text>')
        parts.append(
            f'<rect x="{x:.1f}" y="{y + 4}" width="{width:.1f}" height="18" rx="2"'
            f' fill="{COLOURS.get(bar.service, "#6b46c1")}"/>'
        )
        parts.append(f'<text x="{x + width + 6:.1f}" y="{y + 17}">{bar.ended - bar.begun:.1f} ms</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"
