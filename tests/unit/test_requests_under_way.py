"""A world is not quiet while a vendor works on a request, or a function on a delivery."""

import asyncio

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from local.postman import Disturbance, Postman
from local.simulators.faults import Fault, Faults

STALL_S = 0.2


async def _echo(request: Request) -> Response:
    return JSONResponse({"said": (await request.body()).decode()})


def _too_many() -> Response:
    return Response(status_code=429)


def _client(app: Starlette) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://vendor")


def test_a_stalled_request_is_under_way_until_it_is_answered() -> None:
    faults = Faults()
    faults.rules.append(Fault(operation="echo", kind="stall", seconds=STALL_S))
    app = Starlette(
        routes=[Route("/", faults.wrap("echo", _echo, _too_many), methods=["POST"])],
    )

    async def scenario() -> list[int]:
        async with _client(app) as client:
            asked = asyncio.create_task(client.post("/", content=b"hello"))
            await asyncio.sleep(STALL_S / 2)
            meanwhile = faults.under_way
            answer = await asked
            assert answer.json() == {"said": "hello"}
            return [meanwhile, faults.under_way]

    assert asyncio.run(scenario()) == [1, 0]


def test_a_request_that_never_arrived_whole_is_not_done() -> None:
    faults, done = Faults(), []

    async def handle(_request: Request) -> Response:
        done.append("something")
        return Response()

    async def scenario() -> int:
        async def gone() -> dict[str, str]:
            return {"type": "http.disconnect"}

        request = Request({"type": "http", "method": "POST", "headers": []}, gone)
        await faults.wrap("echo", handle, _too_many)(request)
        return faults.under_way

    assert asyncio.run(scenario()) == 0
    assert done == []


def test_a_delivery_is_under_way_until_the_function_has_answered() -> None:
    async def scenario() -> list[int]:
        arrived, answering = asyncio.Event(), asyncio.Event()

        async def function(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"{}")
            arrived.set()
            await answering.wait()
            writer.write(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
            writer.close()
            await writer.wait_closed()

        server = await asyncio.start_server(function, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        app = Postman({"step": f"http://127.0.0.1:{port}"}, Disturbance()).app()
        async with server, _client(app) as client, app.router.lifespan_context(app):
            pushed = asyncio.create_task(client.post("/step", content=b"{}"))
            await arrived.wait()
            meanwhile = (await client.get("/_admin/pending")).json()["under_way"]
            answering.set()
            assert (await pushed).status_code == 204
            return [meanwhile, (await client.get("/_admin/pending")).json()["under_way"]]

    assert asyncio.run(scenario()) == [1, 0]
