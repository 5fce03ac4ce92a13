"""The CONNECT proxy: every AWS host goes to the simulator's TLS port, everything else is refused.

It never looks inside a connection. With it no client needs an endpoint override, so the host inside a token stays the real one. Run as a
file of its own, with the standard library only: it starts in some 40 ms.
"""

import asyncio
import fnmatch
import json
import os
import re
import signal
import socket
import sys

AWS_HOST = re.compile(r"(?:[a-z0-9-]+\.)+amazonaws\.com(?:\.cn)?", re.IGNORECASE)
LARGEST_HEAD = 16 * 1024
CHUNK = 64 * 1024


async def _copy(reader, writer):
    try:
        while data := await reader.read(CHUNK):
            writer.write(data)
            await writer.drain()
    except (ConnectionError, asyncio.IncompleteReadError):
        # One side cut the connection, by a fault or because it ended.
        writer.transport.abort()
    finally:
        if writer.can_write_eof():
            try:
                writer.write_eof()
            except (OSError, RuntimeError):
                writer.transport.abort()


async def _refuse(writer, status, text):
    body = f"{text}\n".encode()
    writer.write(f"HTTP/1.1 {status}\r\nContent-Type: text/plain\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode() + body)
    await writer.drain()


def _blocked(host, path):
    """What the control route `blocked` says of a host: "refuse", "hang" or nothing."""
    try:
        with open(path, encoding="utf-8") as file:
            rules = json.load(file)
    except FileNotFoundError:
        return None
    return next((how for pattern, how in rules.items() if fnmatch.fnmatchcase(host, pattern)), None)


async def _serve(reader, writer, settings):
    target = None
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        method, authority, _version = head.split("\r\n", 1)[0].split(" ")
        host, _, wanted = authority.rpartition(":")
        if method != "CONNECT":
            await _refuse(writer, "405 Method Not Allowed", "the test bed's proxy knows CONNECT only")
            return
        if wanted != "443" or not AWS_HOST.fullmatch(host):
            print(f"refused: {authority}", file=sys.stderr, flush=True)
            await _refuse(writer, "403 Forbidden", f"the test bed has no {authority}")
            return
        blocked = _blocked(host, settings["blocked"])
        if blocked == "refuse":
            await _refuse(writer, "502 Bad Gateway", f"{host} is blocked")
            return
        if blocked == "hang":
            # As an address that swallows packets: nothing comes until the client leaves.
            while await reader.read(CHUNK):
                pass
            return
        upstream, target = await asyncio.open_connection("127.0.0.1", settings["upstream"])
        for one in (writer, target):
            one.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        await writer.drain()
        await asyncio.gather(_copy(reader, target), _copy(upstream, writer))
    except (ValueError, ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        # A client that speaks no HTTP, or left.
        pass
    finally:
        for one in (target, writer):
            if one is not None:
                one.close()


async def main():
    settings = json.loads(os.environ["BED_PROXY"])
    server = await asyncio.start_server(
        lambda reader, writer: _serve(reader, writer, settings),
        sock=socket.socket(fileno=settings["socket"]), limit=LARGEST_HEAD, backlog=512)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with server:
        await stop.wait()


if __name__ == "__main__":
    asyncio.run(main())
