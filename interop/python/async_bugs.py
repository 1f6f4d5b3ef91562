"""What the async client gets wrong, and what only 2.1.38 has."""
import asyncio

from report import aattempt, advance, astep, at_door, drop, heading, local
from sandflare import AsyncSandbox


async def run(sb):
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
