"""The control routes, below /_ctl/ on the simulator's own port: how a test changes the world and asks what happened.

They carry no AWS signature. README.md of the bed lists them with examples.
"""

import json
from dataclasses import asdict
from urllib.parse import parse_qs

from . import authorizer, clusters


def handle(state, scope, body):
    """Answer one control request: (status, JSON value)."""
    method, path = scope["method"], scope["path"].removeprefix("/_ctl/").strip("/")
    query = parse_qs(scope.get("query_string", b"").decode())
    head, _, rest = path.partition("/")
    try:
        wanted = json.loads(body) if body else {}
        route = ROUTES.get((method, head))
        if route is None:
            return 404, {"error": f"no control route {method} /_ctl/{path}", "routes": sorted(f"{m} /_ctl/{p}" for m, p in ROUTES)}
        with state.lock:
            return 200, route(state, wanted, rest, query)
    except LookupError as failure:
        return 404, {"error": str(failure)}
    except (ValueError, TypeError, KeyError) as failure:
        return 400, {"error": f"{type(failure).__name__}: {failure}"}


def _health(_state, _wanted, _rest, _query):
    return {"ok": True}


def _get_seconds(state, _wanted, _rest, _query):
    return state.seconds


def _set_seconds(state, wanted, _rest, _query):
    state.set_seconds(wanted)
    return state.seconds


def _get_faults(state, _wanted, _rest, _query):
    return [asdict(fault) for fault in state.faults]


def _add_faults(state, wanted, _rest, _query):
    return [state.add_fault(one) for one in (wanted if isinstance(wanted, list) else [wanted])]


def _drop_faults(state, _wanted, rest, _query):
    state.faults = [fault for fault in state.faults if rest and str(fault.id) != rest]
    return [asdict(fault) for fault in state.faults]


def _get_log(state, _wanted, rest, query):
    if rest == "summary":
        return state.summary()
    since = int((query.get("since") or ["0"])[0])
    return [entry for entry in state.log if entry["sequence"] > since]


def _drop_log(state, _wanted, _rest, _query):
    state.log = []
    return {}


def _get_blocked(state, _wanted, _rest, _query):
    return state.blocked


def _set_blocked(state, wanted, _rest, _query):
    state.block(wanted)
    return state.blocked


def _set_clock(state, wanted, _rest, _query):
    state.clock = float(wanted)
    return state.clock


def _authorize(state, wanted, _rest, _query):
    """Asked by kube-apiserver."""
    return authorizer.review(state, wanted)


def _get_eks(state, _wanted, rest, _query):
    return clusters.record(state, rest)


def _set_eks(state, wanted, rest, _query):
    return clusters.put(state, rest, wanted)


def _drop_eks(state, _wanted, rest, _query):
    return clusters.drop(state, rest)


def _set_stack(state, wanted, rest, _query):
    """Put a stack into a state that is hard to reach by calls, e.g. UPDATE_ROLLBACK_FAILED."""
    from ministack.services import cloudformation

    state.enter()
    stack = cloudformation._stacks.get(rest)
    if stack is None:
        raise LookupError(f"no stack {rest}")
    allowed = {"StackStatus", "StackStatusReason"}
    if set(wanted) - allowed:
        raise ValueError(f"only {sorted(allowed)} can be set")
    stack.update(wanted)
    return {key: stack.get(key, "") for key in sorted(allowed)}


ROUTES = {
    ("GET", "health"): _health,
    ("GET", "seconds"): _get_seconds,
    ("PUT", "seconds"): _set_seconds,
    ("GET", "faults"): _get_faults,
    ("POST", "faults"): _add_faults,
    ("DELETE", "faults"): _drop_faults,
    ("GET", "log"): _get_log,
    ("DELETE", "log"): _drop_log,
    ("GET", "blocked"): _get_blocked,
    ("PUT", "blocked"): _set_blocked,
    ("PUT", "clock"): _set_clock,
    ("POST", "authorize"): _authorize,
    ("GET", "eks"): _get_eks,
    ("POST", "eks"): _set_eks,
    ("DELETE", "eks"): _drop_eks,
    ("POST", "stacks"): _set_stack,
}
