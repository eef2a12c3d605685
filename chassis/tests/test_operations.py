"""What Kubernetes is told on the operations port."""

import httpx

from chassis import operations

BASE = "http://operations"


async def test_liveness_asks_no_neighbour_while_readiness_asks_them_all() -> None:
    asked: list[str] = []

    def away(name: str) -> operations.Probe:
        async def probe() -> bool:
            asked.append(name)
            raise ConnectionError(name)

        return probe

    app = operations.build({name: away(name) for name in ("database", "relay", "doors")})
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=BASE) as http:
        alive = await http.get("/livez")
        assert (alive.status_code, asked) == (200, [])

        ready = await http.get("/readyz")
        assert (ready.status_code, asked) == (503, ["database", "relay", "doors"])
        assert ready.json() == {"status": "not ready", "database": False, "relay": False, "doors": False}

        asked.clear()
        serves = await http.get("/readyz/gateway")
        assert (serves.status_code, asked) == (503, ["database"])
