"""Exec, streams and files of the async client."""
from report import astep, b64, digest, drop, fixture, heading, outcome
from sandflare import AsyncSandbox

WAITS = "cd /home/user && echo first; until test -e go; do sleep 0.05; done; echo second"


async def run(sb):
    await execute(sb)
    await files(sb)


async def execute(sb):
    heading("Exec")
    for name, command, options in (
        ("echo", "echo hello", {}),
        ("exit code and stderr", "echo out; echo err >&2; exit 3", {}),
        ("env", "echo $MY_VAR", {"env": {"MY_VAR": "hello_world"}}),
        ("env: quotes and newline", 'printf "%s|" "$A" "$B"', {"env": {"A": "it's \"x\" $HOME", "B": "two\nlines"}}),
        ("working directory", "pwd | tail -c 5", {"cwd": "/tmp", "timeout": 10}),
        ("default directory", "pwd | tail -c 11", {}),
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
