"""Starts the simulator: settings from the environment, ministack patched, served over TLS on a socket that the bed has opened.

The bed passes the listening socket (BED_SOCKET, a file descriptor), so that no two beds can race for a port. ministack's own `main` is
not used: it would also take port 443 and install a handler for signals that the bed does not want.
"""

import asyncio
import json
import os
import signal
import sys
from pathlib import Path


def _environment(settings):
    """Set what ministack reads at import. Nothing here may come after that import."""
    os.environ.update({
        "MINISTACK_ACCOUNT_ID": settings["account"],
        "MINISTACK_REGION": settings["region"],
        "GATEWAY_PORT": str(settings["port"]),
        "BIND_HOST": "127.0.0.1",
        "AUTH": "true",
        "USE_SSL": "1",
        "MINISTACK_AUTOCREATE_AWS_MANAGED": "1",
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        # No Docker daemon is ever asked: a path that is not there.
        "DOCKER_HOST": "unix:///nonexistent/docker.sock",
        "LOG_LEVEL": os.environ.get("BED_LOG_LEVEL", "ERROR"),
    })


async def _serve(application, settings, ready):
    from hypercorn.asyncio import serve
    from hypercorn.config import Config

    config = Config()
    config.bind = [f"fd://{settings['socket']}"]
    # The control routes answer here without TLS, so that a test needs no client of its own for them.
    config.insecure_bind = [f"fd://{settings['control_socket']}"]
    config.certfile, config.keyfile = settings["certificate"], settings["key"]
    # AWS's endpoints for these services speak HTTP/1.1 only, and a cut
    # connection must be one request's.
    config.alpn_protocols = ["http/1.1"]
    config.keep_alive_timeout = 75
    config.backlog = 512
    config.loglevel = os.environ["LOG_LEVEL"]
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    # It holds keys, so only its owner may read it; the rename makes it whole at once.
    temporary = Path(f"{settings['ready']}.tmp")
    temporary.touch(mode=0o600)
    temporary.write_text(json.dumps(ready), encoding="utf-8")
    temporary.rename(settings["ready"])
    await serve(application, config, shutdown_trigger=stop.wait)


def main():
    settings = json.loads(os.environ["BED_SETTINGS"])
    _environment(settings)
    import hypercorn.asyncio  # noqa: F401  (loaded here, while the bed makes the certificates)
    import ministack.app
    import ministack.services.cloudformation

    from . import cloudformation, eks, front, iam, identities, sts
    from .state import State

    # The rest of the settings comes when the bed has made the certificates.
    with os.fdopen(settings["pipe"]) as pipe:
        settings.update(json.load(pipe))
    state = State(settings)
    iam.install(state)
    cloudformation.install(state)
    sts.install(state)
    eks.install(state)
    front.track_connections(state)
    application = front.Front(ministack.app.app, state)
    people = identities.create(state)
    asyncio.run(_serve(application, settings, people))


if __name__ == "__main__":
    sys.exit(main())
