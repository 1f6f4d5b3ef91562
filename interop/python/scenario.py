"""Runs the scenario for one client: sync, async or cli."""
import sys

if sys.argv[1] == "sync":
    import coverage

    coverage.start()
    import basics
    import bugs
    import handover
    import lifecycle
    import memories
    import running
    import state
    import volumes
    import work

    for part in (basics, running, work, lifecycle, volumes, state, memories, bugs, handover):
        part.run()
    coverage.report()
elif sys.argv[1] == "async":
    import asyncio

    import coverage

    coverage.start()
    import asynchronous

    asyncio.run(asynchronous.run())
    coverage.report()
else:
    import commands

    commands.run()
