"""A small Hub on this machine: repositories, LFS, commits, as huggingface_hub talks to them."""

import base64
import contextlib
import hashlib
import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class FakeHub:
    """What the server holds.

    Attributes:
        repositories: (kind, name) -> {"private", "files": {path: bytes}, "commits": [message]}.
        stored: LFS objects by their sha256, sent but perhaps not in a commit yet.
        sent: how many LFS objects were sent.
        fail_commits, fail_uploads: refuse so many commits, and so many LFS objects, from now on.
    """

    def __init__(self):
        self.repositories: dict[tuple[str, str], dict] = {}
        self.stored: dict[str, bytes] = {}
        self.sent = 0
        self.fail_commits = self.fail_uploads = 0

    def create(self, body: dict) -> tuple[int, dict]:
        name = f"{body['organization']}/{body['name']}" if body.get("organization") else body["name"]
        key = (body.get("type") or "model", name)
        if key in self.repositories:
            return 409, {"error": "exists", "url": name}
        private = bool(body.get("private")) or body.get("visibility") == "private"
        self.repositories[key] = {"private": private, "sdk": body.get("sdk"), "files": {}, "commits": []}
        return 200, {"url": name}

    def commit(self, key: tuple[str, str], lines: list[dict]) -> tuple[int, dict]:
        if self.fail_commits:
            self.fail_commits -= 1
            return 400, {"error": "the disk of the Hub is full"}
        repository = self.repositories[key]
        files = dict(repository["files"])
        for line in lines:
            value = line["value"]
            if line["key"] == "header":
                message = value["summary"]
            elif line["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "lfsFile":
                files[value["path"]] = self.stored[value["oid"]]
            elif line["key"] == "deletedFile":
                files.pop(value["path"])
        repository["files"] = files
        repository["commits"].append(message)
        return 200, {"success": True, "commitOid": "0" * 40, "commitUrl": f"/{key[1]}/commit/{'0' * 40}"}


@contextlib.contextmanager
def fake_hub():
    """A running FakeHub and its address."""
    hub = FakeHub()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_):
            pass

        def reply(self, status: int, value=None, headers=()):
            data = b"" if value is None else json.dumps(value).encode()
            self.send_response(status)
            for name, text in (("content-type", "application/json"), ("content-length", str(len(data))), *headers):
                self.send_header(name, text)
            self.end_headers()
            self.wfile.write(data)

        def body(self) -> bytes:
            if self.headers.get("transfer-encoding") == "chunked":
                data = b""
                while size := int(self.rfile.readline(), 16):
                    data += self.rfile.read(size)
                    self.rfile.readline()
                self.rfile.readline()
                return data
            return self.rfile.read(int(self.headers.get("content-length", 0)))

        def repository(self):
            found = re.match(r"/api/(model|dataset|space)s/([^/]+/[^/]+)(/[^?]*)?", self.path)
            return ((found[1], found[2]), found[3] or "") if found else (None, "")

        def do_PUT(self):
            data = self.body()
            if hub.fail_uploads:
                hub.fail_uploads -= 1
                return self.reply(403, {"error": "the store is closed"})
            hub.stored[hashlib.sha256(data).hexdigest()] = data
            hub.sent += 1
            self.reply(200, headers=[("etag", '"x"')])

        def do_GET(self):
            key, rest = self.repository()
            if key not in hub.repositories:
                return self.reply(404, {"error": "not found"})
            files = hub.repositories[key]["files"]
            if rest.startswith("/tree/"):
                return self.reply(
                    200, [{"type": "file", "path": path, "size": len(files[path]), "oid": "0" * 40} for path in files]
                )
            siblings = [{"rfilename": path} for path in files]
            return self.reply(200, {"id": key[1], "sha": "0" * 40, "siblings": siblings, "tags": [], "private": False})

        def do_POST(self):
            data = self.body()
            if self.path == "/api/repos/create":
                return self.reply(*hub.create(json.loads(data)))
            if self.path == "/api/validate-yaml":
                return self.reply(200, {"errors": [], "warnings": []})
            if self.path.endswith("/info/lfs/objects/batch"):
                objects = []
                for item in json.loads(data)["objects"]:
                    upload = {"upload": {"href": f"{address}/lfs/{item['oid']}", "header": {}}}
                    objects.append(item if item["oid"] in hub.stored else {**item, "actions": upload})
                return self.reply(200, {"transfer": "basic", "objects": objects})
            key, rest = self.repository()
            if rest.startswith("/preupload/"):
                modes = [
                    {"path": each["path"], "uploadMode": "lfs" if each["path"].endswith(".safetensors") else "regular"}
                    for each in json.loads(data)["files"]
                ]
                return self.reply(200, {"files": [{**mode, "shouldIgnore": False} for mode in modes]})
            if rest.startswith("/commit/"):
                return self.reply(*hub.commit(key, [json.loads(line) for line in data.decode().splitlines() if line]))
            return self.reply(404, {"error": f"no such call: {self.path}"})

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    address = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield hub, address
    finally:
        server.shutdown()
        server.server_close()
