"""The installed gcloud, started once and forked for every command: the same code, ten times faster.

Run by gcloud's own Python, so it imports nothing of the project:

    python warm_gcloud.py serve LIB SOCKET NAME…
                                                loads gcloud from LIB, the commands of these names
                                                ("pubsub topics list") too, and waits
    python warm_gcloud.py run SOCKET COMMAND…   what stands in for ``gcloud`` on the path
"""

import json
import os
import signal
import socket
import sys
from pathlib import Path

_MESSAGE = 1 << 20
_STREAMS = 3


def serve(lib: str, path: str, *loaded: str) -> None:
    """Serve until killed. Each command runs in a fork with the caller's streams and environment."""
    sys.path[:0] = [lib, str(Path(lib) / "third_party")]
    from googlecloudsdk import gcloud_main  # noqa: PLC0415 - found only now

    cli = gcloud_main.CreateCLI([])
    for name in loaded:
        cli._TopElement().LoadSubElementByPath(name.split())
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    listener.bind(path)
    listener.listen(64)
    os.write(1, b"ready\n")
    while True:
        caller, _ = listener.accept()
        if os.fork() == 0:
            listener.close()
            _command(gcloud_main, cli, caller)
        caller.close()


def _command(gcloud_main: object, cli: object, caller: socket.socket) -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    said, streams, _, _ = socket.recv_fds(caller, _MESSAGE, _STREAMS)
    asked = json.loads(said)
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
    os.chdir(asked["folder"])
    os.environ.clear()
    os.environ.update(asked["environment"])
    sys.argv = ["gcloud", *asked["arguments"]]
    status = 0
    try:
        gcloud_main.main(cli)  # type: ignore[attr-defined]
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 1
    except BaseException as error:  # noqa: BLE001 - it would be the end of a process of its own
        sys.stderr.write(f"gcloud ended with {error!r}\n")
        status = 1
    sys.stdout.flush()
    sys.stderr.flush()
    caller.send(str(status).encode())
    os._exit(0)


def run(path: str, arguments: list[str]) -> int:
    """Have a command run and return its exit status."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as server:
        server.connect(path)
        asked = {"arguments": arguments, "folder": str(Path.cwd()), "environment": dict(os.environ)}
        socket.send_fds(server, [json.dumps(asked).encode()], [0, 1, 2])
        return int(server.recv(_MESSAGE) or 1)


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve(*sys.argv[2:])
    else:
        sys.exit(run(sys.argv[2], sys.argv[3:]))
