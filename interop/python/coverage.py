"""Which public methods of the client the scenario has called."""
import sys
import threading

import agentbox
from report import COLUMN, emit, heading

SYNC = ("Sandbox", "Template", "Volume", "SandboxMemory", "UserMemory", "ExecResult", "CodeResult")
_called = set()


def _note(frame, event, _arg):
    if event == "call":
        _called.add(frame.f_code)


def start():
    sys.setprofile(_note)
    threading.setprofile(_note)


def _codes(member):
    """The code of a method, class method or property."""
    if isinstance(member, property):
        member = member.fget
    member = getattr(member, "__func__", member)
    return getattr(member, "__code__", None)


def report():
    sys.setprofile(None)
    heading("README")
    left = []
    for name in ("AsyncSandbox",) if COLUMN.startswith("async") else SYNC:
        for attribute, member in vars(getattr(agentbox, name)).items():
            code = _codes(member)
            if code and not attribute.startswith("_") and code not in _called:
                left.append(attribute)
    emit("public methods not called", sorted(left))
