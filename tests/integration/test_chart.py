"""The Helm chart, through Helm itself: lints, renders, validates strictly, refuses bad values."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import helm_python as helm
import jsonschema
import kubernetes_validate
import pytest
import yaml

ROOT = Path(__file__).parents[2]
CHART = ROOT / "helm" / "gatehouse"
KUBERNETES_VERSIONS = ("1.31", "1.34", "1.37")

PLAIN: dict[str, Any] = {}
FULL: dict[str, Any] = {
    "image": {"registry": "registry.example.com:5000", "digest": "sha256:" + "0" * 64},
    "imagePullSecrets": [{"name": "pull"}],
    "secrets": {"existingSecret": "gatehouse-vendors"},
    "config": {
        "vendors": {
            "house": {
                "kind": "in_house",
                "base_url": "http://vllm.models.svc:8000",
                "wires": ["openai_chat"],
                "clearance": "restricted",
            },
            "deepseek": {"kind": "deepseek", "api_key": "${DEEPSEEK_API_KEY}"},
        },
        "models": {"coder": {"targets": ["house/qwen3-coder", "deepseek/deepseek-chat"]}},
        "teams": {"default": {"models": ["coder"], "data_class": "internal"}},
    },
    "persistence": {"size": "20Gi", "storageClass": "fast", "annotations": {"a": "b"}},
    "service": {"type": "LoadBalancer", "port": 80, "annotations": {"a": "b"}},
    "serviceAccount": {"annotations": {"cloud.example.com/identity": "gatehouse"}},
    "podAnnotations": {"a": "b"},
    "podLabels": {"owner": "platform"},
    "nodeSelector": {"disk": "ssd"},
    "tolerations": [{"key": "dedicated", "operator": "Exists"}],
    "affinity": {"nodeAffinity": {}},
}
BORROWED: dict[str, Any] = {
    "persistence": {"existingClaim": "old-data"},
    "serviceAccount": {"create": False},
}
ALL_VALUES = {"plain": PLAIN, "full": FULL, "borrowed": BORROWED}

REFUSED = {
    "/replicaCount": {"replicaCount": 2},
    "/config/vendors/deepseek/api_key": {
        "config": {"vendors": {"deepseek": {"api_key": "sk-this-is-a-key"}}}
    },
    "'replicas' not allowed": {"replicas": 3},
    "'tagg' not allowed": {"image": {"tagg": "1"}},
    "'existingsecret' not allowed": {"secrets": {"existingsecret": "x"}},
    "'enabled' not allowed": {"persistence": {"enabled": False}},
    "'cpu' not allowed": {"resources": {"cpu": "1"}},
    "/image/tag": {"image": {"tag": "two words"}},
    "/image/digest": {"image": {"digest": "sha256:short"}},
    "/image/registry": {"image": {"registry": "registry.example.com/"}},
    "/image/repository": {"image": {"repository": ""}},
    "/image/pullPolicy": {"image": {"pullPolicy": "Sometimes"}},
    "/imagePullSecrets/0": {"imagePullSecrets": ["pull"]},
    "/persistence/size": {"persistence": {"size": "10 GB"}},
    "/persistence/storageClass": {"persistence": {"storageClass": "Fast Disk"}},
    "helm.sh/resource-policy": {
        "persistence": {"annotations": {"helm.sh/resource-policy": "delete"}}
    },
    "/service/port": {"service": {"port": 70000}},
    "/service/type": {"service": {"type": "ExternalName"}},
    "/serviceAccount/create": {"serviceAccount": {"create": "yes"}},
    "/terminationGracePeriodSeconds": {"terminationGracePeriodSeconds": 5},
    "app.kubernetes.io/name": {"podLabels": {"app.kubernetes.io/name": "other"}},
    "/podAnnotations/a": {"podAnnotations": {"a": 1}},
    "/nodeSelector/a": {"nodeSelector": {"a": True}},
    "/fullnameOverride": {"fullnameOverride": "Not_A_Name"},
    "/config": {"config": "vendors: {}"},
}


@pytest.fixture(scope="module")
def chart() -> Iterator[helm.Chart]:
    with helm.Chart.load(CHART) as loaded:
        yield loaded


def objects(chart: helm.Chart, values: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Every object that an install would create, by kind (each kind comes once)."""
    files = chart.render(values, name="demo", namespace="prod")
    texts = [text for name, text in files.items() if name.endswith(".yaml")]
    documents = [document for text in texts for document in yaml.safe_load_all(text) if document]
    return {document["kind"]: document for document in documents}


def pod(chart: helm.Chart, values: dict[str, Any]) -> dict[str, Any]:
    spec: dict[str, Any] = objects(chart, values)["Deployment"]["spec"]["template"]["spec"]
    return spec


@pytest.mark.parametrize("values", ALL_VALUES.values(), ids=ALL_VALUES)
def test_the_chart_lints_strictly(values: dict[str, Any]) -> None:
    report = helm.lint(CHART, values, strict=True, kube_version="v1.31.0")
    assert report["errors"] == []
    assert [message for message in report["messages"] if message["severity"] > 1] == []


@pytest.mark.parametrize("version", KUBERNETES_VERSIONS)
@pytest.mark.parametrize("values", ALL_VALUES.values(), ids=ALL_VALUES)
def test_every_object_is_valid_to_the_letter(
    chart: helm.Chart, values: dict[str, Any], version: str
) -> None:
    for rendered in objects(chart, values).values():
        kubernetes_validate.validate(rendered, version, strict=True)


def test_the_validator_would_see_a_misspelt_field(chart: helm.Chart) -> None:
    deployment = objects(chart, PLAIN)["Deployment"]
    deployment["spec"]["template"]["spec"]["containers"][0]["readonly"] = True
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(deployment, "1.37", strict=True)


@pytest.mark.parametrize(("key", "values"), REFUSED.items(), ids=REFUSED)
def test_bad_values_are_refused_by_name(
    chart: helm.Chart, key: str, values: dict[str, Any]
) -> None:
    with pytest.raises(helm.HelmValuesError) as refusal:
        chart.render(values, name="demo", namespace="prod")
    assert key in str(refusal.value)


def test_a_refused_vendor_key_is_not_repeated(chart: helm.Chart) -> None:
    with pytest.raises(helm.HelmValuesError) as refusal:
        chart.validate_schema(REFUSED["/config/vendors/deepseek/api_key"])
    assert "sk-this-is-a-key" not in str(refusal.value)


def test_the_schema_is_closed_and_every_value_is_described() -> None:
    schema = json.loads((CHART / "values.schema.json").read_text())
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    assert schema["additionalProperties"] is False
    assert set(values) == set(schema["properties"]) - {"global"}
    described = re.findall(r"^ *# -- ", (CHART / "values.yaml").read_text(), re.MULTILINE)
    leaves = sum(
        len(value) if isinstance(value, dict) and value and name != "resources" else 1
        for name, value in values.items()
    )
    assert len(described) == leaves


def test_only_the_expected_kinds_are_made(chart: helm.Chart) -> None:
    kinds = {"ConfigMap", "Deployment", "PersistentVolumeClaim", "Service", "ServiceAccount"}
    assert set(objects(chart, FULL)) == kinds
    assert set(objects(chart, BORROWED)) == kinds - {"PersistentVolumeClaim", "ServiceAccount"}


def test_the_command_is_the_one_the_gateway_documents(chart: helm.Chart) -> None:
    command = (
        "gatehouse up --host 0.0.0.0 --port 7070 --data /var/lib/gatehouse "
        "--config /etc/gatehouse/gatehouse.yaml"
    )
    assert pod(chart, PLAIN)["containers"][0]["command"] == command.split()


@pytest.mark.parametrize("values", ALL_VALUES.values(), ids=ALL_VALUES)
def test_the_pod_meets_the_restricted_standard(chart: helm.Chart, values: dict[str, Any]) -> None:
    spec = pod(chart, values)
    (container,) = spec["containers"]
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["runAsUser"] > 10000
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    kinds_of_volume = {next(iter(set(volume) - {"name"})) for volume in spec["volumes"]}
    assert kinds_of_volume == {"persistentVolumeClaim", "configMap", "emptyDir"}


@pytest.mark.parametrize("values", ALL_VALUES.values(), ids=ALL_VALUES)
def test_the_pod_gets_no_token(chart: helm.Chart, values: dict[str, Any]) -> None:
    assert pod(chart, values)["automountServiceAccountToken"] is False


def test_every_folder_the_gateway_writes_to_is_a_volume(chart: helm.Chart) -> None:
    mounts = {
        each["mountPath"]: each for each in pod(chart, PLAIN)["containers"][0]["volumeMounts"]
    }
    assert set(mounts) == {"/var/lib/gatehouse", "/etc/gatehouse", "/tmp"}
    assert "subPath" not in mounts["/etc/gatehouse"]  # a subPath never sees a changed ConfigMap


def test_one_pod_ends_before_the_next_starts(chart: helm.Chart) -> None:
    spec = objects(chart, PLAIN)["Deployment"]["spec"]
    assert spec["replicas"] == 1
    assert spec["strategy"] == {"type": "Recreate"}
    assert spec["template"]["spec"]["terminationGracePeriodSeconds"] == 600


def test_probes_ask_life_and_readiness_apart(chart: helm.Chart) -> None:
    (container,) = pod(chart, PLAIN)["containers"]
    assert container["livenessProbe"]["httpGet"]["path"] == "/healthz"
    assert container["startupProbe"]["httpGet"]["path"] == "/healthz"
    assert container["readinessProbe"]["httpGet"]["path"] == "/readyz"


def test_a_new_route_restarts_nothing(chart: helm.Chart) -> None:
    before = objects(chart, FULL)
    after = objects(chart, {**FULL, "config": {"models": {}}})
    assert before["ConfigMap"] != after["ConfigMap"]
    assert before["Deployment"] == after["Deployment"]


def test_secrets_come_by_reference_only(chart: helm.Chart) -> None:
    (container,) = pod(chart, FULL)["containers"]
    assert container["envFrom"] == [{"secretRef": {"name": "gatehouse-vendors"}}]
    config = yaml.safe_load(objects(chart, FULL)["ConfigMap"]["data"]["gatehouse.yaml"])
    assert config["vendors"]["deepseek"]["api_key"] == "${DEEPSEEK_API_KEY}"


def test_rendering_twice_gives_the_same_text(chart: helm.Chart) -> None:
    first = chart.render(FULL, name="demo", namespace="prod")
    assert first == chart.render(FULL, name="demo", namespace="prod")


def test_the_ledger_outlives_the_release(chart: helm.Chart) -> None:
    claim = objects(chart, FULL)["PersistentVolumeClaim"]
    assert claim["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep"


def test_selectors_hold_nothing_that_changes_with_a_version(chart: helm.Chart) -> None:
    selectors = {"app.kubernetes.io/name": "gatehouse", "app.kubernetes.io/instance": "demo"}
    rendered = objects(chart, FULL)
    assert rendered["Deployment"]["spec"]["selector"]["matchLabels"] == selectors
    assert rendered["Service"]["spec"]["selector"] == selectors


def test_a_digest_wins_over_a_tag(chart: helm.Chart) -> None:
    image = {"repository": "team/gatehouse", "tag": "1.2.3", "digest": "sha256:" + "a" * 64}
    assert pod(chart, {"image": image})["containers"][0]["image"] == (
        "team/gatehouse@sha256:" + "a" * 64
    )


@pytest.mark.parametrize("values", ALL_VALUES.values(), ids=ALL_VALUES)
def test_what_is_mounted_is_a_configuration_the_gateway_accepts(
    chart: helm.Chart, values: dict[str, Any]
) -> None:
    schema = json.loads((ROOT / "docs" / "gatehouse.schema.json").read_text())
    config = yaml.safe_load(objects(chart, values)["ConfigMap"]["data"]["gatehouse.yaml"])
    jsonschema.validate(config, schema)


def test_the_notes_say_what_is_open(chart: helm.Chart) -> None:
    notes = chart.render(PLAIN, name="demo", namespace="prod")["gatehouse/templates/NOTES.txt"]
    assert "no TLS" in notes
    assert "rehearsal model" in notes
    assert "gatehouse key create" in notes
