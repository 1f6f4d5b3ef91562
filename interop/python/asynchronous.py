"""The async client, in both releases."""
import async_bugs
import async_running
from report import SLEEPER, SLEEPER_GONE, aattempt, astep, at_door, drop, fixture, heading, outcome
from sandflare import AsyncSandbox, Volume
from work import GIT

OLD = hasattr(AsyncSandbox, "delete")  # 2.1.16


async def run():
    await quick_start()
    await create()
    await get_and_list()
    sb = await AsyncSandbox.create("async")
    await async_running.run(sb)
    await code(sb)
    await packages(sb)
    await processes(sb)
    await lifecycle()
    await snapshots(sb)
    await async_bugs.run(sb)
    drop(sb)
    if not OLD:
        await async_bugs.fork()


async def quick_start():
    heading("Quick start")

    async def first():
        async with await AsyncSandbox.create("agent") as sb:
            return outcome(await sb.exec("echo hello"))

    await astep("create, exec, delete", first)

    async def left():
        found = [s.info.label for s in await AsyncSandbox.list()]
        for sb in await AsyncSandbox.list():
            drop(sb)
        return found

    await astep("async with: what is left", left)


def facts(sb):
    i = sb.info
    return [i.status, i.label, i.ephemeral, i.metadata, i.memory_mb, i.vcpus, i.ttl_hours, bool(i.expires_at)]


async def create():
    heading("Create")

    async def made(**options):
        sb = await AsyncSandbox.create("my-agent", **options)
        try:
            return facts(sb)
        finally:
            drop(sb)

    await astep("basic", made)
    await astep("small", lambda: made(size="small"))
    await astep("options", lambda: made(ttl_hours=2, ephemeral=True, metadata={"env": "prod", "version": "1.0"}))
    await astep("tier", lambda: made(tier="small"))
    await astep("from a snapshot that is not there", lambda: made(snapshot_id="snap-none"))
    await astep("from a template that is not there", lambda: made(template_id="tpl-none"))
    await astep("with a volume that is not there", lambda: made(volumes={"/home/user/data": "vol-none"}))
    await astep("above the plan", lambda: AsyncSandbox.create(base_url=at_door("plan limit")))

    async def env():
        vol = Volume.create("async-data")
        sb = await AsyncSandbox.create(env={"A": "b"}, volumes={"/home/user/data": vol})
        found = outcome(await sb.exec('echo "$A"; touch data/x; ls data'))
        drop(sb)
        vol.delete()
        return found

    await astep("env and volume", env)

    async def url():
        sb = await AsyncSandbox.create("urls")
        drop(sb)
        return [sb.get_preview_url(8000).replace(sb.name, "NAME"), sb.public_url, sb.agent_url, sb.status, sb.id == sb.name]

    await astep("URL of a port, async", url)


async def get_and_list():
    heading("Get & List")
    a = await AsyncSandbox.create("ä & = b", metadata={"env": "prod", "team": "x y&z"})
    b = await AsyncSandbox.create("production-run", metadata={"env": "prod"})

    async def labels(**options):
        return sorted(s.info.label for s in await AsyncSandbox.list(**options))

    async def get(name, **options):
        sb = await AsyncSandbox.get(name, **options)
        return [sb.info.label, sb.info.status, sb.info.metadata]

    await astep("get", lambda: get(a.name))
    await astep("get: not there", lambda: get("sb-none"))
    await astep("get: status absent", lambda: get(a.name, base_url=at_door("absent")))
    await astep("list by label", lambda: labels(label="production-run"))
    await astep("list by odd label", lambda: labels(label="ä & = b"))
    await astep("list by metadata", lambda: labels(metadata={"env": "prod"}))
    await astep("list by odd metadata", lambda: labels(metadata={"env": "prod", "team": "x y&z"}))
    for sb in (a, b):
        drop(sb)


async def code(sb):
    heading("Run code")

    async def python(text, **options):
        return outcome(await sb.run_python(text, **options))

    async def node(text):
        return outcome(await sb.run_node(text))

    await astep("run_python", lambda: python("print(2 + 2)"))
    await astep("run_node", lambda: node("console.log(2 + 2)"))

    async def code_of(call):
        return (await call).exit_code

    await astep("run_node: error", lambda: code_of(sb.run_node("process.exit(7)")))
    await astep("run_python: timeout", lambda: code_of(sb.run_python("import time; time.sleep(20)", timeout=1)))

    async def state():
        await sb.run_code("x = 42")
        result = await sb.run_code("print('printed')\nx * 2")
        return [result.text, result.stdout, result.stderr, result.error or "", result.ok]

    await astep("run_code: keeps state", state)

    async def raises():
        result = await sb.run_code("import sys; print('e', file=sys.stderr); 1 / 0", context="other")
        return [result.ok, result.error.strip().split("\n")[-1], result.stderr]

    await astep("run_code: error", raises)


async def packages(sb):
    heading("Install")

    async def package(name, runtime, check):
        await sb.upload(fixture(name), "/tmp/" + name)
        result = await sb.install("/tmp/" + name, runtime=runtime)
        return [result.exit_code, result.ok, outcome(await check())]

    await astep("pip", lambda: package("judge-1.0-py3-none-any.whl", "pip",
                                       lambda: sb.run_python("import judge; print(judge.answer)")))
    await astep("unknown runtime", lambda: sb.install("judge", runtime="cargo"))
    heading("Git clone")

    async def clone(repository="public", **options):
        r = await sb.git_clone(f"{GIT}/{repository}/origin.git", **options)
        seen = await sb.exec(f"cat {r.path}/file; git -C {r.path} rev-list --count HEAD")
        return [r.path, r.repo.replace(GIT, ""), r.branch, "Cloning into" in r.output, seen.stdout]

    await astep("path and branch", lambda: clone(path="/home/user/agent/repo", branch="main"))
    await astep("defaults", clone)
    await astep("repository that is not there", lambda: sb.git_clone(f"{GIT}/public/none.git"))
    await astep("private: with its token", lambda: clone("private", path="/home/user/p", token="tok-123456"))


async def processes(sb):
    heading("Environment, logs, health")
    await astep("health", lambda: as_list(sb.health()))
    heading("Metrics & processes")
    await sb.exec(SLEEPER)

    async def find():
        return [p for p in await sb.get_processes() if p.command.startswith("sleep 1234")]

    async def found():
        some = await find()
        return [len(some), some[0].pid > 1]

    await astep("get_processes", found)

    async def kill():
        await sb.kill_process((await find())[0].pid)
        return (await sb.exec(SLEEPER_GONE)).exit_code

    await astep("kill_process", kill)
    await astep("kill_process: not there", lambda: sb.kill_process(99999))
    await astep("kill_process: 1", lambda: sb.kill_process(1))
    await astep("kill_process: 0", lambda: sb.kill_process(0))


async def as_list(call):
    return [isinstance(await call, dict)]


async def lifecycle():
    heading("Lifecycle")
    sb = await AsyncSandbox.create("life")

    async def statuses():
        return [s.status for s in await AsyncSandbox.list(label="life")]

    async def pause():
        await sb.pause()
        return await statuses()

    await astep("pause", pause)
    await astep("exec while paused", lambda: sb.exec("true"))

    async def resumed():
        await sb.resume()
        return [(await statuses())[0], (await sb.exec("printf kept")).stdout]

    await astep("resume", resumed)

    async def delete():
        await sb.delete()
        return await aattempt(lambda: AsyncSandbox.get(sb.name))

    await astep("delete", delete)
    await astep("close twice", lambda: both(sb))
    if not OLD:
        drop(sb)
    heading("Pause → auto-resume")

    async def resumes():
        box = await AsyncSandbox.create("sleeper")
        await box.exec("printf preserved >state", cwd="/home/user")
        await box.pause()
        again = await AsyncSandbox.get(box.name)
        found = [again.status, (await again.exec("cat state")).stdout, (await again.exec("echo awake")).stdout]
        drop(box)
        return found

    await astep("get resumes", resumes)


async def both(sb):
    return [await sb.close(), await sb.close()]


async def snapshots(sb):
    heading("Snapshots")
    await sb.exec("printf before >/home/user/file")
    made = []

    async def create():
        made.append(await sb.create_snapshot("my label"))
        return [made[0].name, made[0].status, made[0].sandbox_id == sb.name]

    await astep("create with a label, async", create)

    async def restored():
        box = await AsyncSandbox.create("fork", snapshot_id=made[0].snapshot_id)
        found = (await box.exec("cat /home/user/file")).stdout
        drop(box)
        return found

    await astep("restore, async", restored)
