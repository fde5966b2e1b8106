"""Reads the manifests with the schemas of Kubernetes itself, and judges what no schema tells: that every part finds the others.

Run with a Python that has requirements.txt, as ./deploy/test does.
"""

import pathlib
import re
import subprocess
import sys

import kubernetes_validate
import yaml

HERE = pathlib.Path(__file__).resolve().parent
# These kinds belong to operators; no package ships their schemas.
OPERATORS = {"PodMonitor": "monitoring.coreos.com/v1", "PrometheusRule": "monitoring.coreos.com/v1",
             "ScaledObject": "keda.sh/v1alpha1", "TriggerAuthentication": "keda.sh/v1alpha1"}
DEPLOY = HERE.parent
wrong = []


def load(path):
    return [document for document in yaml.safe_load_all(path.read_text()) if document]


def folder(name):
    """What an overlay lists, with what it stands on; every file of it must be listed."""
    place = HERE / name
    kustomization = load(place / "kustomization.yaml")[0]
    listed = kustomization["resources"]
    for path in place.glob("*.yaml"):
        if path.name not in [*listed, "kustomization.yaml"]:
            wrong.append(f"{name}/{path.name} is in no kustomization")
    found = []
    for each in listed:
        found += folder(f"{name}/{each}")[1] if each.startswith("..") else load(place / each)
    return kustomization, found


def check_schema(name, resource):
    kind = resource["kind"]
    if kind in OPERATORS:
        if resource["apiVersion"] != OPERATORS[kind]:
            wrong.append(f"{name}: {kind} of {resource['apiVersion']}")
        return
    try:
        kubernetes_validate.validate(resource, "1.37", strict=True)
    except kubernetes_validate.ValidationError as error:
        wrong.append(f"{name}: {kind} {resource['metadata']['name']}: {'/'.join(map(str, error.path))}: {error.message}")


def walk(resource, pointer):
    """Where a JSON pointer leads: its parent and its last step; None if it leads nowhere."""
    *way, last = pointer.strip("/").split("/")
    for step in way:
        try:
            resource = resource[int(step) if isinstance(resource, list) else step]
        except (KeyError, IndexError, ValueError):
            return None
    there = last == "-" or (last in resource if isinstance(resource, dict) else int(last) < len(resource))
    return (resource, last) if there else None


def check_patches(name, kustomization, resources):
    for patch in kustomization.get("patches", []):
        target = patch["target"]
        hit = [one for one in resources if one["kind"] == target["kind"] and one["metadata"]["name"] == target["name"]]
        if not hit:
            wrong.append(f"{name}: a patch of {target}, which is not there")
        for operation in yaml.safe_load(patch["patch"]):
            if not all(walk(one, operation["path"]) for one in hit):
                wrong.append(f"{name}: a patch of {operation['path']}, which is not there")


def pods(resources):
    return [one for one in resources if one["kind"] in ("StatefulSet", "Deployment")]


def drain():
    """How long a process takes that is told to stop, at most: the default, in seconds."""
    text = (DEPLOY.parent / "shared/config/config.default.toml").read_text()
    return int(re.search(r'^drain = "(\d+)s"$', text, re.MULTILINE)[1])


def check_pod(name, resource):
    spec = resource["spec"]["template"]["spec"]
    title = f"{name}: {resource['metadata']['name']}"
    if not spec["securityContext"]["runAsNonRoot"] or spec.get("automountServiceAccountToken") is not False:
        wrong.append(f"{title} runs as root, or with a token of the cluster")
    for container in spec["containers"] + spec.get("initContainers", []):
        confined = container["securityContext"]
        if confined != {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}}:
            wrong.append(f"{title}, {container['name']} is not confined")
        if "memory" not in container["resources"]["limits"]:
            wrong.append(f"{title}, {container['name']} has no limit of memory")
        volumes = {volume["name"] for volume in spec.get("volumes", [])}
        volumes |= {claim["metadata"]["name"] for claim in resource["spec"].get("volumeClaimTemplates", [])}
        for mount in container.get("volumeMounts", []):
            if mount["name"] not in volumes:
                wrong.append(f"{title} mounts {mount['name']}, which is no volume of it")
    labels = resource["spec"]["template"]["metadata"]["labels"]
    if resource["spec"]["selector"]["matchLabels"].items() - labels.items():
        wrong.append(f"{title} does not choose its own pods")
    if resource["kind"] == "StatefulSet":
        if spec["terminationGracePeriodSeconds"] <= drain():
            wrong.append(f"{title} is killed before it has handed back its work")
        probes = spec["containers"][0]
        if probes["livenessProbe"]["httpGet"]["path"] != "/livez" or probes["readinessProbe"]["httpGet"]["path"] != "/readyz":
            wrong.append(f"{title}: liveness asks nobody else, readiness asks what it stands on")


def check_selectors(name, resources):
    labels = [one["spec"]["template"]["metadata"]["labels"] for one in pods(resources)]
    for one in resources:
        spec = one.get("spec", {})
        chosen = {"Service": lambda: spec["selector"], "PodDisruptionBudget": lambda: spec["selector"]["matchLabels"],
                  "PodMonitor": lambda: spec["selector"]["matchLabels"]}.get(one["kind"], dict)()
        if chosen and not any(chosen.items() <= of.items() for of in labels):
            wrong.append(f"{name}: {one['kind']} {one['metadata']['name']} chooses no pod")
        if one["kind"] == "ScaledObject":
            target = spec["scaleTargetRef"]
            if not any(p["kind"] == target["kind"] and p["metadata"]["name"] == target["name"] for p in pods(resources)):
                wrong.append(f"{name}: KEDA scales {target['name']}, which is not there")
            if spec["minReplicaCount"] < 1 or spec["fallback"]["behavior"] != "currentReplicasIfHigher":
                wrong.append(f"{name}: KEDA may leave nobody")


def check_grace():
    """The same grace wherever it is told."""
    compose = yaml.safe_load((DEPLOY.parent / "docker-compose.yml").read_text())["services"]
    for service in ("worker", "scheduler", "migrate"):
        if int(compose[service]["stop_grace_period"].rstrip("s")) <= drain():
            wrong.append(f"docker-compose.yml: {service} is killed before it has handed back its work")
    for unit in (DEPLOY / "systemd").glob("*.service"):
        if grace := re.search(r"^TimeoutStopSec=(\d+)$", unit.read_text(), re.MULTILINE):
            if int(grace[1]) <= drain():
                wrong.append(f"{unit.name} is killed before it has handed back its work")


for overlay in ("production", "demo"):
    kustomization, resources = folder(overlay)
    for resource in resources:
        check_schema(overlay, resource)
    check_patches(overlay, kustomization, resources)
    for resource in pods(resources):
        check_pod(overlay, resource)
    check_selectors(overlay, resources)
rules = subprocess.run([HERE / "rules"], capture_output=True, text=True, check=True).stdout
if yaml.safe_load(rules)["spec"] != yaml.safe_load((DEPLOY / "prometheus/alerts.yml").read_text()):
    wrong.append("rules prints something else than the alerts")
check_grace()
for line in wrong:
    print(line, file=sys.stderr)
sys.exit(bool(wrong))
