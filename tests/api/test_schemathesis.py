"""What our own description allows, sent as somebody else's tool makes it up: every answer is one we described."""

from typing import Any

import pytest
import schemathesis
from django.core.wsgi import get_wsgi_application
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from accounts.models import User
from catalog.models import Service
from orders.models import Order
from storefront.incoming import received
from tests.api.cast import key_for
from tests.api.test_fuzz import every_order_is_paid_for
from tests.battery.counts import sized
from tests.pages.cast import Orders

#: Not that of storefront.wsgi, which asks the database when it is imported.
application = received(get_wsgi_application())
pytestmark = pytest.mark.django_db(transaction=True)

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


@pytest.mark.parametrize("mode", [schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE])
def test_every_answer_is_one_we_described(
    alice: User, services: list[Service], orders: Orders, mode: schemathesis.GenerationMode
) -> None:
    known = {
        "key": key_for(alice),
        "service": services[0].pk,
        "order": orders.completed().pk,
        "quantity": 100,
        "link": "https://example.com/p/1",
    }
    schema = schemathesis.openapi.from_wsgi("/api/v2/openapi.json", application)
    schema.config.base_url = "http://localhost"
    said: list[bytes] = []

    @settings(
        max_examples=sized(100, 100, 400) if mode is schemathesis.GenerationMode.POSITIVE else sized(50, 50, 200),
        derandomize=True,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.explicit, Phase.generate],
    )
    @given(case=schema["/api/v2"]["POST"].as_strategy(generation_mode=mode))
    def run(case: Any) -> None:
        if isinstance(case.body, dict):
            # Made-up keys and numbers would all be refused at the door; what is in bodies by chance stays spoiled.
            is_order = case.body.get("action") == "add" and mode is schemathesis.GenerationMode.POSITIVE
            case.body |= {n: value for n, value in known.items() if n == "key" or n in case.body or is_order}
            if is_order and "runs" in case.body:
                case.body |= {"runs": "0", "interval": "0"}
        # The tool takes an answer apart as it came, packed or not.
        answer = case.call(headers={"Accept-Encoding": "identity"})
        case.validate_response(answer, checks=CHECKS)
        said.append(answer.content)

    run()
    assert len(set(said)) > 5, set(said)
    every_order_is_paid_for(alice)
    if mode is schemathesis.GenerationMode.POSITIVE:
        assert Order.objects.filter(source="api").exists()
