#!/usr/bin/env python3
"""A relay in front of a bed's kube-apiserver that cuts, stalls and falsifies on request.

The first line of stdin is the bed's JSON line. The relay answers with `{"endpoint": "https://127.0.0.1:PORT"}`; it has the server's own
certificate, so a client that is told this endpoint notices nothing. Every further line is an order, answered with `{"hits": N}`, how often
orders struck so far:

* `{"cut": "before", "request": "PATCH /api/v1/…"}`: the next request whose head begins so is not passed on, and its connection is closed;
* `{"cut": "after", "request": …}`: it is passed on, and the connection closed as soon as the server answers, without the answer;
* `{"answer": "HTTP/1.1 503 …", "request": …}`: it gets these bytes for an answer, whole or not, and the connection is closed;
* `{"hang": true, "request": …}`: it is never answered;
* `{}` only asks.

An order strikes `count` requests, one without that, and for ever with null. The next order takes its place: `{"count": 0}` is none.

It ends with its stdin.
"""

import asyncio
import json
import ssl
import sys
import urllib.parse
from pathlib import Path

CHUNK = 65536


class Relay:
    def __init__(self, facts):
        tls = Path(facts["state"]) / "tls"
        self.upstream = urllib.parse.urlsplit(facts["endpoint"])
        self.server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.server.load_cert_chain(tls / "apiserver.pem", tls / "apiserver-key.pem")
        self.client = ssl.create_default_context(cafile=facts["ca"])
        self.order, self.left, self.hits = {}, 0, 0

    async def connection(self, reader, writer):
        """Pass bytes both ways until either side ends, or an order does."""
        to_server = None
        answer_lost = asyncio.Event()
        try:
            from_server, to_server = await asyncio.open_connection(
                self.upstream.hostname, self.upstream.port, ssl=self.client)
            ways = [asyncio.create_task(self._requests(reader, to_server, writer, answer_lost)),
                    asyncio.create_task(self._answers(from_server, writer, answer_lost))]
            _, pending = await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            for way in pending:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
        except OSError:
            # Either side may go at any time; the other is told by the end of its connection.
            pass
        finally:
            for end in (writer, to_server):
                if end:
                    end.transport.abort()

    async def _requests(self, reader, writer, client, answer_lost):
        while chunk := await reader.read(CHUNK):
            # A client sends the head of a request in one piece.
            if self.left != 0 and chunk.startswith(self.order["request"].encode()):
                order, self.hits = self.order, self.hits + 1
                self.left -= 1
                if order.get("cut") == "before":
                    return
                if "cut" not in order:
                    await _rest(reader, chunk)
                    if order.get("hang"):
                        # Nothing comes until the client leaves.
                        await reader.read()
                        return
                    client.write(order["answer"].encode())
                    await client.drain()
                    client.close()
                    await client.wait_closed()
                    return
                answer_lost.set()
            writer.write(chunk)
            await writer.drain()

    async def _answers(self, reader, writer, answer_lost):
        while chunk := await reader.read(CHUNK):
            if answer_lost.is_set():
                return
            writer.write(chunk)
            await writer.drain()

    async def obey(self):
        lines = asyncio.StreamReader()
        await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
        server = await asyncio.start_server(self.connection, "127.0.0.1", 0, ssl=self.server)
        port = server.sockets[0].getsockname()[1]
        print(json.dumps({"endpoint": f"https://127.0.0.1:{port}"}), flush=True)
        while line := await lines.readline():
            if order := json.loads(line):
                # Below zero it never comes to an end.
                self.order, self.left = order, -1 if order.get("count", 1) is None else order.get("count", 1)
            print(json.dumps({"hits": self.hits}), flush=True)


async def _rest(reader, head):
    """Read the body of a request that begins so: a close with something unread would take the answer back."""
    head, _, body = head.partition(b"\r\n\r\n")
    length = next((int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0)
    while len(body) < length and (chunk := await reader.read(CHUNK)):
        body += chunk


def main():
    # Not through a buffer: what it has read ahead the event loop would miss.
    line = b""
    while not line.endswith(b"\n"):
        line += sys.stdin.buffer.raw.read(1)
    asyncio.run(Relay(json.loads(line)).obey())


if __name__ == "__main__":
    main()
