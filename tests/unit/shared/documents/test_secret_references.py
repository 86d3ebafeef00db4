"""References are found where documents have them, and replaced by values; nothing else changes."""

import typing
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import SecretStr

from shared.documents.models.shape import Kind, shape_of
from shared.documents.secret_references import references, secret_values, with_values
from shared.documents.spec import ClusterSpec, JobSpec, KeyVaultSecretReference, Model, public_properties
from shared.names.vault_urls import VaultSecret, vault_secret
from tests.support.cases import cases


def url(name: str) -> str:
    return f"https://v.vault.azure.net/secrets/{name}"


def at_vault(name: str) -> dict[str, Any]:
    return {"sourceVault": {"id": "/subscriptions/s"}, "secretUrl": url(name)}


def volumes(share: dict[str, Any], container: dict[str, Any]) -> dict[str, Any]:
    address = "https://acc.file.core.windows.net/share"
    blobs = {"accountName": "acc", "containerName": "data", "relativeMountPath": "bfs"}
    return {
        "azureFileShares": [{"azureFileUrl": address, "relativeMountPath": "afs", "credentials": share}],
        "azureBlobFileSystems": [blobs | {"credentials": container}],
    }


JOB = JobSpec.model_validate(
    {
        "nodeCount": 1,
        "stdOutErrPathPrefix": "/x",
        "mountVolumes": volumes(
            {"accountKeySecretReference": at_vault("share")},
            {"accountKeySecretReference": at_vault("container")},
        ),
        "containerSettings": {
            "imageSourceRegistry": {
                "image": "i",
                "credentials": {"username": "u", "passwordSecretReference": at_vault("registry")},
            }
        },
        "secrets": [
            {"name": "A", "value": "given"},
            {"name": "B", "valueSecretReference": at_vault("b")},
            {"name": "C", "value": "used", "valueSecretReference": at_vault("unused")},
        ],
    }
)
CLUSTER = ClusterSpec.model_validate(
    {
        "userAccountSettings": {"adminUserName": "me", "adminUserPassword": "admin"},
        "nodeSetup": {
            "mountVolumes": volumes({"accountKeySecretReference": at_vault("share")}, {"accountKey": "k"}),
            "setupTask": {
                "commandLine": "true",
                "stdOutErrPathPrefix": "/x",
                "secrets": [{"name": "S", "valueSecretReference": at_vault("setup")}],
            },
            "performanceCountersSettings": {
                "appInsightsReference": {
                    "component": {"id": "/c"},
                    "instrumentationKeySecretReference": at_vault("insights"),
                }
            },
        },
    }
)


def test_where_references_are() -> None:
    share = "mountVolumes.azureFileShares[0].credentials.accountKeySecretReference"
    container = "mountVolumes.azureBlobFileSystems[0].credentials.accountKeySecretReference"
    registry = "containerSettings.imageSourceRegistry.credentials.passwordSecretReference"
    assert {found.path: found.url for found in references(JOB)} == {
        f"$.properties.{share}": url("share"),
        f"$.properties.{container}": url("container"),
        f"$.properties.{registry}": url("registry"),
        "$.properties.secrets[1].valueSecretReference": url("b"),
    }
    insights = "performanceCountersSettings.appInsightsReference.instrumentationKeySecretReference"
    assert [found.path for found in references(CLUSTER)] == [
        "$.properties.nodeSetup.setupTask.secrets[0].valueSecretReference",
        f"$.properties.nodeSetup.{share}",
        f"$.properties.nodeSetup.{insights}",
    ]


@pytest.mark.parametrize("spec", [JOB, CLUSTER])
def test_values_take_the_place_of_references(spec: Model) -> None:
    values = {found.url: f"value of {found.url}" for found in references(spec)}
    resolved = with_values(spec, values)
    assert references(resolved) == ()
    assert secret_values(resolved) == secret_values(spec) | set(values.values())
    assert not [text for text in (repr(resolved), str(resolved)) if "value of" in text]


def test_a_value_that_is_given_is_used() -> None:
    resolved = with_values(JOB, {found.url: "v" for found in references(JOB)})
    assert [secret.value and secret.value.get_secret_value() for secret in resolved.secrets] == [
        "given",
        "v",
        "used",
    ]
    assert [secret.value_secret_reference for secret in resolved.secrets] == [None, None, None]


def test_a_document_without_references_stays_as_it_is() -> None:
    plain = JobSpec.model_validate({"nodeCount": 1, "stdOutErrPathPrefix": "/x"})
    assert with_values(plain, {}) == plain
    assert secret_values(plain) == frozenset()
    shown = public_properties(with_values(CLUSTER, {found.url: "v" for found in references(CLUSTER)}))
    assert shown == public_properties(CLUSTER) | {"nodeSetup": shown["nodeSetup"]}


def test_a_value_that_is_missing_is_an_error() -> None:
    with pytest.raises(KeyError):
        with_values(JOB, {})


def models(model: type[Model], seen: set[type[Model]]) -> Iterator[type[Model]]:
    if model in seen:
        return
    seen.add(model)
    yield model
    for member in shape_of(model).values():
        if member.kind is Kind.OBJECT and member.model:
            yield from models(member.model, seen)


def test_every_reference_stands_beside_the_secret_it_is_instead_of() -> None:
    seen: set[type[Model]] = set()
    found = 0
    for model in [*models(JobSpec, seen), *models(ClusterSpec, seen)]:
        for name, field in model.model_fields.items():
            if KeyVaultSecretReference in typing.get_args(field.annotation):
                found += 1
                value = model.model_fields[name.removesuffix("_secret_reference")]
                assert name.endswith("_secret_reference") and SecretStr in typing.get_args(value.annotation)
    assert found == 4


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("https://V.vault.azure.net/secrets/n", VaultSecret("v.vault.azure.net", "n")),
        ("https://v.vault.azure.net:443/secrets/n/", VaultSecret("v.vault.azure.net", "n")),
        ("https://v.vault.azure.cn/secrets/n/0a1", VaultSecret("v.vault.azure.cn", "n", "0a1")),
        ("https://10.0.0.4:8443/secrets/n", VaultSecret("10.0.0.4:8443", "n")),
    ],
)
def test_urls_of_secrets(text: str, wanted: VaultSecret) -> None:
    assert vault_secret(text) == wanted


@cases(
    "text",
    [
        "http://v.vault.azure.net/secrets/n",
        "https://v.vault.azure.net/keys/n",
        "https://v.vault.azure.net/secrets/",
        "https://v.vault.azure.net/secrets/n/../m",
        "https://v.vault.azure.net/secrets/n/v/w",
        "https://v.vault.azure.net/secrets/n?x=1",
        "https://evil.example#v.vault.azure.net/secrets/n",
        "https://me@v.vault.azure.net/secrets/n",
        "https://v.vault.azure.net\\@evil.example/secrets/n",
        "https://v.vault.azure.net/secrets/n\n",
        "https://[::1]/secrets/n",
    ],
)
def test_what_is_no_url_of_a_secret(text: str) -> None:
    with pytest.raises(ValueError, match=r"^not the URL of a Key Vault secret$"):
        vault_secret(text)


@pytest.mark.parametrize(
    ("host", "azures"),
    [
        ("v.vault.azure.net", True),
        ("my-vault1.vault.usgovcloudapi.net", True),
        ("v.vault.azure.net.evil.example", False),
        ("a.b.vault.azure.net", False),
        ("vault.azure.net", False),
        ("evilvault.azure.net", False),
        ("vlt.vault.azure.net:8443", False),
    ],
)
def test_whose_vault_a_host_is(host: str, azures: bool) -> None:
    host = host.replace("v.vault.azure.net", "vlt.vault.azure.net", 1) if host.startswith("v.v") else host
    assert vault_secret(f"https://{host}/secrets/n").is_azures is azures
