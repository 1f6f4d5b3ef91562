"""The command line of the service."""
import os
import re
import subprocess
import sys

from report import at_door, fixture, heading, local, step

PROGRAM = os.path.join(os.path.dirname(sys.executable), "sandflare")


def call(*args, **env):
    """Exit code, output and errors, without colours."""
    done = subprocess.run([PROGRAM, *args], capture_output=True, text=True, timeout=120, env={**os.environ, **env})
    plain = [re.sub(r"\x1b\[[0-9;]*m", "", text) for text in (done.stdout, done.stderr)]
    return [done.returncode, *plain]


def made(output):
    return re.search(r"sb-\w+", output).group()


def exec_outcome(*args):
    code, out, err = call("sandbox", "exec", *args)
    return [code, out, err, code == 0]


def boxes():
    return local("GET", "/sandboxes")


def run():
    sandboxes()
    templates()
    keys()


def sandboxes():
    heading("Quick start")

    def first():
        name = made(call("sandbox", "create")[1])
        result = exec_outcome(name, "echo hello")
        call("sandbox", "delete", name)
        return result

    step("create, exec, delete", first)
    heading("Create")

    def facts(*args):
        name = made(call("sandbox", "create", *args)[1])
        i = [b for b in boxes() if b["name"] == name][0]
        call("sb", "rm", name)
        return [i["status"], i.get("label", ""), i["ephemeral"], i["metadata"], i["memory_mb"], i["vcpus"],
                i.get("ttl_hours", 0), bool(i.get("expires_at"))]

    step("basic", lambda: facts("--name", "my-agent"))
    step("from a template that is not there", lambda: status(call("sandbox", "create", "--template-id", "tpl-none")))
    step("above the plan", lambda: status(call("sandbox", "create", SANDFLARE_API_URL=at_door("plan limit"))))
    heading("Get & List")
    a = made(call("sandbox", "create", "--name", "one")[1])
    b = made(call("sandbox", "create", "--name", "two")[1])

    def listed():
        lines = call("sandbox", "list")[1].split("\n")[2:]
        return [sum(name in line and "ready" in line for line in lines) for name in (a, b)]

    step("list, CLI", listed)
    heading("Exec")
    step("echo", lambda: exec_outcome(a, "echo", "hello"))
    step("exit code and stderr", lambda: exec_outcome(a, "echo out; echo err >&2; exit 3"))
    step("default directory", lambda: exec_outcome(a, "pwd | tail -c 11"))
    step("not found", lambda: exec_outcome(a, "no-such-command 2>/dev/null"))
    step("by label, CLI", lambda: exec_outcome("two", "echo", "found"))
    step("in a sandbox that is not there", lambda: status(call("sandbox", "exec", "sb-none", "true")))
    heading("Fork, keep alive")

    def kept():
        code, out, _ = call("sandbox", "keep-alive", a, "--seconds", "3600")
        return [code, "kept alive for 3600s" in out, "New deadline: 20" in out]

    step("keep-alive, CLI", kept)
    step("keep_alive: more than a day", lambda: status(call("sandbox", "keep-alive", a, "-s", "86401")))
    heading("Lifecycle")

    def delete():
        code, out, _ = call("sandbox", "delete", a)
        call("sandbox", "delete", b)
        return [code, out.strip().endswith("deleted."), boxes()]

    step("delete, CLI", delete)
    step("delete twice", lambda: status(call("sandbox", "delete", a)))


def status(result):
    """The status in the text of a failure."""
    code, _, err = result
    found = re.search(r"API error \((\d+)\): .", err)
    return f"error {found.group(1)}" if code == 1 and found else result


def templates():
    heading("Custom templates")

    def build():
        code, out, err = call("template", "build", fixture("context"), "--name", "from-cli", "--description", "d", "--wait")
        if code:
            return [code, out, err]
        name = re.search(r"started: (\S+)", out).group(1)
        box = made(call("sandbox", "create", "--template-id", name)[1])
        seen = exec_outcome(box, "cat built; ls app; echo $MOOD; ls -a | grep -c -e secret -e dockerignore")[1]
        call("sandbox", "delete", box)
        rows = call("template", "list")[1].split("\n")[2:]
        found = [seen, "is ready!" in out, name in rows[0] and "from-cli" in rows[0] and "ready" in rows[0]]
        call("template", "delete", name)
        return found + [call("template", "list")[1].strip()]

    step("build, list, delete, CLI", build)
    step("delete: not there", lambda: status(call("template", "delete", "tpl-none")))


def keys():
    heading("Environment variables")

    def saved():
        code, _, _ = call("config", "set-key", os.environ["SANDFLARE_API_KEY"])
        shown = call("config", "show")[1]
        listed = call("sandbox", "list", SANDFLARE_API_KEY="")[:2]
        return [code, os.environ["SANDFLARE_API_KEY"][:12] + "…" in shown, listed[0], listed[1].strip()]

    step("key kept by config, CLI", saved)
    step("wrong key", lambda: status(call("sandbox", "list", SANDFLARE_API_KEY="wrong")))
