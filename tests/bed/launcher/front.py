"""The front of the simulator: every request comes through here.

It names service and action, applies faults, writes the log, answers the control routes and the issuer's two documents, and turns
STS's XML into JSON for the verifier. The bytes of a request are never touched: ministack verifies its signature.
"""

import asyncio
import json
import re
import time
import uuid
from datetime import datetime, timedelta, timezone
from urllib.parse import parse_qs
from xml.etree import ElementTree

from . import control, eks

# The parameters that name what a call is about, for the log.
TARGETS = ("StackName", "RoleName", "OpenIDConnectProviderArn", "Url", "RoleArn", "PolicyArn", "UserName")
# How far a client's clock may be behind and ahead, in minutes, and how AWS writes times ("Troubleshooting AWS Signature Version 4" of the IAM guide).
BEHIND, AHEAD = 15, 5
BASIC_TIME = "%Y%m%dT%H%M%SZ"
CREDENTIAL = re.compile(r"Credential=([^/]+)/\d{8}/([^/]*)/([^/]+)/aws4_request")
# How AWS names throttling, by service.
DEFAULT_MESSAGES = {
    "Throttling": "Rate exceeded",
    "ThrottlingException": "Rate exceeded",
    "AccessDenied": "User is not authorized to perform this operation",
    "AccessDeniedException": "User is not authorized to perform this operation",
    "InternalFailure": "An internal error occurred",
    "ServiceUnavailable": "Service is unavailable",
}
# The codes of EKS that do not come with a 400.
EKS_STATUSES = {"ThrottlingException": 429, "ResourceNotFoundException": 404, "ResourceInUseException": 409, "AccessDeniedException": 403,
                "ServerException": 500}


class Request:
    """What the front knows of one request."""

    def __init__(self, scope, body):
        self.method, self.path = scope["method"], scope["path"]
        self.headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        self.body = body
        query = scope.get("query_string", b"").decode("latin-1")
        self.parameters = parse_qs(query, keep_blank_values=True)
        if body and "x-www-form-urlencoded" in self.headers.get("content-type", ""):
            self.parameters.update(parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True))
        self.text = f"{self.path}?{query}\n{body.decode('utf-8', 'replace')}"
        # A presigned request carries its credential in the query.
        signature = self.headers.get("authorization") or f"Credential={self._first('X-Amz-Credential')}"
        match = CREDENTIAL.search(signature)
        self.access_key = match.group(1) if match else ""
        self.service = self._service(match.group(3) if match else "")
        self.action = self._action()

    def _first(self, name):
        return (self.parameters.get(name) or [""])[0]

    def _service(self, signed_for):
        host = self.headers.get("host", "").split(":")[0]
        if host.startswith("oidc.eks."):
            return "oidc"
        if ".amazonaws.com" in host:
            return host.split(".")[0]
        return signed_for or "unknown"

    def _action(self):
        if self.service == "oidc":
            return {"keys": "Keys", "openid-configuration": "Discovery"}.get(self.path.rsplit("/", 1)[-1], self.path)
        if self.service == "eks":
            return eks.operation(self.method, self.path)
        target = self.headers.get("x-amz-target", "")
        return self._first("Action") or target.rsplit(".", 1)[-1] or f"{self.method} {self.path}"

    @property
    def target(self):
        if self.service == "eks":
            return self.path
        return next((self._first(name) for name in TARGETS if self._first(name)), "")


class Answer:
    """The answer of the application behind, held back until the front lets it go."""

    def __init__(self):
        self.messages = []

    async def send(self, message):
        self.messages.append(message)

    @property
    def status(self):
        return next((m["status"] for m in self.messages if m["type"] == "http.response.start"), 500)

    @property
    def body(self):
        return b"".join(m.get("body", b"") for m in self.messages if m["type"] == "http.response.body")

    @property
    def headers(self):
        return next((m["headers"] for m in self.messages if m["type"] == "http.response.start"), [])


class Front:
    def __init__(self, application, state):
        self.application = application
        self.state = state

    async def __call__(self, scope, receive, send):
        if scope["type"] != "http":
            await self.application(scope, receive, send)
            return
        body = await _read(receive)
        if body is None:
            # The client left in the middle of its request: AWS would not have acted on it.
            return
        if scope["path"].startswith("/_ctl/"):
            status, value = control.handle(self.state, scope, body)
            await _answer(send, status, json.dumps(value).encode(), "application/json")
            return
        await self._serve(Request(scope, body), scope, send)

    async def _serve(self, request, scope, send):
        started = time.time()
        fault = self.state.fault_for(request.service, request.action, request.text)

        def record(status):
            self.state.record(request.service, request.action, status, started, request.target, request.access_key, fault)

        if fault and fault.delay:
            await asyncio.sleep(fault.delay)
        if fault and fault.cut == "before":
            record(0)
            self._cut(scope)
            return
        if fault and (fault.code or fault.status) and fault.cut != "after":
            status, content_type, body, code = _refusal(request, fault)
            record(status)
            await _answer(send, status, body, content_type, error=code)
            return
        if (words := _clock_is_off(request, self.state.clock)) and request.service != "oidc":
            code = "InvalidSignatureException" if request.service == "eks" else "SignatureDoesNotMatch"
            status, content_type, body, code = _refusal(request, Refusal(code, words))
            record(status)
            await _answer(send, status, body, content_type, error=code)
            return
        if request.service == "oidc":
            status, value = eks.issuer_document(self.state, request)
            record(status)
            await _answer(send, status, json.dumps(value).encode(), "application/json")
            return
        answer = Answer()
        try:
            await self.application(scope, _replay(request.body), answer.send)
        except Exception as failure:  # a client must get an answer, not a hanging connection
            answer = None
            record(500)
            await _answer(send, 500, str(failure).encode(), "text/plain")
            raise
        record(answer.status)
        if fault and fault.cut == "after":
            self._cut(scope)
            return
        if request.service == "sts" and "json" in request.headers.get("accept", "") and b"<" in answer.body[:200]:
            await _answer(send, answer.status, json.dumps(_as_json(answer.body)).encode(), "application/json")
            return
        for message in answer.messages:
            await send(message)

    def _cut(self, scope):
        transport = self.state.transports.get(tuple(scope.get("client") or ()))
        if transport is None:
            raise RuntimeError("the connection to cut is not known")
        transport.abort()


def track_connections(state):
    """Remember the transport of every connection by its peer, for faults that cut."""
    from hypercorn.asyncio.tcp_server import TCPServer

    serve = TCPServer.run

    async def run(self):
        peer = tuple(self.writer.get_extra_info("peername")[:2])
        state.transports[peer] = self.writer.transport
        try:
            await serve(self)
        finally:
            state.transports.pop(peer, None)

    TCPServer.run = run


async def _read(receive):
    chunks = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        chunks.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(chunks)


def _replay(body):
    sent = False

    async def receive():
        nonlocal sent
        if not sent:
            sent = True
            return {"type": "http.request", "body": body, "more_body": False}
        return {"type": "http.disconnect"}

    return receive


async def _answer(send, status, body, content_type, error=""):
    headers = [
        (b"content-type", content_type.encode()),
        (b"content-length", str(len(body)).encode()),
        (b"x-amzn-requestid", str(uuid.uuid4()).encode()),
    ]
    if error:
        headers.append((b"x-amzn-errortype", error.encode()))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


class Refusal:
    """What `_refusal` reads of a fault."""

    def __init__(self, code, message):
        self.code, self.message, self.status = code, message, 403


def _clock_is_off(request, ahead):
    """AWS's words for a signature that was not made just now; None for one that was. ministack looks at the signature alone.

    A presigned request says itself how long it holds. `ahead` is by how many seconds AWS's clock is before the machine's.
    """
    text = request.headers.get("x-amz-date")
    if not text or "authorization" not in request.headers:
        return None

    def told(moment):
        return moment.strftime(BASIC_TIME)

    made, now = datetime.strptime(text, BASIC_TIME), datetime.now(timezone.utc).replace(tzinfo=None) + timedelta(seconds=ahead)
    oldest, newest = now - timedelta(minutes=BEHIND), now + timedelta(minutes=AHEAD)
    if made < oldest:
        return f"Signature expired: {text} is now earlier than {told(oldest)} ({told(now)} - {BEHIND} min.)"
    if made > newest:
        return f"Signature not yet current: {text} is still later than {told(newest)} ({told(now)} + {AHEAD} min.)"
    return None


def _refusal(request, fault):
    """An error of the kind the service itself makes: JSON for EKS, XML for the query services."""
    code = fault.code or ("InternalFailure" if fault.status >= 500 else "ServiceUnavailable")
    message = fault.message or DEFAULT_MESSAGES.get(code, f"{code} by a rule of the test bed")
    if request.service == "eks":
        status = fault.status or EKS_STATUSES.get(code, 400)
        return status, "application/json", json.dumps({"__type": code, "message": message}).encode(), code
    status = fault.status or (403 if code.startswith("AccessDenied") else 400)
    kind = "Sender" if status < 500 else "Receiver"
    body = (f"<ErrorResponse><Error><Type>{kind}</Type><Code>{code}</Code><Message>{message}</Message></Error>"
            f"<RequestId>{uuid.uuid4()}</RequestId></ErrorResponse>")
    return status, "text/xml", body.encode(), code


def _as_json(body):
    """STS's XML answer as the JSON that real STS gives to `Accept: application/json`."""
    def value(element):
        return {_local(child): value(child) for child in element} if len(element) else (element.text or "")

    root = ElementTree.fromstring(body)
    return value(root) if _local(root) == "ErrorResponse" else {_local(root): value(root)}


def _local(element):
    return element.tag.rsplit("}", 1)[-1]
