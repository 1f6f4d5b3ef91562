"""The async client, in both releases."""
import asyncio

from report import SLEEPER, SLEEPER_GONE, advance, astep, at_door, b64, digest, failure, fixture, heading, local, outcome
from sandflare import AsyncSandbox, Volume

OLD = hasattr(AsyncSandbox, "delete")  # 2.1.16

DIRECTORY = "cd /home/user && "
WAITS = DIRECTORY + "echo first; until test -e go; do sleep 0.05; done; echo second"


async def aattempt(call):
    try:
        return await call()
    except Exception as error:
        return failure(error)


def drop(sb):
    """Deletes a sandbox without the client: 2.1.38 cannot."""
    local("DELETE", f"/sandboxes/{sb.name}")


async def run():
    await quick_start()
    await create()
    await get_and_list()
    sb = await AsyncSandbox.create("async")
    await execute(sb)
    await files(sb)
    await code(sb)
    await packages(sb)
    await processes(sb)
    await lifecycle()
    await snapshots(sb)
    await bugs(sb)
    drop(sb)
    if not OLD:
        await fork()


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
    await astep("with a volume that is not there", lambda: made(volumes={"/data": "vol-none"}))
    await astep("above the plan", lambda: AsyncSandbox.create(base_url=at_door("plan limit")))

    async def env():
        vol = Volume.create("async-data")
        sb = await AsyncSandbox.create(env={"A": "b"}, volumes={"/data": vol})
        found = outcome(await sb.exec('echo "$A"; touch /data/x; ls /data'))
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


async def execute(sb):
    heading("Exec")
    for name, command, options in (
        ("echo", "echo hello", {}),
        ("exit code and stderr", "echo out; echo err >&2; exit 3", {}),
        ("env", "echo $MY_VAR", {"env": {"MY_VAR": "hello_world"}}),
        ("env: quotes and newline", 'printf "%s|" "$A" "$B"', {"env": {"A": "it's \"x\" $HOME", "B": "two\nlines"}}),
        ("working directory", "pwd", {"cwd": "/tmp", "timeout": 10}),
        ("default directory", "pwd", {}),
        ("here-document and quotes", "cat <<'X'\nit's \"x\" $HOME \\ `id`\nX", {}),
        ("not found", "no-such-command 2>/dev/null", {}),
        ("killed by a signal", "kill -9 $$", {}),
        ("unicode", "printf 'grüße 😀'", {}),
        ("no stdin", "cat", {}),
        ("background child keeps stdout", "sleep 60 & echo on", {}),
    ):
        async def one(command=command, options=options):
            return outcome(await sb.exec(command, **options))

        await astep(name, one)

    async def nowhere():
        return (await sb.exec("pwd", cwd="/no/such")).ok

    await astep("directory that is not there", nowhere)

    async def timeout():
        return (await sb.exec("echo before; sleep 20", timeout=1)).exit_code

    await astep("timeout", timeout)

    async def much():
        result = await sb.exec("head -c 1048576 /dev/zero | tr '\\0' x")
        return digest(result.stdout.encode())

    await astep("1 MiB of output", much)

    async def ghost():
        box = await AsyncSandbox.create("ghost")
        drop(box)
        return (await box.exec("true")).ok

    await astep("in a sandbox that is not there", ghost)

    async def stream():
        return [[e.event, e.data.get("exit_code")] async for e in sb.astream("echo a; sleep 0.1; echo b >&2; exit 3")]

    await astep("stream", stream)

    async def lines():
        return [e.line async for e in sb.astream("echo a; echo 'ü \"q\"'")]

    await astep("stream: event.data", lines)

    async def late():
        return [e.data.get("exit_code") async for e in sb.astream("sleep 20", timeout=1)][-1]

    await astep("stream: timeout", late)

    async def live():
        code = None
        async for e in sb.astream(WAITS, timeout=5):
            if e.event == "stdout":
                await sb.write_file("/home/user/go", "")
            if e.event == "done":
                code = e.data["exit_code"]
        return code

    await astep("stream: live", live)

    async def many():
        return sum([1 async for _ in sb.astream("seq 2000")])

    await astep("stream: 2,000 lines", many)


async def files(sb):
    heading("File I/O")
    every = bytes(range(256)) * 3
    odd = "/tmp/odd/a b+c%2f?#&=ü.txt"

    async def text():
        await sb.write_file("/tmp/hello.txt", "hello world ü")
        return await sb.read_file("/tmp/hello.txt")

    await astep("text", text)

    async def binary():
        await sb.write_file("/tmp/data.bin", every)
        return (await sb.exec("sha256sum /tmp/data.bin")).stdout.split()[0] == digest(every)

    await astep("binary arrives", binary)

    async def back():
        return b64(await sb.download("/tmp/data.bin"))

    await astep("binary comes back", back)

    async def strange():
        await sb.write_file(odd, "odd")
        return [(await sb.exec("cat /tmp/odd/*")).stdout, [e.name for e in await sb.ls("/tmp/odd")]]

    await astep("odd name, folder made", strange)

    async def uploads():
        await sb.upload(fixture("upload.txt"), "/home/user/up.txt")
        await sb.upload(b"\x00\xff", "/home/user/up.bin")
        return (await sb.exec("cat up.txt; sha256sum up.bin", cwd="/home/user")).stdout.split("\n")[0]

    await astep("upload, async", uploads)

    async def ls():
        await sb.exec("mkdir -p /tmp/dir/sub; printf 12345 >/tmp/dir/five; touch -d @1000000000 /tmp/dir/five")
        return sorted([e.name, e.path, e.is_dir, 0 if e.is_dir else e.size, 0 if e.is_dir else e.mtime] for e in await sb.ls("/tmp/dir"))

    await astep("ls", ls)
    await astep("ls: not there", lambda: sb.ls("/no/such"))
    await astep("read: not there", lambda: sb.read_file("/no/such"))
    await astep("download: not there", lambda: sb.download("/no/such"))
    await astep("read: a folder", lambda: sb.read_file("/tmp/dir"))
    await astep("write: onto a folder", lambda: sb.write_file("/tmp/dir", "x"))


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
    from work import REPOSITORY

    await sb.exec(REPOSITORY)

    async def clone(**options):
        r = await sb.git_clone("file:///home/user/repos/origin", **options)
        seen = await sb.exec(f"cat {r.path}/file; git -C {r.path} rev-list --count HEAD")
        return [r.path, r.repo, r.branch, "Cloning into" in r.output, seen.stdout]

    await astep("path and branch", lambda: clone(path="/home/user/agent/repo", branch="main"))
    await astep("defaults", clone)
    await astep("repository that is not there", lambda: sb.git_clone("file:///no/such", token="t"))


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


async def bugs(sb):
    heading("Async client")
    await sb.write_file("/home/user/text", "text")
    await sb.write_file("/home/user/json", '{"content": "not the file"}')

    async def read(path):
        return await sb.read_file(path)

    await astep("read_file: text", lambda: read("/home/user/text"))
    await astep("read_file: JSON with a content field", lambda: read("/home/user/json"))

    async def broken():
        box = AsyncSandbox(sb.info, base_url=at_door("broken"))
        return await box.delete()

    await astep("delete: server error", broken)

    async def stream_of(base, command="echo a; echo b; exit 3"):
        return [[e.event, e.data.get("exit_code")] async for e in AsyncSandbox(sb.info, base_url=base).astream(command)]

    await astep("stream: ends before done", lambda: stream_of(at_door("early end")))
    await astep("stream: CRLF", lambda: stream_of(at_door("crlf")))

    async def ghost():
        box = await AsyncSandbox.create("ghost")
        drop(box)
        return [e.event async for e in box.astream("true")]

    await astep("stream: HTTP error", ghost)

    async def count(call):
        seen = await aattempt(call)
        ran = await sb.exec("cat ran 2>/dev/null | wc -l; rm -f ran", cwd="/home/user")
        return [seen, int(ran.stdout)]

    async def lost():
        return (await AsyncSandbox(sb.info, base_url=at_door("lost")).exec("echo ran >>/home/user/ran")).ok

    await astep("exec: answer lost", lambda: count(lost))

    async def journal():
        await AsyncSandbox.get(sb.name)
        last = local("GET", "/_local/requests")["requests"][-1]
        return [last["operation"], last["header"]["User-Agent"][0].split("/")[0].split(" ")[0]]

    await astep("get: its agent", journal)


async def fork():
    heading("Fork, keep alive")
    sb = await AsyncSandbox.create("parent")
    await sb.exec("printf shared >/home/user/file")

    async def copies():
        forks = await sb.fork(n=2)
        await forks[0].exec("printf changed >/home/user/file")
        found = [len(forks)]
        for box in (forks[0], forks[1], sb):
            found.append((await box.exec("cat /home/user/file")).stdout)
        found.append(all(f.info.metadata.get("fork_parent_id") == sb.name for f in forks))
        for box in forks:
            drop(box)
        return found

    await astep("fork", copies)
    await astep("fork: 0", lambda: sb.fork(n=0))
    await astep("fork: 9", lambda: sb.fork(n=9))

    async def kept():
        box = await AsyncSandbox.create("kept", ttl_hours=1)
        await box.keep_alive(3 * 3600)
        advance("2h30m")
        return (await AsyncSandbox.get(box.name)).status

    await astep("keep_alive", kept)
    await astep("keep_alive: more than a day", lambda: sb.keep_alive(86401))

    async def forever():
        await sb.keep_alive_forever(interval=1000)
        await asyncio.sleep(0.5)
        return [s.info.label for s in await AsyncSandbox.list(label="parent")]

    await astep("keep_alive_forever: the sandbox is there", forever)
