"""What the processes of one local world share: one file in its folder says where everything is."""

import base64
import json
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec

from local.ports import free_ports
from local.postman import Disturbance
from local.topology import FUNCTIONS
from shared.adapters.clock import OffsetClock

Backend = Literal["embedded", "emulator"]
HOST = "127.0.0.1"
SERVERS = (
    "xendit",
    "google",
    "whatsapp",
    "scheduler",
    "shop",
    "postman",
    *(f.name for f in FUNCTIONS),
)
XENDIT_KEY = "xnd_development_local"
ADMIN = "admin@nusademy.example"
WHATSAPP_NUMBER_ID = "100000000000001"


class Secrets(msgspec.Struct, frozen=True, kw_only=True):
    """What the functions of one world sign and seal with, and prove themselves to WhatsApp by."""

    links: str
    vault: str
    whatsapp_token: str
    whatsapp_app: str
    whatsapp_verify: str


class WorldConfig(msgspec.Struct, frozen=True, kw_only=True):
    """A local world: its folder, backend, ports, and what its functions are configured with."""

    folder: str
    backend: Backend
    project: str
    ports: dict[str, int]
    callback_token: str
    secrets: Secrets
    time_scale: float = 1.0
    rate_limit_per_minute: int = 600
    room_delay_s: float = 0.3
    # Longer than all that a step does between its two writes, short enough to see a crash healed.
    claim_s: float = 15.0
    vendor_timeout_s: float = 5.0
    mentor_confirmation: Literal["off", "required"] = "off"
    # Deliveries of one message before it becomes a dead letter.
    max_attempts: int = 100
    emulators: dict[str, str] = {}
    disturbance: Disturbance | None = None
    # Settings of the functions that replace what follows from the rest.
    replaced: dict[str, str] = {}

    @property
    def path(self) -> Path:
        """The world's folder."""
        return Path(self.folder)

    @property
    def data_dir(self) -> Path:
        """Where the embedded backend keeps its files."""
        return self.path / "data"

    @property
    def clock(self) -> OffsetClock:
        """The world's clock, which can be moved forward."""
        return OffsetClock(self.path / "clock.json")

    def url(self, server: str) -> str:
        """Return the base URL of a server."""
        return f"http://{HOST}:{self.ports[server]}"

    def push_url(self, function: str) -> str:
        """Return where messages for a function are pushed to."""
        if self.disturbance is None:
            return self.url(function)
        return f"{self.url('postman')}/{function}"

    def urls(self) -> dict[str, object]:
        """Return where everything is, as ``--urls`` writes it."""
        return {
            "functions": {f.name: self.url(f.name) for f in FUNCTIONS},
            "shop": self.url("shop"),
            "xendit": self.url("xendit"),
            "google": self.url("google"),
            "mailbox": f"{self.url('google')}/mailbox",
            "whatsapp": self.url("whatsapp"),
            "scheduler": self.url("scheduler"),
            "callback_token": self.callback_token,
        }

    def function_settings(self) -> dict[str, str]:
        """Return the environment variables that the functions read."""
        return {
            "BACKEND": self.backend,
            "DATA_DIR": str(self.data_dir),
            "GOOGLE_CLOUD_PROJECT": self.project,
            "CLOCK_OFFSET_FILE": str(self.path / "clock.json"),
            "CLAIM_SECONDS": str(self.claim_s),
            "XENDIT_SECRET_KEY": XENDIT_KEY,
            "XENDIT_BASE_URL": self.url("xendit"),
            "XENDIT_TIMEOUT_S": str(self.vendor_timeout_s),
            "XENDIT_CALLBACK_TOKEN": self.callback_token,
            "CHECKOUT_SUCCESS_URL": f"{self.url('shop')}/orders/{{order_id}}",
            "CHECKOUT_FAILURE_URL": f"{self.url('shop')}/orders/{{order_id}}",
            "GOOGLE_SUBJECT": "sessions@nusademy.example",
            "GOOGLE_API_BASE_URL": self.url("google"),
            "GOOGLE_TIMEOUT_S": str(self.vendor_timeout_s),
            "BRAND_NAME": "Nusademy",
            "BRAND_HELP_EMAIL": "help@nusademy.example",
            "BRAND_ADMIN_EMAIL": ADMIN,
            "LINKS_SECRETS": self.secrets.links,
            "LINKS_BASE_URL": self.url("manage_booking"),
            "VAULT_KEYS": self.secrets.vault,
            "MENTOR_CONFIRMATION": self.mentor_confirmation,
            "MENTOR_CALENDARS": "shared",
            "WHATSAPP": "on",
            "WHATSAPP_PHONE_NUMBER_ID": WHATSAPP_NUMBER_ID,
            "WHATSAPP_ACCESS_TOKEN": self.secrets.whatsapp_token,
            "WHATSAPP_APP_SECRET": self.secrets.whatsapp_app,
            "WHATSAPP_VERIFY_TOKEN": self.secrets.whatsapp_verify,
            "WHATSAPP_BASE_URL": self.url("whatsapp"),
            "WHATSAPP_TIMEOUT_S": str(self.vendor_timeout_s),
            **self.emulators,
            **self.replaced,
        }

    def write(self) -> None:
        """Write the file that the world's processes and the command line read."""
        _file(self.path).write_bytes(msgspec.json.format(msgspec.json.encode(self)))


def load(folder: Path) -> WorldConfig | None:
    """Return the world that this folder holds, or None."""
    try:
        return msgspec.json.decode(_file(folder).read_bytes(), type=WorldConfig)
    except (FileNotFoundError, msgspec.ValidationError):
        return None  # none, or one that another version left


def prepare(
    folder: Path, backend: Backend, asked: Mapping[str, int], **options: Any
) -> WorldConfig:
    """Return the configuration of a world in this folder.

    A world that was there before keeps its ports and token, since links in its mails and at the
    payment provider point there; ``asked`` names ports that somebody wants to have.
    """
    folder.mkdir(parents=True, exist_ok=True)
    before = load(folder)
    ports = dict(before.ports) if before and set(before.ports) == set(SERVERS) else _ports()
    config = WorldConfig(
        folder=str(folder.resolve()),
        backend=backend,
        # Emulators that are shared keep each project apart, so every new world is an empty one.
        project=before.project if before else f"local-{secrets.token_hex(4)}",
        ports=ports | dict(asked),
        callback_token=before.callback_token if before else secrets.token_urlsafe(24),
        secrets=before.secrets if before else _new_secrets(),
    )
    config.data_dir.mkdir(exist_ok=True)
    return msgspec.structs.replace(config, **options)


def write_urls(config: WorldConfig, path: Path) -> None:
    """Write where everything is, as JSON."""
    path.write_text(json.dumps(config.urls(), indent=2) + "\n", encoding="utf-8")


def _new_secrets() -> Secrets:
    return Secrets(
        links=secrets.token_urlsafe(32),
        vault=base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
        whatsapp_token=secrets.token_urlsafe(24),
        whatsapp_app=secrets.token_urlsafe(24),
        whatsapp_verify=secrets.token_urlsafe(24),
    )


def _ports() -> dict[str, int]:
    return dict(zip(SERVERS, free_ports(len(SERVERS)), strict=True))


def _file(folder: Path) -> Path:
    return folder / "world.json"
