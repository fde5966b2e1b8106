"""Servers: a private fleet on this machine, of real programs, each on a free port of loopback. Who starts one ends it.

Postgres, Redis, the emulator as upstream, `scheduler serve`, workers, Prometheus. Nothing here needs root or an engine.
"""

import contextlib
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
BINARIES = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", REPOSITORY / "target")).resolve() / "debug"


class Failed(Exception):
    """What a proof found wrong, in words for people."""


def free_port():
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return held.getsockname()[1]


def until(what, holds, seconds=60):
    """Asks again and again until `holds()` answers something, and answers that."""
    deadline = time.monotonic() + seconds
    while True:
        with contextlib.suppress(OSError, urllib.error.URLError):
            if found := holds():
                return found
        if time.monotonic() > deadline:
            raise Failed(f"not within {seconds} s: {what}")
        time.sleep(0.2)


def get(url, timeout=10):
    with urllib.request.urlopen(url, timeout=timeout) as answer:
        return answer.read().decode()


def post(url, body):
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return answer.read().decode()


def newest_postgres(program):
    found = sorted(pathlib.Path("/usr/lib/postgresql").glob(f"*/bin/{program}"), key=lambda path: int(path.parts[4]))
    return str(found[-1]) if found else program


class Fleet:
    """A fleet of its own in a directory of its own. Use it in a `with`."""

    def __enter__(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="ledgerfleet-fleet-"))
        self.directory.chmod(0o755)
        self.running = {}
        self.ports = {}
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith("LEDGERFLEET_")}
        return self

    def __exit__(self, *_):
        for process in reversed(self.running.values()):
            process.send_signal(signal.SIGCONT)
            process.terminate()
        for process in self.running.values():
            try:
                process.wait(45)
            except subprocess.TimeoutExpired:
                process.kill()
        shutil.rmtree(self.directory, ignore_errors=True)

    def run(self, name, command, **options):
        """Starts a program that stays; its output goes to a file of that name."""
        log = open(self.directory / f"{name}.log", "ab")
        options = {"cwd": self.directory, "env": self.environment, "stdout": log, "stderr": log} | options
        self.running[name] = subprocess.Popen(command, start_new_session=True, **options)
        return self.running[name]

    def stop(self, name, how=signal.SIGTERM):
        process = self.running.pop(name)
        process.send_signal(how)
        return process.wait(60)

    def log(self, name, lines=30):
        text = (self.directory / f"{name}.log").read_text(errors="replace")
        return "\n".join(text.splitlines()[-lines:])

    # --- what it stands on

    def start_upstream(self, *flags):
        port = self.ports["emulator"] = free_port()
        self.run("emulator", [BINARIES / "emulator", "--listen", f"127.0.0.1:{port}", *flags])
        self.upstream = f"http://127.0.0.1:{port}"
        self.info = json.loads(until("the emulator", lambda: get(f"{self.upstream}/__emulator/info")))
        self.environment |= {
            "LEDGERFLEET_QUICKBOOKS_API_URL": self.upstream,
            "LEDGERFLEET_QUICKBOOKS_OAUTH_URL": self.upstream,
            "LEDGERFLEET_QUICKBOOKS_CLIENT_ID": self.info["client_id"],
            "LEDGERFLEET_QUICKBOOKS_CLIENT_SECRET": self.info["client_secret"],
        }

    def faults(self, *rules, clear=True):
        post(f"{self.upstream}/__emulator/faults", {"clear": clear, "set": list(rules)})

    def start_postgres(self):
        data = self.directory / "postgres"
        port = self.ports.setdefault("postgres", free_port())
        # A server refuses to run as root.
        root = os.geteuid() == 0
        drop = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] if root else []
        if not data.exists():
            data.mkdir()
            if root:
                shutil.chown(data, "postgres", "postgres")
            initdb = [newest_postgres("initdb"), "-A", "trust", "-U", "ledgerfleet", "-E", "UTF8", "--no-locale", "--no-sync"]
            subprocess.run([*drop, *initdb, "-D", data], cwd="/", check=True, stdout=subprocess.DEVNULL)
        server = [newest_postgres("postgres"), "-D", data, "-p", str(port), "-c", "listen_addresses=127.0.0.1"]
        self.run("postgres", [*drop, *server, "-c", "unix_socket_directories=", "-c", "fsync=off"], cwd="/")
        self.database = f"postgres://ledgerfleet@127.0.0.1:{port}/postgres"
        until("Postgres", lambda: subprocess.run(
            ["psql", "-qAtc", "SELECT 1", self.database], capture_output=True).returncode == 0)
        self.environment["LEDGERFLEET_DATABASE_URL"] = self.database

    def start_redis(self):
        port = self.ports.setdefault("redis", free_port())
        self.run("redis", ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "yes"])
        self.redis = f"redis://127.0.0.1:{port}"
        until("Redis", lambda: subprocess.run(
            ["redis-cli", "-u", self.redis, "ping"], capture_output=True, text=True).stdout == "PONG\n")
        self.environment["LEDGERFLEET_REDIS_URL"] = self.redis

    # --- the fleet

    def scheduler(self, *arguments, check=True, stdin=None):
        """A command of the command line; answers what it printed."""
        done = subprocess.run([BINARIES / "scheduler", *arguments], cwd=self.directory, env=self.environment, text=True,
                              input=stdin, capture_output=True, timeout=300)
        if check and done.returncode != 0:
            raise Failed(f"scheduler {' '.join(arguments)}: exit code {done.returncode}\n{done.stderr}")
        return done.stdout

    def prepare(self):
        """Key, schema and the upstream's companies."""
        self.environment["LEDGERFLEET_SPOOL_DIR"] = str(self.directory / "spool")
        self.environment["LEDGERFLEET_MASTER_KEY"] = self.scheduler("key", "generate").strip()
        self.scheduler("migrate")
        for company in self.info["companies"]:
            self.scheduler("connection", "add", "quickbooks", "--name", company["name"], "--realm", company["realm"],
                           "--environment", "sandbox", "--refresh-token-file", "/dev/stdin", stdin=company["refresh_token"])

    def start_scheduler(self):
        port = self.ports.setdefault("scheduler", free_port())
        self.run("scheduler", [BINARIES / "scheduler", "serve", "--listen", f"127.0.0.1:{port}"])
        until("the scheduler", lambda: get(f"http://127.0.0.1:{port}/livez"))

    def start_worker(self, name):
        port = self.ports.setdefault(name, free_port())
        self.run(name, [BINARIES / "worker", "--metrics-listen", f"127.0.0.1:{port}"])
        until(name, lambda: get(f"http://127.0.0.1:{port}/livez"))

    def start_prometheus(self, jobs):
        """Prometheus with the project's own rules; `jobs` are lists of names of processes."""
        port = self.ports.setdefault("prometheus", free_port())
        targets = lambda names: [f"127.0.0.1:{self.ports[name]}" for name in names]
        configuration = {
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s", "external_labels": {"runbook": "deploy/RUNBOOK.md"}},
            "rule_files": [str(REPOSITORY / "deploy/prometheus/alerts.yml")],
            "scrape_configs": [
                {"job_name": job, "static_configs": [{"targets": targets(names)}]} for job, names in jobs.items()
            ],
        }
        # JSON is YAML, too.
        (self.directory / "prometheus.yml").write_text(json.dumps(configuration))
        self.run("prometheus", ["prometheus", f"--config.file={self.directory}/prometheus.yml",
                                f"--storage.tsdb.path={self.directory}/metrics", f"--web.listen-address=127.0.0.1:{port}"])
        self.prometheus = f"http://127.0.0.1:{port}"
        until("Prometheus", lambda: get(f"{self.prometheus}/-/ready"))
