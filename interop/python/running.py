"""Exec, streams and files."""
from report import attempt, b64, digest, fixture, heading, outcome, step
from sandflare import Sandbox

MIB = "head -c 1048576 /dev/zero | tr '\\0' x"


def run():
    execute()
    files()


def execute():
    heading("Exec")
    sb = Sandbox.create("exec")
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
