"""What the clients get wrong, and what a bad network shows of them."""

import threading

import agentbox
from report import at_door, attempt, heading, keys_seen_in_clear, local, step
from sandflare import Sandbox

MARK = "echo ran >>/home/user/ran; echo out"


def through(sb, fault):
    """The same sandbox, behind a door."""
    return Sandbox(sb.info, base_url=at_door(fault))


def ran(sb):
    """How often MARK ran since the last look."""
    return int(sb.exec("cat ran 2>/dev/null | wc -l; rm -f ran").stdout)


def counted(sb, call):
    """What a call that runs MARK gives, and how often it ran."""
    seen = attempt(call)
    return [seen, ran(sb)]


def run():
    sb = Sandbox.create("bugs")
    answers(sb)
    streams(sb)
    stream_method(sb)
    shapes(sb)
    rest(sb)
    sb.delete()


def answers(sb):
    heading("Lost answers")
    step("exec: answer lost", lambda: counted(sb, lambda: through(sb, "lost").exec(MARK).ok))
    step("exec: 502 after the work", lambda: counted(sb, lambda: through(sb, "gateway").exec(MARK).ok))
    step("run_python: answer lost", lambda: counted(sb, lambda: through(sb, "lost").run_python(
        "open('/home/user/ran', 'a').write('ran\\n')").ok))
    step("exec: 503 while booting", lambda: counted(sb, lambda: through(sb, "unavailable").exec(MARK).ok))

    def create(fault, label):
        seen = attempt(lambda: Sandbox.create(label, base_url=at_door(fault)).label)
        made = Sandbox.list(label=label)
        for box in made:
            box.delete()
        return [seen, len(made)]

    step("create: answer lost", lambda: create("lost", "twin lost"))
    step("create: 502 after the work", lambda: create("gateway", "twin gateway"))

    def snapshot():
        attempt(lambda: through(sb, "lost").create_snapshot(name="twin"))
        return sum(s.name == "twin" for s in Sandbox.list_all_snapshots())

    step("create_snapshot: answer lost, how many", snapshot)


def events(stream):
    return [[e.type or e.event, e.line if e.event else e.data, e.exit_code] for e in stream]


def streams(sb):
    heading("Broken streams")

    def seen(fault, command="echo a; echo b; exit 3"):
        found = []
        try:
            for e in through(sb, fault).exec_stream(command):
                found.append([e.type, e.exit_code])
        except Exception as error:
            found.append("error " + type(error).__name__)
        return found

    step("whole", lambda: seen("plain"))
    step("ends before done", lambda: seen("early end"))
    step("connection cut", lambda: seen("cut"))
    step("CRLF", lambda: seen("crlf"))
    step("data on several lines: exit code", lambda: seen("two lines")[-1][1])
    step("data on several lines: text", lambda: next(iter(through(sb, "two lines").exec_stream("echo a"))).data)
    step("silence", lambda: counted(sb, lambda: [e.type for e in through(sb, "silent").exec_stream(MARK)]))
    step("HTTP error", lambda: [e.type for e in gone().exec_stream("true")])


def gone():
    box = Sandbox.create("gone")
    box.delete()
    return box


# Ends by itself only when someone answers while it runs.
WAITS = "cd /home/user && rm -f go; echo first; until test -e go; do sleep 0.05; done"


def stream_method(sb):
    heading("stream()")

    def live():
        code = None
        for event in through(sb, "plain").stream(WAITS, timeout=2):
            if event.event == "stdout":
                sb.write_file("/home/user/go", "")
            if event.event == "done":
                code = event.exit_code
        return code

    step("live", live)
    step("events", lambda: events(through(sb, "plain").stream("echo a; sleep 0.2; echo b >&2; exit 3")))
    step("silence", lambda: counted(sb, lambda: [e.event for e in through(sb, "silent").stream(MARK + " again")]))
    step("key sent in clear text", lambda: keys_seen_in_clear("plain") + keys_seen_in_clear("silent") > 0)

    def on_tls():
        events_seen = [e.event for e in sb.stream("echo over tls")]
        return [events_seen, local("GET", "/_local/requests")["requests"][-1]["operation"]]

    step("on a TLS server", on_tls)


def shapes(sb):
    heading("Odd answers")
    sb.write_file("/home/user/seen/user", "")
    step("exec without ok", lambda: [through(sb, "no ok").exec("true").ok, through(sb, "no ok").exec("false").ok])
    step("list as an object", lambda: len(Sandbox.list(base_url=at_door("wrapped"))))
    step("ls as an object", lambda: [e.name for e in through(sb, "wrapped").ls("/home/user/seen")])
    step("snapshots as a list", lambda: len(Sandbox.list_all_snapshots(base_url=at_door("wrapped"))) > 0)
    step("volumes as an object", lambda: len(agentbox.Volume.list(base_url=at_door("wrapped"))) > 0)
    step("page of the edge", lambda: len(Sandbox.list(base_url=at_door("edge"))))
    step("server error", lambda: len(Sandbox.list(base_url=at_door("broken"))))
    step("delete: server error", lambda: through(sb, "broken").delete())
    step("disable_auto_snapshot: server error", lambda: through(sb, "broken").disable_auto_snapshot()["status"])
    step("write_file: server error", lambda: through(sb, "broken").write_file("/tmp/x", "x"))


def rest(sb):
    heading("Other bugs")
    step("get_processes: type", lambda: process_type(sb))
    step("directory that is not there, env given", lambda: sb.exec("pwd", cwd="/no/such", env={"A": "b"}).ok)
    step("get_logs(stream=True)", lambda: follow(sb))


def process_type(sb):
    sb.exec("sleep 77 >/dev/null 2>&1 &")
    return type(sb.get_processes()[0]).__name__


def follow(sb):
    """Whether the call returns while the sandbox goes on writing logs."""
    box = Sandbox.create("logs")
    box.exec("echo line")
    found = []
    thread = threading.Thread(target=lambda: found.append(attempt(lambda: box.get_logs(stream=True))), daemon=True)
    thread.start()
    for i in range(10):
        sb.exec("sleep 0.1")
        box.exec(f"echo {i}")
    waits = thread.is_alive()
    box.delete()
    thread.join(20)
    return "waits" if waits else found[0]
