"""Lifecycle, snapshots, auto-resume, auto-snapshots, time."""
from report import advance, attempt, heading, step
from sandflare import Sandbox


def run():
    lifecycle()
    snapshots()
    resume()
    auto_snapshots()
    time_to_live()


def lifecycle():
    heading("Lifecycle")
    sb = Sandbox.create("life")
    sb.write_file("/home/user/kept", "kept")

    def pause():
        sb.pause()
        return [s.status for s in Sandbox.list(label="life")]

    step("pause", pause)
    step("exec while paused", lambda: sb.exec("true").ok)

    def resumed():
        sb.resume()
        return [Sandbox.list(label="life")[0].status, sb.read_file("/home/user/kept")]

    step("resume", resumed)
    step("processes go on", lambda: goes_on(sb))

    def delete():
        sb.delete()
        return attempt(lambda: Sandbox.get(sb.name).name)

    step("delete", delete)
    step("delete twice", sb.delete)
    step("close twice", lambda: [closed(), None])


def goes_on(sb):
    sb.exec("(sleep 1; echo on >/home/user/on) >/dev/null 2>&1 &")
    sb.pause()
    sb.resume()
    return sb.exec("for i in 1 2 3 4 5 6 7 8 9 10; do test -e on && exit 0; sleep 0.5; done; exit 9").exit_code


def closed():
    sb = Sandbox.create("closed")
    sb.close()
    return sb.close()


def described(snap):
    return [snap.name, snap.description or "", snap.tags, snap.status, snap.auto_created]


def snapshots():
    heading("Snapshots")
    sb = Sandbox.create("origin", env={"KEPT": "env"})
    sb.write_file("/home/user/file", "before")
    made = []

    def create():
        made.append(sb.create_snapshot(name="after-data-load", description="Dataset v2 loaded", tags=["prod", "v2"]))
        snap = made[0]
        return described(snap) + [snap.sandbox_id == sb.name, snap.snapshot_id == snap.id, bool(snap.created_at)]

    step("create", create)
    step("the sandbox runs on", lambda: [sb.exec("echo after >file; cat file").stdout, sb.info.status])

    def restored():
        box = Sandbox.create("fork", snapshot_id=made[0].snapshot_id)
        try:
            return [box.read_file("/home/user/file"), box.exec("echo $KEPT").stdout]
        finally:
            box.delete()

    step("restore", restored)
    step("snapshot() without a name", lambda: sb.snapshot().status)
    other = Sandbox.create("other")
    other.create_snapshot(name="of another")

    def named(list_them):
        return sorted(s.name for s in list_them() if not s.name.startswith("snap"))

    step("list_snapshots of a sandbox", lambda: named(sb.list_snapshots))
    step("list_all_snapshots", lambda: named(Sandbox.list_all_snapshots))
    step("list_all_snapshots of a sandbox", lambda: named(lambda: Sandbox.list_all_snapshots(sandbox_id=sb.name)))
    step("list_all_snapshots: size and forks", lambda: [
        [s.size_mb >= 0, s.fork_count] for s in Sandbox.list_all_snapshots() if s.name == "after-data-load"])
    sb.delete()
    other.delete()
    step("outlives its sandbox", restored)
    step("delete", lambda: [Sandbox.delete_snapshot(made[0].snapshot_id), named(Sandbox.list_all_snapshots)])
    step("delete: not there", lambda: Sandbox.delete_snapshot(made[0].snapshot_id))


def resume():
    heading("Pause → auto-resume")

    def resumes():
        sb = Sandbox.create("sleeper")
        sb.write_file("/home/user/state", "preserved")
        sb.pause()
        again = Sandbox.get(sb.name)
        found = [again.status, again.read_file("/home/user/state"), again.exec("echo awake").stdout]
        sb.delete()
        return found

    step("get resumes", resumes)


def count_auto(sb):
    return sum(s.auto_created for s in Sandbox.list_all_snapshots(sandbox_id=sb.name))


def eventually(call, want):
    """A value that is made in the background; None when it does not come."""
    import time

    for _ in range(100):
        if call() == want:
            return want
        time.sleep(0.1)
    return call()


def auto_snapshots():
    heading("Auto-snapshots")
    sb = Sandbox.create("auto")

    def enable():
        answer = sb.enable_auto_snapshot(interval_mins=15)
        return [answer["status"], answer["sandbox_id"] == sb.name, answer["interval_mins"]]

    step("enable", enable)

    def taken():
        advance("15m")
        return eventually(lambda: count_auto(sb), 1)

    step("one after 15 minutes", taken)
    step("below 5 minutes", lambda: sb.enable_auto_snapshot(interval_mins=4))

    def disable():
        status = sb.disable_auto_snapshot()["status"]
        advance("40m")
        return [status, count_auto(sb)]

    step("disable: none after", disable)
    sb.delete()

    def at_create():
        box = Sandbox.create("auto", auto_snapshot_interval_mins=5)
        advance("5m")
        try:
            return eventually(lambda: count_auto(box), 1)
        finally:
            box.delete()

    step("at create", at_create)

    def too_often():
        box = Sandbox.create("often", auto_snapshot_interval_mins=4)
        advance("10m")
        try:
            return count_auto(box)
        finally:
            box.delete()

    step("at create, below 5 minutes", too_often)


def time_to_live():
    heading("Time to live")

    def expires():
        sb = Sandbox.create("short", ttl_hours=1)
        advance("59m")
        before = Sandbox.get(sb.name).status
        advance("2m")
        return [before, attempt(lambda: Sandbox.get(sb.name).name), [s.label for s in Sandbox.list()]]

    step("expired is gone", expires)
