"""Sandboxes of one client in the hands of another."""
import os

from report import COLUMN, b64, heading, step
from sandflare import Sandbox

SHARED = {"base_url": os.environ["INTEROP_SHARED_URL"], "api_key": os.environ["INTEROP_SHARED_KEY"]}


def run():
    heading("Hand over")

    def from_go():
        sb = Sandbox.list(label="from Go", **SHARED)[0]
        metadata = {k: v for k, v in sb.metadata.items() if not k.startswith("sandflare-")}
        found = [sb.label, metadata, b64(sb.download("/home/user/data")), sb.exec("echo $E").stdout]
        sb.pause()
        found.append(Sandbox.list(label="from Go", **SHARED)[0].status)
        return found + [Sandbox.get(sb.name, **SHARED).status]

    step("made by Go, used here", from_go)

    def restored():
        snap = [s for s in Sandbox.list_all_snapshots(**SHARED) if s.name == "by Go"][0]
        sb = Sandbox.create("restored", snapshot_id=snap.snapshot_id, **SHARED)
        found = sb.exec("cat snapped").stdout
        sb.delete()
        return found

    step("snapshot by Go, restored here", restored)
    sb = Sandbox.create("from " + COLUMN, metadata={"k": "v"}, env={"E": "env"}, **SHARED)
    sb.write_file("/home/user/data", bytes(range(256)) * 3)
    sb.write_file("/home/user/text", "here\n")
    sb.create_snapshot(name="by " + COLUMN)
