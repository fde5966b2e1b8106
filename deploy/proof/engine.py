"""Engine: a Docker engine of its own in a network namespace of its own, and what stands in for images that cannot be pulled.

Everything is below one directory and in one namespace, and ends with the `with`. Needs root on Debian or Ubuntu.
"""

import contextlib
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile

from servers import BINARIES, REPOSITORY, Failed, until

PACKAGES = "postgresql,redis-server,prometheus,prometheus-alertmanager,ca-certificates,busybox"

# What each image of docker-compose.yml is made of here: its own user, and a start that does what the official one does.
STAND_INS = {
    "debian:bookworm-slim": "",
    "postgres:17": """
RUN usermod -u 999 postgres && groupmod -g 999 postgres && install -d -o postgres -g postgres -m 700 /var/lib/postgresql/data
RUN ln -s /usr/lib/postgresql/15/bin/* /usr/local/bin/ || true
RUN printf '%s\\n' '#!/bin/bash' 'set -e' 'cd /var/lib/postgresql/data' 'export LC_ALL=C.UTF-8' \
  'if [ ! -s PG_VERSION ]; then' \
  '  initdb -U "$POSTGRES_USER" --auth-local=trust --auth-host=scram-sha-256 --pwfile="$POSTGRES_PASSWORD_FILE" -E UTF8 -D . > /dev/null' \
  '  echo "host all all all scram-sha-256" >> pg_hba.conf' \
  '  pg_ctl -D . -w -o "-c listen_addresses=" start > /dev/null' \
  '  PGPASSWORD=$(cat "$POSTGRES_PASSWORD_FILE") createdb -U "$POSTGRES_USER" "$POSTGRES_DB"' \
  '  pg_ctl -D . -w stop > /dev/null' 'fi' 'exec postgres -D . -c listen_addresses="*"' > /start && chmod 755 /start
STOPSIGNAL SIGINT
ENTRYPOINT ["/start"]
""",
    "redis:7": """
RUN install -d -o redis -g redis /data
WORKDIR /data
""",
    "prom/prometheus:v2.55.1": """
RUN install -d -o 65534 -g 65534 /prometheus
ENTRYPOINT ["prometheus"]
""",
    "prom/alertmanager:v0.28.1": """
RUN install -d -o 65534 -g 65534 /alertmanager
ENTRYPOINT ["prometheus-alertmanager"]
""",
    # Grafana is in no package registry: this shows that it would find its password and its dashboards.
    "grafana/grafana:11.6.0": """
RUN install -d -o 472 -g 0 /var/lib/grafana && mkdir -p /www/api && echo ok > /www/api/health
RUN printf '%s\\n' '#!/bin/bash' 'set -e' 'test -s "$GF_SECURITY_ADMIN_PASSWORD__FILE" && cat "$GF_SECURITY_ADMIN_PASSWORD__FILE" > /dev/null' \
  'cat "$GF_PATHS_PROVISIONING"/*/*.yml "$GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH" > /dev/null' \
  'touch /var/lib/grafana/writable' 'exec busybox httpd -f -p 3000 -h /www' > /start && chmod 755 /start
ENTRYPOINT ["/start"]
""",
}


class Engine:
    """A Docker engine, and a project of docker-compose.yml on it. Use it in a `with`."""

    def __init__(self, keep=None):
        self.directory = pathlib.Path(keep or tempfile.mkdtemp(prefix="ledgerfleet-engine-"))
        self.namespace = f"ledgerfleet-{os.getpid()}"
        self.plugins = pathlib.Path(os.environ.get("DOCKER_CONFIG", REPOSITORY / "target/tools/docker"))

    def __enter__(self):
        run("ip", "netns", "add", self.namespace)
        run("ip", "-n", self.namespace, "link", "set", "lo", "up")
        # From here on this process lives in it: 127.0.0.1 is the namespace's.
        with open(f"/run/netns/{self.namespace}") as namespace:
            join(namespace.fileno())
        self.environment = os.environ | {
            "DOCKER_HOST": f"unix://{self.directory}/docker.sock",
            "DOCKER_CONFIG": str(self.plugins),
            "DOCKER_BUILDKIT": "0",
            "COMPOSE_PROGRESS": "quiet",
            # Whoever says `up` without them lays the settings of a fleet without the demo in place.
            "COMPOSE_PROFILES": "demo,alerting",
        }
        log = open(self.directory / "engine.log", "ab")
        self.daemon = subprocess.Popen(
            ["dockerd", "--host", self.environment["DOCKER_HOST"], "--data-root", self.directory / "data",
             "--exec-root", self.directory / "exec", "--pidfile", self.directory / "pid", "--bip", "172.30.0.1/24"],
            stdout=log, stderr=log, start_new_session=True)
        until("the engine", lambda: self.docker("info", check=False).returncode == 0, 30)
        return self

    def __exit__(self, *_):
        with contextlib.suppress(Exception):
            self.compose("--profile", "*", "down", "--volumes", "--timeout", "5", check=False)
        self.daemon.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.daemon.wait(60)
        run("ip", "netns", "delete", self.namespace)
        if not os.environ.get("KEEP"):
            shutil.rmtree(self.directory, ignore_errors=True)

    def docker(self, *arguments, check=True, **options):
        return command("docker", *arguments, env=self.environment, check=check, **options)

    def compose(self, *arguments, check=True, **options):
        return self.docker("compose", *arguments, check=check, cwd=self.directory / "project", **options)

    def make_project(self):
        """The compose file and its folder, as whoever lets nobody else read their files has them."""
        project = self.directory / "project"
        if not project.exists():
            project.mkdir(mode=0o700)
            shutil.copy(REPOSITORY / "docker-compose.yml", project)
            shutil.copytree(REPOSITORY / "deploy", project / "deploy", ignore=shutil.ignore_patterns("__pycache__"))
            run("chmod", "-R", "u=rwX,go=", project)
        return project

    def make_images(self):
        """Stand-ins under the official names, and ours from binaries that are built already."""
        if self.docker("image", "inspect", "stand-in", check=False).returncode != 0:
            base = pathlib.Path(os.environ.get("STAND_IN", self.directory / "base.tar"))
            if not base.exists():
                run("mmdebstrap", "--quiet", "--variant=minbase", f"--include={PACKAGES}", "bookworm", base)
            self.docker("import", base, "stand-in")
        for name, steps in STAND_INS.items():
            steps = f"FROM stand-in\nRUN ln -sf busybox /bin/wget\n{steps}"
            self.docker("build", "--quiet", "--tag", name, "-", input=steps)
        binaries = self.directory / "binaries"
        binaries.mkdir(exist_ok=True)
        for name in ("scheduler", "worker", "emulator"):
            run("strip", "-o", binaries / name, BINARIES / name)
        self.docker("build", "--quiet", "--file", REPOSITORY / "deploy/Dockerfile", "--target", "prebuilt",
                    "--tag", "ledgerfleet", binaries)


def command(*words, check=True, **options):
    words = [str(word) for word in words]
    options = {"text": True, "capture_output": True, "timeout": 600} | options
    done = subprocess.run(words, **options)
    if check and done.returncode != 0:
        raise Failed(f"{' '.join(words)}: exit code {done.returncode}\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
    return done


def run(*words):
    return command(*words)


def join(descriptor):
    """This process and its children go into that network namespace."""
    if hasattr(os, "setns"):
        os.setns(descriptor, os.CLONE_NEWNET)
        return
    import ctypes

    clone_newnet = 0x40000000
    if ctypes.CDLL(None, use_errno=True).setns(descriptor, clone_newnet) != 0:
        raise Failed(f"cannot join a network namespace: {os.strerror(ctypes.get_errno())}; run as root")
