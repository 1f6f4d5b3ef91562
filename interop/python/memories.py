"""Memory of a sandbox and of the user."""
from agentbox import UserMemory
from report import attempt, heading, step
from sandflare import Sandbox

FACTS = [
    "The project uses FastAPI with a PostgreSQL database",
    "Deploys happen on Fridays from the release branch",
    "Unit tests run with pytest in parallel",
]


def run():
    heading("AI Memory (mem0-backed)")
    sb = Sandbox.create("memory")
    scope("sandbox", sb.memory)

    def apart():
        other = Sandbox.create("other memory")
        sb.memory.add("Only the first sandbox knows this")
        found = [len(sb.memory.list()), len(other.memory.list())]
        other.delete()
        return found

    step("sandboxes know nothing of each other", apart)
    step("README: r[\"memory\"]", lambda: sb.memory.search("first sandbox")[0]["memory"])
    sb.delete()
    scope("user", UserMemory())

    def lasting():
        UserMemory().add("Prefers TypeScript over JavaScript")
        return [m.memory for m in UserMemory().search("language preferences TypeScript")]

    step("user: lasts", lasting)
    step("from sandflare import UserMemory", imported)
    step("Sandbox.user_memory()", lambda: len(Sandbox.user_memory().list()))


def imported():
    from sandflare import UserMemory as Public

    return len(Public().list())


def scope(name, memory):
    def events(results):
        return [[r["event"], bool(r["id"])] for r in results]

    step(f"{name}: add", lambda: events(memory.add("User prefers async patterns and strict typing")))
    step(f"{name}: add with category and metadata", lambda: events(memory.add(
        "Bug fix: always call .commit() after INSERT", category="bug_fix", metadata={"topic": "db", "n": 1})))
    step(f"{name}: add with infer", lambda: len(memory.add("The team speaks German", infer=True)) >= 1)
    step(f"{name}: batch_add", lambda: events(memory.batch_add(FACTS, category="project_context", metadata={"batch": True})))
    step(f"{name}: search", lambda: memory.search("what database does this project use?")[0].memory)
    step(f"{name}: search a category", lambda: memory.search("bug fix commit")[0].categories)
    step(f"{name}: search finds nothing", lambda: [m.memory for m in memory.search("zebra")])
    step(f"{name}: search limit", lambda: len(memory.search("project deploys tests uses run patterns team", limit=2)))
    step(f"{name}: list, newest first", lambda: [memory.list()[0].memory in FACTS, memory.list()[-1].memory, len(memory.list())])

    def one():
        found = [m for m in memory.list() if "commit" in m.memory][0]
        return [found.categories, found.metadata, bool(found.created_at), found.id != ""]

    step(f"{name}: entry", one)

    def feedback():
        query = "project pytest database"
        before = {m.memory: m.score for m in memory.search(query)}
        target = memory.search(query)[0]
        memory.feedback(target.id, useful=False)
        after = {m.memory: m.score for m in memory.search(query)}
        return after.get(target.memory, 0) < before[target.memory]

    step(f"{name}: feedback moves the score", feedback)

    def delete():
        before = len(memory.list())
        memory.delete(memory.list()[0].id)
        return before - len(memory.list())

    step(f"{name}: delete", delete)
    step(f"{name}: delete: not there", lambda: attempt(lambda: memory.delete("mem-none")))

    def delete_all():
        memory.delete_all()
        return len(memory.list())

    step(f"{name}: delete_all", delete_all)
