"""A W&B server for tests: it takes what the real client sends and keeps it.

    with Recorder() as recorder:
        environment = sandbox(tmp_path) | recorder.environment
        subprocess.run([sys.executable, "program.py"], env=environment, check=True)
    assert recorder.runs["run-id"].summary["loss"] == 0.5
    assert not recorder.unknown

It speaks just enough of the server's protocol, as observed from wandb 0.31, for
`wandb.init(mode="online")` and for `wandb sync`:

    POST /graphql                         name a run, ask where to upload a file
    POST /files/<...>/<run>/file_stream   history, summary, console, exit code
    PUT  /upload/<ticket>                 the content of a file
    POST /sdk/otel/...                    telemetry about the client itself

Anything else is answered with an error that the client does not retry, and is
listed in `Recorder.unknown`.  A `Recorder` can also play a server in trouble, from
the start or from the middle of a run on: see `Behaviour` and `Recorder.close`.
"""

import json
import os
import re
import sys
import threading
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import unquote

API_KEY = "0123456789" * 4
"""A key of the form that the client insists on; the recorder takes any."""

ENTITY = "recorder"
"""The user to whom runs are said to belong if they name no entity."""


def sandbox(folder: Path) -> dict[str, str]:
    """Give the environment for a client that keeps all its files in a folder.

    It is the current environment without W&B's variables, which may hold the key
    of a real account, and with telemetry about the client switched off.
    """
    temporary = folder / "tmp"
    temporary.mkdir(parents=True, exist_ok=True)
    others = {k: v for k, v in os.environ.items() if not k.startswith("WANDB_")}
    return others | {
        "HOME": str(folder),  # there may be a key in ~/.netrc, too
        "TMPDIR": str(temporary),
        "WANDB_CACHE_DIR": str(folder / "cache"),
        "WANDB_CONFIG_DIR": str(folder / "config"),
        "WANDB_DATA_DIR": str(folder / "data"),
        "WANDB_ERROR_REPORTING": "false",
    }


class Behaviour(Enum):
    """How the server treats requests; it notes them in `Recorder.requests` anyway."""

    RECORD = auto()
    """Be a server."""
    BAD_KEY = auto()
    """Answer "unauthorized" to everything."""
    HANG = auto()
    """Never answer; the connection stays open until the recorder is closed."""
    DROP = auto()
    """Close the connection instead of answering."""


@dataclass(frozen=True)
class Request:
    """One request as it came in, for tests of what leaves the machine."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass
class Artifact:
    """An artifact, which is how a logged table travels besides being a file."""

    name: str
    type: str
    files: dict[str, bytes] = field(default_factory=dict[str, bytes])
    """Content by name, including the artifact's own `wandb_manifest.json`."""
    committed: bool = False


@dataclass
class RecordedRun:
    """Everything the server was told about one run."""

    id: str
    entity: str = ""
    project: str = ""
    group: str = ""
    name: str = ""
    tags: list[str] = field(default_factory=list[str])
    config: dict[str, Any] = field(default_factory=dict[str, Any])
    internals: dict[str, Any] = field(default_factory=dict[str, Any])
    """What the client put in the config about itself and the machine (`_wandb`)."""
    upserts: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    """The variables of every UpsertBucket, less the null ones."""
    streams: dict[str, list[str]] = field(default_factory=lambda: defaultdict[str, list[str]](list))
    """Lines of the files that are sent as they grow, by file name."""
    files: dict[str, bytes] = field(default_factory=dict[str, bytes])
    artifacts: dict[str, Artifact] = field(default_factory=dict[str, Artifact])
    exit_code: int | None = None
    """None until the client says that the run is complete."""

    @property
    def finished(self) -> bool:
        return self.exit_code is not None

    @property
    def history(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.streams["wandb-history.jsonl"]]

    @property
    def summary(self) -> dict[str, Any]:
        """The last summary; the client always sends it as a whole."""
        lines = self.streams["wandb-summary.json"]
        return json.loads(lines[-1]) if lines else {}

    @property
    def system_metrics(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.streams["wandb-events.jsonl"]]

    @property
    def console(self) -> list[str]:
        return self.streams["output.log"]


class Recorder:
    """The server, on a free port of the loopback interface; a context manager."""

    def __init__(self, behaviour: Behaviour = Behaviour.RECORD) -> None:
        self.behaviour = behaviour
        self.runs: dict[str, RecordedRun] = {}
        self.requests: list[Request] = []
        self.unknown: list[str] = []
        """What the recorder could not answer: GraphQL operations, else paths."""
        self._artifacts: dict[str, Artifact] = {}
        self._uploads: dict[str, tuple[dict[str, bytes], str]] = {}
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._server = _Server(self)
        # A short poll, because closing waits for the end of the current one.
        self._thread = threading.Thread(
            target=self._server.serve_forever,
            kwargs={"poll_interval": 0.02},
            daemon=True,
        )

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def environment(self) -> dict[str, str]:
        """The variables that point a W&B client at this server."""
        return {"WANDB_BASE_URL": self.url, "WANDB_API_KEY": API_KEY}

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop serving: from now on, connections are refused.  May be repeated."""
        # Connections that are already open outlive the listening socket.
        self.behaviour = Behaviour.DROP
        self._closed.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def respond(self, request: Request) -> tuple[HTTPStatus, Any] | None:
        """Take a request; give status and JSON to answer with, or None to drop it."""
        with self._lock:
            self.requests.append(request)
        match self.behaviour:
            case Behaviour.RECORD:
                return self._serve(request)
            case Behaviour.BAD_KEY:
                return HTTPStatus.UNAUTHORIZED, _error("user is not logged in")
            case Behaviour.HANG:
                self._closed.wait()
                return None
            case Behaviour.DROP:
                return None

    def _serve(self, request: Request) -> tuple[HTTPStatus, Any]:
        with self._lock:
            try:
                return self._route(request)
            # A request of unforeseen form must not kill the connection, because the
            # client would try again for minutes.
            except (AttributeError, LookupError, TypeError, ValueError) as error:
                self.unknown.append(f"{request.method} {request.path}: {error!r}")
                return HTTPStatus.BAD_REQUEST, _error(repr(error))

    def _route(self, request: Request) -> tuple[HTTPStatus, Any]:
        match request.method, request.path.strip("/").split("/"):
            case "POST", ["graphql"]:
                return HTTPStatus.OK, self._graphql(json.loads(request.body))
            case "POST", ["files", _, _, run_id, "file_stream"]:
                self._file_stream(self._run(unquote(run_id)), json.loads(request.body))
                return HTTPStatus.OK, {}
            case "PUT", ["upload", ticket] if ticket in self._uploads:
                folder, name = self._uploads[ticket]
                folder[name] = request.body
                return HTTPStatus.OK, {}
            case "POST", ["sdk", "otel", *_]:
                return HTTPStatus.OK, {}
            case _:
                self.unknown.append(f"{request.method} {request.path}")
                return HTTPStatus.NOT_FOUND, _error("the recorder knows no such path")

    def _run(self, run_id: str) -> RecordedRun:
        return self.runs.setdefault(run_id, RecordedRun(run_id))

    def _upload_url(self, folder: dict[str, bytes], name: str) -> str:
        """Hand out a URL; what is put there becomes `folder[name]`."""
        ticket = str(len(self._uploads))
        self._uploads[ticket] = folder, name
        return f"{self.url}/upload/{ticket}"

    def _file_stream(self, run: RecordedRun, update: dict[str, Any]) -> None:
        for name, part in update.get("files", {}).items():
            # A line may come again, in a repeated request or because it changed.
            offset, lines = part["offset"], part["content"]
            run.streams[name][offset : offset + len(lines)] = lines
        if update.get("complete"):
            run.exit_code = update["exitcode"]

    def _graphql(self, query: dict[str, Any]) -> Any:
        operation = _operation(query["query"])
        variables: dict[str, Any] = query.get("variables") or {}
        if operation in _FIXED_ANSWERS:
            return {"data": _FIXED_ANSWERS[operation]}
        match operation:
            case "UpsertBucket":
                data = self._upsert_bucket(variables)
            case "CreateRunFiles":
                data = self._create_run_files(variables)
            case "CreateArtifact":
                data = self._create_artifact(variables["input"])
            case "CreateArtifactManifest":
                data = self._create_artifact_manifest(variables)
            case "CreateArtifactFiles":
                data = self._create_artifact_files(variables["input"])
            case "CommitArtifact":
                data = self._commit_artifact(variables)
            case _:
                self.unknown.append(operation)
                return _error(f"the recorder knows no operation {operation}")
        # By convention a mutation has one field, which is named after it.
        return {"data": {operation[0].lower() + operation[1:]: data}}

    def _upsert_bucket(self, variables: dict[str, Any]) -> Any:
        """Create or change a run ("bucket"); only what is not null changes."""
        given = {key: value for key, value in variables.items() if value is not None}
        is_new = given["name"] not in self.runs
        run = self._run(given["name"])
        run.upserts.append(given)
        run.entity = given.get("entity", run.entity or ENTITY)
        run.project = given.get("project", run.project)
        run.group = given.get("groupName", run.group)
        run.name = given.get("displayName", run.name or run.id)
        run.tags = given.get("tags", run.tags)
        if "config" in given:
            config = json.loads(given["config"])
            run.config = {key: entry["value"] for key, entry in config.items()}
            run.internals = run.config.pop("_wandb", {})
        return {"bucket": _bucket(run), "inserted": is_new}

    def _create_run_files(self, variables: dict[str, Any]) -> Any:
        run = self._run(variables["run"])
        files = [{"name": name, "uploadUrl": self._upload_url(run.files, name)} for name in variables["files"]]
        return {"runID": run.id, "uploadHeaders": [], "files": files}

    def _create_artifact(self, given: dict[str, Any]) -> Any:
        artifact = Artifact(given["artifactCollectionName"], given["artifactTypeName"])
        artifact_id = f"artifact-{len(self._artifacts)}"
        self._artifacts[artifact_id] = artifact
        self._run(given["runName"]).artifacts[artifact.name] = artifact
        created = {"id": artifact_id, "state": "PENDING"}
        return {"artifact": created | {"artifactSequence": {"latestArtifact": None}}}

    def _create_artifact_manifest(self, variables: dict[str, Any]) -> Any:
        """Announce the list of an artifact's files: without, then with, an upload."""
        artifact_id, name = variables["artifactID"], variables["name"]
        url = self._upload_url(self._artifacts[artifact_id].files, name)
        file: dict[str, Any] = {"id": name, "uploadUrl": url, "uploadHeaders": []}
        return {"artifactManifest": {"id": f"manifest-of-{artifact_id}", "file": file}}

    def _create_artifact_files(self, given: dict[str, Any]) -> Any:
        edges = [{"node": self._artifact_file(file["artifactID"], file["name"])} for file in given["artifactFiles"]]
        return {"files": {"edges": edges}}

    def _artifact_file(self, artifact_id: str, name: str) -> Any:
        return {
            "storagePath": name,
            "uploadUrl": self._upload_url(self._artifacts[artifact_id].files, name),
            "uploadHeaders": [],
            "uploadMultipartUrls": None,
            "artifact": {"id": artifact_id},
        }

    def _commit_artifact(self, variables: dict[str, Any]) -> Any:
        artifact_id = variables["artifactID"]
        self._artifacts[artifact_id].committed = True
        return {"artifact": {"id": artifact_id, "digest": ""}}


class _Server(ThreadingHTTPServer):
    def __init__(self, recorder: Recorder) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.recorder = recorder

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Print what went wrong, unless it is only that the client has gone away."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    """Turn HTTP into calls of `Recorder.respond`."""

    protocol_version = "HTTP/1.1"  # the client keeps its connections
    disable_nagle_algorithm = True  # head and body go out as two small packets

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = dict(self.headers.items())
        request = Request(self.command, self.path, headers, body)
        assert isinstance(self.server, _Server)
        answer = self.server.recorder.respond(request)
        if answer is None:
            self.close_connection = True
        else:
            self._send(*answer)

    do_GET = do_PUT = do_POST

    def _send(self, status: HTTPStatus, document: Any) -> None:
        content = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name it has
        """Keep quiet; `Recorder.requests` is the log."""


_FIXED_ANSWERS: dict[str, Any] = {
    "Viewer": {
        "viewer": {
            "id": ENTITY,
            "entity": ENTITY,
            "username": ENTITY,
            "email": f"{ENTITY}@localhost",
            "flags": "{}",
            "teams": {"edges": []},
        }
    },
    # No optional feature, so the client uses the plainest form of each request.
    "ServerFeaturesQuery": {"serverInfo": {"features": []}},
    "OrganizationCoreWeaveOrganizationID": {"entity": {"organization": None}},
    "XXHashDigestsEnabled": {"entity": {"xxhashDigestsEnabled": False}},
    # Nothing exists before the run at hand.
    "RunResumeStatus": {"model": None},
    "ArtifactType": {"project": None},
    "FetchArtifactDigestAlgorithm": {"project": None},
}


def _bucket(run: RecordedRun) -> Any:
    entity = {"id": run.entity, "name": run.entity}
    project = {"id": run.project, "name": run.project, "entity": entity}
    return {
        "id": run.id,
        "name": run.id,
        "displayName": run.name,
        "description": None,
        "config": None,
        "sweepName": None,
        "project": project,
        "historyLineCount": 0,
    }


def _operation(query: str) -> str:
    """Name a GraphQL operation; not every part of the client sends `operationName`."""
    named = re.search(r"\b(?:query|mutation)\s+(\w+)", query)
    return named[1] if named else query


def _error(message: str) -> Any:
    return {"data": None, "errors": [{"message": message}]}
