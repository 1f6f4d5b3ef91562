"""Runs code in one persistent namespace, one request at a time.

A request on stdin and an answer on stdout is a length (4 bytes, big endian)
and that much JSON. Both descriptors are moved away before any code runs, so
that nothing the code prints or starts can reach them.
"""
import ast
import base64
import builtins
import io
import json
import linecache
import os
import signal
import struct
import sys
import tempfile
import traceback
import types
import warnings

LIMIT = 64 << 20  # of each text in an answer, in bytes


class Capture:
    """Takes a descriptor's place with a file, and reads what was written."""

    def __init__(self, fd):
        self.fd, self.file = fd, tempfile.TemporaryFile(buffering=0)
        # Appending keeps processes that write on after a request from leaving
        # a hole in the emptied file.
        append(self.file.fileno())

    def attach(self):
        """Puts the file in place, again if the code closed the descriptor."""
        os.dup2(self.file.fileno(), self.fd)
        # Writing through keeps the order between print and descriptor writes.
        return io.TextIOWrapper(open(self.fd, "wb", 0, closefd=False), "utf-8", "backslashreplace", write_through=True)

    def take(self):
        """Returns the text and how many bytes of it were left out."""
        fd = self.file.fileno()
        size = os.fstat(fd).st_size
        parts, have = [], 0
        while have < min(size, LIMIT):
            part = os.pread(fd, min(size, LIMIT) - have, have)
            if not part:
                break
            parts.append(part)
            have += len(part)
        os.ftruncate(fd, 0)
        return b"".join(parts).decode("utf-8", "replace"), size - have


def append(fd):
    try:
        import fcntl
    except ImportError:
        return
    fcntl.fcntl(fd, fcntl.F_SETFL, fcntl.fcntl(fd, fcntl.F_GETFL) | os.O_APPEND)


class Interrupt:
    """SIGINT raises KeyboardInterrupt in the user's code and nowhere else."""

    def __init__(self):
        self.armed = False

    def install(self):
        signal.signal(signal.SIGINT, self.handle)  # the code may have replaced it

    def handle(self, signum, frame):
        if self.armed:
            self.armed = False
            raise KeyboardInterrupt

    def guard(self, function, *args):
        """Calls function; returns its value and the exception it ended with."""
        try:
            try:
                self.armed = True
                value = function(*args)
                self.armed = False
                return value, None
            finally:
                self.armed = False
        except BaseException as error:
            return None, error


class Kernel:
    def __init__(self, requests, answers):
        self.requests, self.answers = requests, answers
        self.pid = os.getpid()
        self.interrupt = Interrupt()
        self.count = 0
        self.loop = None
        self.main = types.ModuleType("__main__")
        self.main.__builtins__ = builtins
        sys.modules["__main__"] = self.main

    def serve(self):
        self.interrupt.install()
        while True:
            head = read_exactly(self.requests, 4)
            body = head and read_exactly(self.requests, struct.unpack(">I", head)[0])
            if not body:
                return
            self.send(self.answer(json.loads(body)["code"]))

    def send(self, answer):
        body = json.dumps(answer, ensure_ascii=False).encode("utf-8", "replace")
        data = memoryview(struct.pack(">I", len(body)) + body)
        while data:
            data = data[os.write(self.answers, data):]

    def answer(self, code):
        self.interrupt.install()
        attach()
        answer = {"text": "", "html": "", "png": "", "error": ""}
        value, error = self.interrupt.guard(self.run, code)
        if os.getpid() != self.pid:
            os._exit(0 if error is None else 1)  # a fork in the user's code came back here
        if error is None and value is not None:
            self.main._ = value
            shown, error = self.interrupt.guard(show, value)
            answer["text"], answer["html"] = shown or ("", "")
        png, failure = self.interrupt.guard(figure)
        answer["png"] = png or ""
        error = error or failure
        if error is not None:
            text, broken = self.interrupt.guard(trace, error)
            answer["error"] = text or type(error).__name__
        del value, error
        answer["stdout"], answer["stderr"] = output()
        return answer

    def run(self, code):
        """Runs all statements; returns the value of the last if it is an expression."""
        self.count += 1
        name = "<cell %d>" % self.count
        linecache.cache[name] = (len(code), None, code.splitlines(True), name)
        tree = compile(code, name, "exec", ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, True)
        last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
        if tree.body:
            self.execute(tree, name, "exec")
        if last is not None:
            return self.execute(ast.Expression(last.value), name, "eval")

    def execute(self, tree, name, mode):
        code = compile(tree, name, mode, ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, True)
        value = eval(code, self.main.__dict__)
        if not code.co_flags & 0x80:  # inspect.CO_COROUTINE: it awaits
            return value
        import asyncio
        if self.loop is None:
            self.loop = asyncio.new_event_loop()
        task = self.loop.create_task(value)
        try:
            return self.loop.run_until_complete(task)
        except KeyboardInterrupt:
            task.cancel()
            raise


def show(value):
    html = ""
    method = getattr(type(value), "_repr_html_", None)
    if method is not None:
        try:
            html = method(value)
        except Exception:
            pass  # as notebooks do: the plain text is shown
    return cut(repr(value)), cut(html) if isinstance(html, str) else ""


def cut(text):
    if len(text) > LIMIT // 4:  # a character has at most 4 bytes
        return text[: LIMIT // 4] + "… (cut)"
    return text


def figure():
    """Returns matplotlib's current figure as PNG in base64 and closes all."""
    plt = sys.modules.get("matplotlib.pyplot")
    if plt is None or not plt.get_fignums():
        return ""
    try:
        buffer = io.BytesIO()
        plt.gcf().savefig(buffer, format="png", bbox_inches="tight")
        return base64.b64encode(buffer.getvalue()).decode("ascii")
    finally:
        plt.close("all")


def trace(error):
    """Formats an exception and those it came from, without the driver's frames."""
    todo, seen = [error], set()
    while todo:
        e = todo.pop()
        if e is not None and id(e) not in seen:
            seen.add(id(e))
            e.__traceback__ = users_frames(e.__traceback__)
            todo += [e.__cause__, e.__context__]
    text = "".join(traceback.format_exception(type(error), error, error.__traceback__))
    return cut(text.rstrip("\n"))


def users_frames(tb):
    first = node = tb
    while node is not None:  # an event loop stands between driver and code
        if node.tb_frame.f_code.co_filename.startswith("<cell "):
            first = node
            break
        node = node.tb_next
    while drivers(first):
        first = first.tb_next
    node = first
    while node is not None:
        while drivers(node.tb_next):
            node.tb_next = node.tb_next.tb_next
        node = node.tb_next
    return first


def drivers(tb):
    return tb is not None and tb.tb_frame.f_globals is globals()


def output():
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except Exception:
            pass  # closed or replaced by the user's code
    out, out_cut = OUT.take()
    err, err_cut = ERR.take()
    for name, n in (("stdout", out_cut), ("stderr", err_cut)):
        if n:
            err += "\n%s: the last %d bytes were cut" % (name, n)
    return out, err


def read_exactly(fd, size):
    parts = []
    while size:
        part = os.read(fd, min(size, 1 << 20))
        if not part:
            return b""
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def attach():
    """Gives the code fresh streams: it may have closed or replaced the last."""
    null = os.open(os.devnull, os.O_RDONLY)
    if null != 0:
        os.dup2(null, 0)
        os.close(null)
    sys.stdin = sys.__stdin__ = open(0, encoding="utf-8", closefd=False)
    sys.stdout = sys.__stdout__ = OUT.attach()
    sys.stderr = sys.__stderr__ = ERR.attach()


def close_in_child():
    for fd in (REQUESTS, ANSWERS):
        os.close(fd)


REQUESTS, ANSWERS = os.dup(0), os.dup(1)  # not inherited by programs
OUT, ERR = Capture(1), Capture(2)
attach()
sys.argv = [""]
os.environ.setdefault("MPLBACKEND", "Agg")
warnings.filterwarnings("ignore", ".*FigureCanvasAgg is non-interactive.*")  # plt.show()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=close_in_child)

driver = sys.modules["__main__"]  # keeps this module alive without its name
Kernel(REQUESTS, ANSWERS).serve()
os._exit(0)  # threads of the user's code do not hold the exit up
