"""Reads one stream and prints its events, their bytes, and the seconds it took."""
import sys
import time
from types import SimpleNamespace

from sandflare import Sandbox

sandbox = Sandbox(SimpleNamespace(name="sb-1"), base_url=sys.argv[1])
begin = time.monotonic()
events = size = 0
for event in sandbox.stream("work"):
    if event.event == "stdout":
        events += 1
        size += len(event.line)
print(events, size, time.monotonic() - begin)
