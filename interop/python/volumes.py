"""Volumes, fork, keep alive."""
from report import advance, attempt, heading, step
from sandflare import Sandbox, Volume


def run():
    volumes()
    if hasattr(Sandbox, "fork"):
        fork()


def volumes():
    heading("Volumes")
    made = []

    def create():
        made.append(Volume.create("my-data", size_gb=50))
        vol = made[0]
        return [vol.name, vol.size_gb, vol.status, vol.id == vol.info.id, bool(vol.info.created_at)]

    step("create", create)
    step("default size", lambda: Volume.create("small-data").size_gb)
    step("create: name taken", lambda: Volume.create("my-data").name)
    step("get by name", lambda: Volume.get("my-data").id == made[0].id)
    step("get by id", lambda: Volume.get(made[0].id).name)
    step("get: not there", lambda: Volume.get("none").name)
    step("list", lambda: sorted([v.name, v.size_gb] for v in Volume.list()))

    def outlives():
        sb = Sandbox.create("writer", volumes={"/home/user/data": made[0]})
        sb.write_file("/home/user/data/deep/file", "persistent")
        sb.delete()
        sb = Sandbox.create("reader", volumes={"/home/user/other": made[0].id})
        found = [sb.read_file("/home/user/other/deep/file"), sb.exec("cat /home/user/other/deep/file").stdout]
        found.append(attempt(made[0].delete))
        sb.delete()
        return found

    step("outlives sandboxes; in use it stays", outlives)

    def anywhere():
        sb = Sandbox.create("anywhere", volumes={"/mnt/deep/data": made[0]})
        found = sb.exec("cat /mnt/deep/data/deep/file").stdout
        sb.delete()
        return found

    step("mounted anywhere", anywhere)

    def delete():
        made[0].delete()
        return [attempt(lambda: Volume.get("my-data").name), [v.name for v in Volume.list()]]

    step("delete", delete)


def fork():
    heading("Fork, keep alive")
    sb = Sandbox.create("parent", metadata={"k": "v"})
    sb.write_file("/home/user/file", "shared")

    def copies():
        forks = sb.fork(n=2)
        forks[0].write_file("/home/user/file", "changed")
        found = [len(forks), forks[0].read_file("/home/user/file"), forks[1].read_file("/home/user/file"),
                 sb.read_file("/home/user/file"), all(f.metadata.get("fork_parent_id") == sb.name for f in forks)]
        for box in forks:
            box.delete()
        return found

    step("fork", copies)
    step("fork: 0", lambda: len(sb.fork(n=0)))
    step("fork: 9", lambda: len(sb.fork(n=9)))
    sb.delete()

    def kept():
        box = Sandbox.create("kept", ttl_hours=1)
        box.keep_alive(3 * 3600)
        advance("2h30m")
        return Sandbox.get(box.name).status

    step("keep_alive", kept)
    step("keep_alive: more than a day", lambda: Sandbox.list(label="kept")[0].keep_alive(86401))

    def forever():
        box = Sandbox.list(label="kept")[0]
        return box.keep_alive_forever(interval=1000)

    step("keep_alive_forever", forever)
    for box in Sandbox.list(label="kept"):
        box.delete()
