"""Checks manifests of Kubernetes: the schema of the newest known version, and rules that it cannot express."""

import sys
import tomllib
from pathlib import Path

import kubernetes_validate
import yaml

names, selectors = {}, []

with open(Path(sys.argv[1]).with_name("matricula.toml"), "rb") as file:
    DRAIN = tomllib.load(file)["drain_seconds"]


def pod_of(document):
    return document.get("spec", {}).get("template")


def check_pod(kind, template):
    """The restricted Pod Security Standard, and that volumes and mounts fit."""
    spec = template["spec"]
    context = spec["securityContext"]
    assert context["runAsNonRoot"] and context["runAsUser"] > 0, kind
    assert context["seccompProfile"]["type"] == "RuntimeDefault", kind
    volumes = {volume["name"]: volume for volume in spec["volumes"]}
    allowed = {"configMap", "emptyDir", "secret", "projected", "persistentVolumeClaim"}
    for volume in volumes.values():
        assert set(volume) - {"name"} <= allowed, volume
    for container in spec["containers"]:
        own = container["securityContext"]
        assert own["allowPrivilegeEscalation"] is False and own["capabilities"]["drop"] == ["ALL"], kind
        assert own["readOnlyRootFilesystem"], kind
        assert {mount["name"] for mount in container["volumeMounts"]} == set(volumes), kind
        # 30: limits.stop_seconds.
        assert kind == "Job" or spec["terminationGracePeriodSeconds"] > DRAIN + 30, kind


for path in sys.argv[1:]:
    with open(path) as file:
        for document in yaml.safe_load_all(file):
            kubernetes_validate.validate(document, kubernetes_validate.latest_version(), strict=True)
            kind = document["kind"]
            names[kind] = document["metadata"]["name"]
            template = pod_of(document)
            if template:
                check_pod(kind, template)
                labels = template["metadata"]["labels"]
            if kind == "Service":
                selectors.append(document["spec"]["selector"])
            elif kind in ("PodDisruptionBudget", "Deployment"):
                selectors.append(document["spec"]["selector"]["matchLabels"])
            if kind == "Deployment":
                pods = labels
                probes = document["spec"]["template"]["spec"]["containers"][0]
                assert probes["readinessProbe"]["httpGet"]["path"] == "/readyz"
                assert probes["livenessProbe"]["httpGet"]["path"] == "/healthz"

assert set(names) == {"Service", "PodDisruptionBudget", "Deployment", "Job"}, names
assert len(selectors) == 3 and all(selector == pods for selector in selectors), selectors
