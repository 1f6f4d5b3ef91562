"""Quick start, environment variables, create, get and list, exec, files."""
import os
import re
from importlib import metadata

from report import at_door, attempt, b64, digest, fixture, heading, outcome, step
from sandflare import Sandbox, Volume

OLD = hasattr(Sandbox, "list_snapshots")  # 2.1.16
MIB = "head -c 1048576 /dev/zero | tr '\\0' x"


def readme_headings():
    """The headings of the README that hold Python code."""
    found, name = [], ""
    for block in re.split(r"^(?=#)", metadata.metadata("sandflare").get_payload(), flags=re.M):
        line = block.split("\n", 1)[0]
        if re.match(r"#{2,3} ", line):
            name = line.lstrip("# ")
        if "```python" in block and name not in found:
            found.append(name)
    return found


def run():
    heading("README")
    step("headings with code", readme_headings)
    quick_start()
    environment()
    create()
    get_and_list()
    execute()
    files()


def quick_start():
    heading("Quick start")

    def first():
        sb = Sandbox.create("agent", **({"size": "nano"} if OLD else {}))
        result = sb.exec("echo hello")
        sb.delete()
        return outcome(result)

    step("create, exec, delete", first)

    def built_in():
        # The client runs a check of its own and would install the packages.
        # A volume holds them, empty: nothing may come from a registry.
        vol = Volume.create("packages")
        sb = Sandbox.create("pack", volumes={"/data": vol})
        for name in ("pandas", "numpy", "matplotlib", "scipy"):
            sb.write_file(f"/data/{name}/__init__.py", "")
        sb.delete()
        sb = Sandbox.create("agent", template_id="code-interpreter" if OLD else "codebox",
                            env={"PYTHONPATH": "/data"}, volumes={"/data": vol})
        result = sb.exec("echo hello")
        sb.delete()
        vol.delete()
        return outcome(result)

    step("built-in template", built_in)


def environment():
    heading("Environment variables")
    saved = {k: os.environ[k] for k in ("SANDFLARE_API_URL", "SANDFLARE_API_KEY")}

    def with_env(**env):
        for name in saved:
            del os.environ[name]
        os.environ.update(env)
        try:
            return attempt(lambda: len(Sandbox.list()))
        finally:
            for name in env:
                os.environ.pop(name)
            os.environ.update(saved)

    url, key = saved["SANDFLARE_API_URL"], saved["SANDFLARE_API_KEY"]
    step("PANDAAGENT_*", lambda: with_env(PANDAAGENT_BASE_URL=url, PANDAAGENT_API_KEY=key))
    step("AGENTBOX_API_KEY", lambda: with_env(SANDFLARE_API_URL=url, AGENTBOX_API_KEY=key))
    step("SANDFLARE_* comes first", lambda: with_env(
        SANDFLARE_API_URL=url + "///", SANDFLARE_API_KEY=key, PANDAAGENT_BASE_URL="https://127.0.0.1:1", PANDAAGENT_API_KEY="x"))
    step("wrong key", lambda: with_env(SANDFLARE_API_URL=url, SANDFLARE_API_KEY="wrong"))
    step("base_url and api_key given", lambda: len(Sandbox.list(base_url=url, api_key=key)))


def facts(sb):
    i = sb.info
    return [i.status, i.label, i.ephemeral, i.metadata, i.memory_mb, i.vcpus, i.ttl_hours, bool(i.expires_at)]


def create():
    heading("Create")

    def made(**options):
        sb = Sandbox.create("my-agent", **options)
        try:
            return facts(sb)
        finally:
            sb.close()

    step("basic", made)
    step("small", lambda: made(size="small"))
    step("medium, as tier", lambda: made(tier="medium"))
    step("unknown size", lambda: made(size="giant"))
    step("options", lambda: made(ttl_hours=2, ephemeral=True, metadata={"env": "prod", "version": "1.0"}))

    def environment_variables():
        sb = Sandbox.create(env={"GREETING": "grüß 'dich'", "EMPTY": ""})
        try:
            return outcome(sb.exec('echo "$GREETING,$EMPTY,$HOME"'))
        finally:
            sb.close()

    step("env", environment_variables)
    step("from a snapshot that is not there", lambda: made(snapshot_id="snap-none"))
    step("from a template that is not there", lambda: made(template="tpl-none"))
    step("with a volume that is not there", lambda: made(volumes={"/data": "vol-none"}))
    step("above the plan", lambda: attempt(lambda: Sandbox.create(base_url=at_door("plan limit"))))

    def upgrade():
        try:
            Sandbox.create(base_url=at_door("plan limit"))
        except Exception as error:
            return error.upgrade_url

    step("above the plan: where to upgrade", upgrade)

    def urls():
        sb = Sandbox.create("urls")
        try:
            return [sb.get_preview_url(8000), sb.preview_url or "", sb.subdomain_url or "", sb.public_url,
                    sb.panel_url, sb.agent_url, sb.preview_port or 0, sb.subdomain or ""]
        finally:
            sb.close()

    step("URLs of a local sandbox", urls)


def get_and_list():
    heading("Get & List")
    a = Sandbox.create("ä & = b", metadata={"env": "prod", "team": "x y&z"})
    b = Sandbox.create("production-run", metadata={"env": "prod"})
    c = Sandbox.create("other")

    def labels(found):
        return sorted(sb.label for sb in found)

    step("get", lambda: [Sandbox.get(a.name).label, Sandbox.get(a.name).status, Sandbox.get(a.name).metadata])
    step("get: id is name", lambda: Sandbox.get(a.id).name == a.name)
    step("get: not there", lambda: Sandbox.get("sb-none").name)
    step("get: status absent", lambda: Sandbox.get(a.name, base_url=at_door("absent")).name)
    step("list", lambda: labels(Sandbox.list()))
    step("list by label", lambda: labels(Sandbox.list(label="production-run")))
    step("list by odd label", lambda: labels(Sandbox.list(label="ä & = b")))
    step("list by metadata", lambda: labels(Sandbox.list(metadata={"env": "prod"})))
    step("list by odd metadata", lambda: labels(Sandbox.list(metadata={"env": "prod", "team": "x y&z"})))
    step("list: none matches", lambda: labels(Sandbox.list(label="nobody")))
    for sb in (a, b, c):
        sb.delete()
    step("list after delete", lambda: labels(Sandbox.list()))


def execute():
    heading("Exec")
    sb = Sandbox.create("exec")
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
    ):
        step(name, lambda: outcome(sb.exec(command, **options)))
    step("directory that is not there", lambda: sb.exec("pwd", cwd="/no/such").ok)
    step("timeout", lambda: sb.exec("echo before; sleep 20", timeout=1).exit_code)
    step("1 MiB of output", lambda: digest(sb.exec(MIB).stdout.encode()))
    step("background child keeps stdout", lambda: outcome(sb.exec("sleep 60 & echo on")))

    def raises(command):
        try:
            sb.exec(command).raise_on_error()
        except Exception:
            return "raised"
        return "fine"

    step("error from exit code", lambda: [raises("true"), raises("false")])
    step("in a sandbox that is not there", lambda: attempt(lambda: ghost().exec("true")))

    step("stream", lambda: [[e.type, e.exit_code] for e in sb.exec_stream("echo a; sleep 0.1; echo b >&2; exit 3")])
    step("stream: event.data", lambda: [e.data for e in sb.exec_stream("echo a; echo 'ü \"q\"'")])
    step("stream: timeout", lambda: [e.exit_code for e in sb.exec_stream("sleep 20", timeout=1)][-1])
    step("stream: live", lambda: live(sb, sb.exec_stream(WAITS, timeout=5)))
    step("stream: 2,000 lines", lambda: sum(1 for e in sb.exec_stream("seq 2000")))
    sb.delete()


# Ends by itself only when someone answers while it runs.
WAITS = "cd /home/user && echo first; until test -e go; do sleep 0.05; done; echo second"


def live(sb, events):
    """The exit code of a command that goes on once its first line was seen."""
    code = None
    for event in events:
        kind = event.type or event.event
        if kind == "stdout":
            sb.write_file("/home/user/go", "")
        if kind == "done":
            code = event.exit_code
    return code


def ghost():
    """A handle on a sandbox that is gone."""
    sb = Sandbox.create("ghost")
    sb.delete()
    return sb


def files():
    heading("File I/O")
    sb = Sandbox.create("files")
    every = bytes(range(256)) * 3
    odd = "/tmp/odd/a b+c%2f?#&=ü.txt"

    def text():
        sb.write_file("/tmp/hello.txt", "hello world ü")
        return sb.read_file("/tmp/hello.txt")

    step("text", text)

    def binary():
        sb.write_file("/tmp/data.bin", every)
        return sb.exec("sha256sum /tmp/data.bin").stdout.split()[0] == digest(every)

    step("binary arrives", binary)
    step("binary comes back", lambda: b64(sb.download("/tmp/data.bin")))
    step("binary by read_file", lambda: b64(as_bytes(sb.read_file("/tmp/data.bin"))))

    def empty():
        sb.write_file("/tmp/empty", "")
        return [sb.read_file("/tmp/empty"), sb.exec("stat -c %s /tmp/empty").stdout]

    step("empty file", empty)

    def strange():
        sb.write_file(odd, "odd")
        return [sb.read_file(odd), [e.name for e in sb.ls("/tmp/odd")]]

    step("odd name, folder made", strange)

    def uploads():
        sb.upload(fixture("upload.txt"), "/home/user/up.txt")
        sb.upload(b"\x00\xff", "/home/user/up.bin")
        return [b64(sb.download("/home/user/up.txt")), b64(sb.download("/home/user/up.bin"))]

    step("upload and download", uploads)

    def listed(list_files):
        sb.exec("mkdir -p /tmp/dir/sub; printf 12345 >/tmp/dir/five; touch -d @1000000000 /tmp/dir/five")
        return sorted([e.name, e.path, e.is_dir, 0 if e.is_dir else e.size, 0 if e.is_dir else e.mtime] for e in list_files("/tmp/dir"))

    step("ls", lambda: listed(sb.ls))
    step("list_files", lambda: listed(sb.list_files))
    step("ls: default is home", lambda: sorted(e.name for e in sb.ls()))
    step("ls: not there", lambda: sb.ls("/no/such"))
    step("read: not there", lambda: sb.read_file("/no/such"))
    step("download: not there", lambda: b64(sb.download("/no/such")))
    step("read: a folder", lambda: sb.read_file("/tmp/dir"))
    step("write: onto a folder", lambda: sb.write_file("/tmp/dir", "x"))
    sb.delete()


def as_bytes(content):
    return content if isinstance(content, bytes) else content.encode()
