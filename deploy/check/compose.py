"""Checks on Compose's resolved configuration (JSON on standard input) what makes it Mien's."""

import json
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
OURS = ("gateway", "vision", "identity", "recommender")


def faults(compose):
    services = compose["services"]
    targets = set(re.findall(r"^FROM \S+ AS (\w+)", (ROOT / "deploy/Dockerfile").read_text(), re.MULTILINE))
    dockerfile = (ROOT / "deploy/Dockerfile").read_text()
    if set(services) != {*OURS, "broker", "database"}:
        yield f"services are {', '.join(sorted(services))}"
    for name, service in services.items():
        for port in service.get("ports", []):
            if port.get("host_ip") != "127.0.0.1":
                yield f"{name}: port {port.get('published')} is open beyond this machine"
        if "limits" not in service.get("deploy", {}).get("resources", {}):
            yield f"{name}: no resource limits"
        if "stop_grace_period" not in service:
            yield f"{name}: no stop_grace_period"
        for value in (service.get("environment") or {}).values():
            if value and re.search(r"://[^/]*:[^/]*@", value):
                yield f"{name}: a password in its environment"
        for mount in service.get("volumes", []):
            if mount["type"] == "bind" and not Path(mount["source"]).is_file():
                yield f"{name}: {mount['source']} is not there"
    for name in set(OURS) & set(services):
        service = services[name]
        if service.get("build", {}).get("target") not in targets:
            yield f"{name}: the Dockerfile has no such target"
        if not service.get("read_only") or service.get("cap_drop") != ["ALL"]:
            yield f"{name}: writable root or capabilities"
        if service.get("depends_on", {}).get("broker", {}).get("condition") != "service_healthy":
            yield f"{name}: does not wait for a healthy broker"
        stage = re.search(rf"^FROM \S+ AS {name}$(.*?)(?=^FROM |\Z)", dockerfile, re.MULTILINE | re.DOTALL)
        if not stage or "USER 10001" not in stage[1]:
            yield f"{name}: its image runs as root"
        host = service["environment"]["BROKER_VHOST"]
        if any(policy["vhost"] != host for policy in definitions().get("policies", [])):
            yield f"deploy/broker/definitions.json: policies for another virtual host than {host}"
    if "HEALTHCHECK" not in dockerfile:
        yield "the images have no health check"
    for name in ("broker", "database"):
        if "healthcheck" not in services.get(name, {}):
            yield f"{name}: no health check"
    vision = services.get("vision", {})
    if "container_name" in vision or "ports" in vision:
        yield "vision: a fixed name or port keeps it from scaling"


def definitions():
    try:
        return json.loads((ROOT / "deploy/broker/definitions.json").read_text())
    except FileNotFoundError:
        return {}


def main():
    found = list(faults(json.load(sys.stdin)))
    print("\n".join(found) if found else "compose: as it should be")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
