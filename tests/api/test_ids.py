"""Lists of numbers are read as far as a call may have them."""

import pytest

from api import ids
from api.errors import TOO_MANY_ORDERS, ApiError
from api.incoming import Call


@pytest.mark.parametrize("field", ["order", "orders"])
def test_a_list_of_a_megabyte_is_refused_without_reading_it_to_its_end(field: str) -> None:
    text = "1," * 500_000
    assert len(ids._words(text)) == 101
    with pytest.raises(ApiError, match=TOO_MANY_ORDERS):
        ids.read_ids(Call("key", "status", {field: text}), "order", "orders")
