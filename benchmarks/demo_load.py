"""Load on the demo: many users at once through gradio_client. Does any request fail, is every answer right, does memory grow?

    python benchmarks/demo_load.py --model llamo --users 32 --requests 500
    python benchmarks/demo_load.py --model tiny --users 4 --requests 12    # a generated model of random weights

Starts the demo as `llamo demo` does, in a process of its own. Every user asks and measures in turn, with a client and a session
of their own. A right answer is the one that a single user got before; a right measurement is the number that the example was
made with. Memory is the resident set of the server, before, at each quarter, and after. Prints one table, or `--json`.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import psutil


ROOT = Path(__file__).resolve().parents[1]
CLIP = ROOT / "examples" / "squats.bvh"
REPETITIONS = 4  # squats in CLIP
QUESTION = "How many squats does the person do?"
START_SECONDS = 600.0
TINY = "tiny"  # as a model's name: one of random weights, made by the tests' own helper


def start_server(model: str, port: int, folder: str) -> subprocess.Popen:
    """The demo in a process of its own, ready.

    Raises:
        RuntimeError: it ended, or took too long.
    """
    environment = {**os.environ, "GRADIO_TEMP_DIR": folder, "GRADIO_ANALYTICS_ENABLED": "False", "HF_HUB_OFFLINE": "1"}
    command = [sys.executable, str(ROOT / "spaces_demo" / "app.py"), "--model", os.path.abspath(model)]
    server = subprocess.Popen(
        [*command, "--host", "127.0.0.1", "--port", str(port)], stdout=subprocess.PIPE, text=True, env=environment
    )
    timer = threading.Timer(START_SECONDS, server.kill)
    timer.start()
    for line in server.stdout:
        if str(port) in line:
            timer.cancel()
            threading.Thread(target=server.stdout.read, daemon=True).start()
            return server
    raise RuntimeError(f"Expected a running demo of {model}, got exit code {server.wait()}. Start spaces_demo/app.py by hand.")


def write_tiny(folder: Path) -> str:
    """A checkpoint of random weights, and its path."""
    sys.path.insert(0, str(ROOT / "tests"))
    from demo_samples import write_tiny_checkpoint

    return str(write_tiny_checkpoint(folder))


class Load:
    """Users who share a number of requests, and what became of them."""

    def __init__(self, address: str, requests: int, tokens: int, server: psutil.Process):
        self.address, self.tokens, self.server = address, tokens, server
        self.left, self.lock = list(range(requests)), threading.Lock()
        self.seconds: dict[str, list[float]] = {"/ask": [], "/measure": []}
        self.failures: list[str] = []
        self.wrong: list[str] = []
        self.memory: list[float] = []
        self.marks = {requests * quarter // 4 for quarter in (1, 2, 3)}

    def client(self):
        from gradio_client import Client

        return Client(self.address, verbose=False)

    def call(self, client, name: str):
        from gradio_client import handle_file

        extra = {"question": QUESTION, "max_new_tokens": self.tokens} if name == "/ask" else {}
        return client.predict(file=handle_file(str(CLIP)), api_name=name, **extra)

    def note_memory(self) -> None:
        self.memory.append(self.server.memory_info().rss / 2**20)

    def use(self) -> None:
        """One user: takes requests until none is left."""
        client = self.client()
        while True:
            with self.lock:
                if not self.left:
                    return
                number = self.left.pop()
                if number in self.marks:
                    self.note_memory()
            name = "/ask" if number % 2 else "/measure"
            started = time.perf_counter()
            try:
                result = self.call(client, name)
            except Exception as error:
                self.failures.append(f"{name}: {error}")
                continue
            self.seconds[name].append(time.perf_counter() - started)
            right = result == self.answer if name == "/ask" else result["repetitions"]["count"] == REPETITIONS
            if not right:
                self.wrong.append(f"{name}: {str(result)[:200]}")

    def run(self, users: int) -> dict:
        """All users at once; the report."""
        first = self.client()
        self.answer = self.call(first, "/ask")
        self.call(first, "/measure")
        self.note_memory()
        threads = [threading.Thread(target=self.use) for _ in range(users)]
        started = time.perf_counter()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        wall = time.perf_counter() - started
        self.note_memory()
        done = sum(map(len, self.seconds.values()))
        return {
            "users": users,
            "requests": done + len(self.failures),
            "failed": len(self.failures),
            "wrong": len(self.wrong),
            "seconds": round(wall, 1),
            "requests_per_second": round(done / wall, 2),
            "latency_s": {
                name: {"median": round(float(np.median(times)), 2), "p95": round(float(np.percentile(times, 95)), 2)}
                for name, times in self.seconds.items()
                if times
            },
            "server_memory_mib": [round(value) for value in self.memory],
            "examples_of_trouble": [*self.failures[:3], *self.wrong[:3]],
        }


def table(report: dict) -> str:
    """The report in Markdown."""
    memory = report["server_memory_mib"]
    rows = [
        ("users at once", report["users"]),
        ("requests", report["requests"]),
        ("failed", report["failed"]),
        ("wrong answers or measurements", report["wrong"]),
        ("requests a second", report["requests_per_second"]),
        *(
            (f"`{name}`, median and 95 % within, s", f"{seconds['median']}, {seconds['p95']}")
            for name, seconds in report["latency_s"].items()
        ),
        ("memory of the server at the start, MiB", memory[0]),
        ("at each quarter, MiB", ", ".join(map(str, memory[1:-1]))),
        ("at the end, MiB", memory[-1]),
    ]
    lines = [f"| {what} | {value} |" for what, value in rows]
    trouble = [f"trouble: {each}" for each in report["examples_of_trouble"]]
    return "\n".join(["| what | figure |", "|---|---|", *lines, *trouble])


def make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="llamo", help=f"checkpoint, or {TINY!r} for a generated one")
    parser.add_argument("--users", type=int, default=32)
    parser.add_argument("--requests", type=int, default=500)
    parser.add_argument("--tokens", type=int, default=16, help="longest answer")
    parser.add_argument("--port", type=int, default=7961)
    parser.add_argument("--json", action="store_true", help="the figures as JSON")
    return parser


def main(arguments: list[str] | None = None) -> None:
    options = make_parser().parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        model = write_tiny(Path(folder) / TINY) if options.model == TINY else options.model
        server = start_server(model, options.port, str(Path(folder) / "gradio"))
        try:
            load = Load(f"http://127.0.0.1:{options.port}/", options.requests, options.tokens, psutil.Process(server.pid))
            report = load.run(options.users)
        finally:
            server.terminate()
            server.wait(60)
    print(json.dumps(report, indent=1) if options.json else table(report))


if __name__ == "__main__":
    main()
