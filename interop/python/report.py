"""How the Python scenarios report: one JSON object a line for each step."""
import base64
import hashlib
import json
import os
import urllib.error
import urllib.request

COLUMN = os.environ["INTEROP_COLUMN"]
FIXTURES = os.environ["INTEROP_FIXTURES"]
# A process that lasts, seen when the command returns; and a wait for its end.
SLEEPER = "sleep 1234 >/dev/null 2>&1 & until pgrep -f '^sleep 1234' >/dev/null; do sleep 0.05; done"
SLEEPER_GONE = "for i in $(seq 50); do pgrep -f '^sleep 1234' >/dev/null || exit 0; sleep 0.1; done; exit 9"

_out = os.fdopen(os.dup(1), "w", encoding="utf-8")
_doors = json.loads(os.environ["INTEROP_DOORS"])
_heading = ""


def heading(text):
    """Names the section that the next steps belong to."""
    global _heading
    _heading = text


def emit(name, value):
    _out.write(json.dumps({"step": f"{_heading}: {name}", "value": value}) + "\n")
    _out.flush()


def step(name, call):
    """Reports what a call returns, or how it fails."""
    try:
        value = call()
    except Exception as error:
        value = failure(error)
    emit(name, value)
    return value


async def astep(name, call):
    """Reports what a coroutine returns, or how it fails."""
    try:
        value = await call()
    except Exception as error:
        value = failure(error)
    emit(name, value)
    return value


def failure(error):
    """The status of an answer, or the kind of the exception."""
    if isinstance(error, urllib.error.HTTPError):
        return f"error {error.code}"
    status = getattr(error, "status", None)
    if isinstance(status, int):
        return f"error {status}"
    return f"error {type(error).__name__}: {error}" if os.environ.get("INTEROP_DEBUG") else f"error {type(error).__name__}"


def attempt(call):
    """What a call returns or how it fails, for steps of several calls."""
    try:
        return call()
    except Exception as error:
        return failure(error)


async def aattempt(call):
    """What a coroutine returns or how it fails, for steps of several calls."""
    try:
        return await call()
    except Exception as error:
        return failure(error)


def outcome(result):
    """An ExecResult."""
    return [result.exit_code, result.stdout, result.stderr, result.ok]


def b64(data):
    return base64.b64encode(data).decode()


def digest(data):
    return hashlib.sha256(data).hexdigest()


def fixture(name):
    return os.path.join(FIXTURES, name)


def local(method, path, body=None):
    """Asks what only the local Sandflare knows."""
    request = urllib.request.Request(
        os.environ["SANDFLARE_API_URL"] + path,
        data=json.dumps(body).encode() if body is not None else None,
        method=method,
        headers={"X-API-Key": os.environ["SANDFLARE_API_KEY"], "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def advance(duration):
    local("POST", "/_local/clock", {"advance": duration})


def at_door(fault):
    """The address of the door with this fault."""
    return _doors[fault]


def keys_seen_in_clear(fault):
    with urllib.request.urlopen(at_door(fault) + "/_door/clear", timeout=30) as answer:
        return json.load(answer)


def drop(sb):
    """Deletes a sandbox without the client: the async one of 2.1.38 cannot."""
    local("DELETE", f"/sandboxes/{sb.name}")
