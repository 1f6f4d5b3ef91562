def start(): pass
def report(): pass
