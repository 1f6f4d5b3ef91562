async def run(): pass
