"""Accepted documents of other versions and of no form at all."""

import pytest

from shared.documents.codec import cluster_from_document, job_from_document
from shared.errors import DocumentError, NewerVersionError


def unsealed(value: object) -> str:
    raise AssertionError(f"nothing here is sealed: {value}")


def test_a_document_in_a_newer_form_is_left_alone() -> None:
    with pytest.raises(NewerVersionError):
        job_from_document({"v": 2, "properties": {}}, unsealed)


@pytest.mark.parametrize("document", [[], {}, {"properties": []}])
def test_what_is_no_accepted_document_is_refused(document: object) -> None:
    with pytest.raises(DocumentError, match="an object called properties"):
        cluster_from_document(document, unsealed)  # type: ignore[arg-type]


def test_members_of_another_type_or_name_are_reported_at_their_place() -> None:
    properties = {"nodeCount": "x", "unheardOf": 1, "mountVolumes": 5, "secrets": [7]}
    with pytest.raises(DocumentError) as refused:
        job_from_document({"properties": properties}, unsealed)
    paths = {problem.path for problem in refused.value.problems}
    assert {"$.properties.nodeCount", "$.properties.mountVolumes", "$.properties.secrets[0]"} <= paths
