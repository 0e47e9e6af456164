"""Requests made from the OpenAPI document, half against it: never a 5xx, and answers as documented."""

import pytest

schemathesis = pytest.importorskip("schemathesis")
pytest.importorskip("fastapi")

from hypothesis import HealthCheck, Phase, given, settings  # noqa: E402
from schemathesis import GenerationMode  # noqa: E402
from schemathesis.specs.openapi.checks import (  # noqa: E402
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

QUICK, LONG = 4, 200
"""Requests of each kind to each operation."""
DOCUMENTED = [content_type_conformance, response_schema_conformance, status_code_conformance]


def fuzz(client, *, examples):
    """Sends requests to every operation; returns how many, and how many were well-formed and answered."""
    schema = schemathesis.openapi.from_dict(client.get("/openapi.json").json())
    sent, good = 0, 0
    for found in schema.get_all_operations():
        operation = found.ok()
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):

            @settings(
                max_examples=examples,
                deadline=None,
                database=None,
                derandomize=True,
                phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
            )
            @given(operation.as_strategy(generation_mode=mode))
            def check(case):
                nonlocal sent, good
                asked = case.as_transport_kwargs(base_url="http://testserver")
                asked = {
                    key: asked[key]
                    for key in ("method", "url", "params", "headers", "json", "data", "cookies")
                    if asked.get(key) is not None
                }
                cookies = asked.pop("cookies", None)
                if cookies:
                    asked["headers"] = {**asked.get("headers", {}), "cookie": str(cookies)}
                if isinstance(asked.get("data"), (str, bytes)):
                    asked["content"] = asked.pop("data")
                answer = client.request(**asked)
                sent += 1
                good += answer.status_code < 300
                assert answer.status_code < 500, (asked, answer.text)
                case.validate_response(answer, checks=DOCUMENTED)

            try:
                check()
            except Exception as error:
                if "Unsatisfiable" not in type(error).__name__:
                    raise  # an operation that takes nothing cannot be asked wrongly
    return sent, good


def test_no_request_of_the_document_breaks_the_service(client):
    sent, good = fuzz(client, examples=QUICK)
    assert sent > 60
    assert good > 10


@pytest.mark.slow
def test_no_request_of_the_document_breaks_the_service_for_long(client):
    sent, _ = fuzz(client, examples=LONG)
    assert sent > 3000
