"""The durable-execution peer, as the load sees it, in an environment of its own."""

import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import httpx
import msgspec

from benchmarks.pipeline.load import PAID, Seen, post
from benchmarks.scene import await_answer
from local.config import WorldConfig
from local.lifeline import TetheredProcess
from local.staging import ROOT
from shared.domain.events import OrderCreated

_ENVIRONMENT = ROOT / ".local" / "bench" / "dbos-venv"
_PACKAGES = (
    "dbos==3.4.0",
    "xendit-python==7.0.0",
    "google-api-python-client==2.202.0",
    "google-auth==2.62.2",
    "google-auth-httplib2==0.4.4",
    "urllib3==2.8.0",
    "python-dateutil==4.0.0",
    "starlette==1.10.0",
    "uvicorn==0.54.0",
)


class Peer:
    """DBOS Transact in so many processes; each order belongs to one of them."""

    def __init__(
        self, folder: Path, config: WorldConfig, ports: Sequence[int], *, thorough: bool
    ) -> None:
        self._open = 0
        self._token = config.callback_token
        self._urls = [f"http://127.0.0.1:{port}" for port in ports]
        self._client = httpx.Client(trust_env=False, timeout=30)
        self._skips = [0] * len(ports)
        settings = {
            "database": str(folder / f"peer-{len(ports)}-{thorough}.sqlite"),
            "xendit": config.url("xendit"),
            "google": config.url("google"),
            "key": config.function_settings()["XENDIT_SECRET_KEY"],
            "token": config.callback_token,
            "thorough": thorough,
        }
        script = Path(__file__).with_name("peer.py")
        self.processes = []
        for port in ports:
            command = [
                str(python()),
                str(script),
                msgspec.json.encode(settings).decode(),
                str(port),
            ]
            log = folder / f"peer-{port}.log"
            self.processes.append(TetheredProcess(command, log, {"PATH": "/usr/bin:/bin"}, folder))
            # One after the other: the first makes the database.
            self._await(f"http://127.0.0.1:{port}/seen?skip=0", log)

    def submit(self, order: OrderCreated) -> None:
        body: dict[str, Any] = msgspec.to_builtins(order)
        self._open += 1
        body["session"]["ends_at"] = order.session.ends_at.isoformat()
        self._post(order.order_id, "orders", body)

    def webhook(self, order_id: str, invoice_id: str) -> None:
        self._post(order_id, "webhook", {"external_id": order_id, "id": invoice_id, **PAID})

    def seen(self) -> Iterable[Seen]:
        for number, url in enumerate(self._urls):
            answer = self._client.get(f"{url}/seen", params={"skip": self._skips[number]})
            found = msgspec.json.decode(answer.content, type=list[Seen])
            self._skips[number] += len(found)
            self._open -= sum(seen.what == "done" for seen in found)
            yield from found

    def idle(self) -> bool:
        return not (list(self.seen()) or self._open)

    def _post(self, order_id: str, path: str, body: dict[str, Any]) -> None:
        url = self._urls[int(order_id.rpartition("-")[2]) % len(self._urls)]
        post(self._client, f"{url}/{path}", body, self._token)

    def _await(self, url: str, log: Path) -> None:
        try:
            await_answer(url)
        except httpx.TransportError as error:
            for process in self.processes:
                process.end()
            raise RuntimeError(log.read_text()[-2000:]) from error


def python() -> Path:
    """Return the peer's Python, in an environment that is made unless it has these very packages."""
    found, ready = _ENVIRONMENT / "bin" / "python", _ENVIRONMENT / ".ready"
    wanted = "\n".join(_PACKAGES)
    if not ready.exists() or ready.read_text(encoding="utf-8") != wanted:
        subprocess.run(  # noqa: S603 - our own interpreter
            [sys.executable, "-m", "venv", "--clear", _ENVIRONMENT], check=True
        )
        subprocess.run(  # noqa: S603 - the pip of that environment
            [found, "-m", "pip", "install", "--quiet", *_PACKAGES], check=True
        )
        ready.write_text(wanted, encoding="utf-8")
    return found
