"""Run code, packages, git, environment, logs, metrics and processes."""
import os
import tempfile

from report import SLEEPER, SLEEPER_GONE, attempt, b64, fixture, heading, outcome, step
from sandflare import Sandbox

# A stand-in for matplotlib: what the kernel asks of it, and a picture.
PLOT = '''
import sys, types
plt = types.ModuleType("matplotlib.pyplot")
plt.get_fignums = lambda: [1]
class Figure:
    def savefig(self, out, **options): out.write(b"\\x89PNG picture")
plt.gcf = lambda: Figure()
plt.close = lambda *a: None
sys.modules["matplotlib"] = types.ModuleType("matplotlib")
sys.modules["matplotlib.pyplot"] = plt
'''

GIT = os.environ["INTEROP_GIT"]


def run():
    sb = Sandbox.create("work")
    code(sb)
    kernel(sb)
    install(sb)
    git(sb)
    surroundings()
    processes()
    sb.delete()


def code(sb):
    heading("Run code")
    step("run_python", lambda: outcome(sb.run_python("print(2 + 2)")))
    step("run_node", lambda: outcome(sb.run_node("console.log(2 + 2)")))
    step("run_python: error", lambda: ends(sb.run_python("import sys\nprint('so far')\nsys.exit('it broke')")))
    step("run_python: traceback", lambda: ends(sb.run_python("def f():\n    return 1 / 0\nf()")))
    step("run_node: error", lambda: sb.run_node("process.exit(7)").exit_code)
    step("run_python: is stateless", lambda: [sb.run_python("x = 1").ok, sb.run_python("print(x)").ok])
    step("run_python: timeout", lambda: sb.run_python("import time; time.sleep(20)", timeout=1).exit_code)
    step("run_python: directory", lambda: outcome(sb.run_python("import os; print(os.getcwd()[-10:])")))

    def playwright():
        result = sb.run_playwright("import os, sys\nprint(os.environ['PLAYWRIGHT_BROWSERS_PATH'])\nsys.exit(5)")
        return [result.exit_code, result.stdout, sb.exec("ls /tmp | grep -c py").stdout]

    step("run_playwright: runs, removes its script", playwright)


def ends(result):
    """Exit code, output and the last line of the errors."""
    return [result.exit_code, result.stdout, result.stderr.strip().split("\n")[-1]]


def kernel(sb):
    def state():
        sb.run_code("x = 42")
        result = sb.run_code("print('printed')\nx * 2")
        return [result.text, result.stdout, result.stderr, result.error or "", result.ok]

    step("run_code: keeps state", state)

    def contexts():
        sb.run_code("y = 1", context="one")
        other = sb.run_code("y", context="two")
        return [sb.run_code("y", context="one").text, other.ok, other.error.strip().split("\n")[-1]]

    step("run_code: contexts", contexts)

    def raises():
        result = sb.run_code("import sys; print('e', file=sys.stderr); 1 / 0")
        return [result.ok, result.error.strip().split("\n")[-1], result.stderr]

    step("run_code: error", raises)
    step("run_code: raise_on_error", lambda: [sb.run_code("1").raise_on_error().text, attempt(sb.run_code("1 / 0").raise_on_error)])

    def picture():
        result = sb.run_code(PLOT + "None")
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "plot.png")
            saved = result.save_png(path)
            with open(path, "rb") as f:
                return [saved, b64(f.read())]

    step("run_code: picture", picture)
    step("run_code: timeout, then on", lambda: [
        sb.run_code("import time; time.sleep(20)", context="slow", timeout=1).ok, sb.run_code("1 + 1", context="slow").text])


def install(sb):
    heading("Install")

    def package(name, runtime, check):
        sb.upload(fixture(name), "/tmp/" + name)
        result = sb.install("/tmp/" + name, runtime=runtime)
        return [result.exit_code, result.ok, check()]

    step("pip", lambda: package("judge-1.0-py3-none-any.whl", "pip",
                                lambda: outcome(sb.run_python("import judge; print(judge.answer)"))))
    step("npm", lambda: package("judge-1.0.0.tgz", "npm",
                                lambda: outcome(sb.run_node("console.log(require('judge').answer)"))))

    def apt():
        # Without sources there is nothing to fetch: the package is a file.
        sb.exec("rm -rf /etc/apt/sources.list /etc/apt/sources.list.d/*")
        return package("judge_1.0_all.deb", "apt", lambda: sb.exec("cat /usr/share/judge/answer").stdout)

    step("apt", apt)
    step("pip: fails", lambda: [sb.install("/tmp/none-1.0-py3-none-any.whl", runtime="pip").ok])
    step("unknown runtime", lambda: outcome(sb.install("judge", runtime="cargo")))


def git(sb):
    heading("Git clone")

    def clone(repository="public", **options):
        result = sb.git_clone(f"{GIT}/{repository}/origin.git", **options)
        seen = sb.exec(f"cat {result.path}/file; git -C {result.path} rev-list --count HEAD").stdout
        return [result.path, result.repo.replace(GIT, ""), result.branch, "Cloning into" in result.output, seen]

    step("path and branch", lambda: clone(path="/home/user/agent/repo", branch="main", depth=1))
    step("defaults", clone)
    step("other branch, deep", lambda: clone(path="/home/user/side", branch="side", depth=10))
    step("repository that is not there", lambda: sb.git_clone(f"{GIT}/public/none.git").path)
    step("branch that is not there", lambda: clone(path="/home/user/x", branch="none"))
    step("option as URL", lambda: sb.git_clone("--upload-pack=touch /tmp/owned", path="/home/user/y").path)
    step("private: without a token", lambda: clone("private", path="/home/user/p"))
    step("private: with its token", lambda: clone("private", path="/home/user/p", token="tok-123456"))

    def secret():
        attempt(lambda: sb.git_clone("ssh://127.0.0.1:1/x", ssh_key="key-123456", path="/home/user/w"))
        return [line for line in sb.get_logs() if "123456" in line] + [sb.exec("grep -r 123456 p/.git").stdout]

    step("token and key are kept nowhere", secret)


def surroundings():
    heading("Environment, logs, health")
    sb = Sandbox.create("env", env={"A": "1"})

    def envs():
        sb.set_env({"B": "two words", "A": "2"})
        env = sb.get_env()
        return [env.get("A"), env.get("B"), sb.exec('echo "$A,$B"').stdout]

    step("set_env merges, commands see it", envs)
    step("set_env: no name", lambda: sb.set_env({"a=b": "x"}))
    step("health", lambda: [isinstance(sb.health(), dict)])
    step("health: not there", lambda: gone().health())

    def logs():
        sb.exec("echo hello; echo err >&2")
        lines = sb.get_logs()
        return ["hello" in lines, "err" in lines, any("echo hello" in line for line in lines)]

    step("logs: command and output", logs)
    sb.delete()


def gone():
    other = Sandbox.create("gone")
    other.delete()
    return other


def processes():
    heading("Metrics & processes")
    sb = Sandbox.create("busy")
    sb.exec(SLEEPER)

    def metrics():
        m = sb.metrics()
        return [m.sandbox_id == sb.name, m.status, m.cpu_count, m.mem_total, m.disk_total > 0, m.cpu_used_pct >= 0,
                0 <= m.mem_used <= m.mem_total, 0 < m.disk_used <= m.disk_total, m.ts > 1600000000]

    step("metrics", metrics)

    def find():
        return [p for p in sb.get_processes() if p["command"].startswith("sleep 1234")]

    step("get_processes", lambda: [len(find()), find()[0]["pid"] > 1])
    step("get_processes: p.pid, p.command", lambda: [p.pid > 0 and bool(p.command) for p in sb.get_processes()][0])

    def kill():
        sb.kill_process(find()[0]["pid"])
        return sb.exec(SLEEPER_GONE).exit_code

    step("kill_process", kill)
    step("kill_process: not there", lambda: sb.kill_process(99999))
    step("kill_process: 1", lambda: sb.kill_process(1))
    step("kill_process: 0", lambda: sb.kill_process(0))
    sb.delete()
