"""Quick start, environment variables, create, get and list, exec, files."""
import os
import re
from importlib import metadata

from report import at_door, attempt, heading, outcome, step
from sandflare import Sandbox, Volume

OLD = hasattr(Sandbox, "list_snapshots")  # 2.1.16


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
        sb = Sandbox.create("pack", volumes={"/home/user/data": vol})
        for name in ("pandas", "numpy", "matplotlib", "scipy"):
            sb.write_file(f"/home/user/data/{name}/__init__.py", "")
        sb.delete()
        sb = Sandbox.create("agent", template_id="code-interpreter" if OLD else "codebox",
                            env={"PYTHONPATH": "data"}, volumes={"/home/user/data": vol})
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
            return outcome(sb.exec('echo "$GREETING,$EMPTY,${HOME: -10}"'))
        finally:
            sb.close()

    step("env", environment_variables)
    step("from a snapshot that is not there", lambda: made(snapshot_id="snap-none"))
    step("from a template that is not there", lambda: made(template="tpl-none"))
    step("with a volume that is not there", lambda: made(volumes={"/home/user/data": "vol-none"}))
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
