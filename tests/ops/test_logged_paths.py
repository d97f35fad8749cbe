"""No access log shows a key that a program wrote into an address."""

import re
from pathlib import Path

import pytest
from django.test import RequestFactory

from api.wrong_addresses import answer_to_wrong_address
from core.logged_paths import HIDDEN_BEHIND, shown_path

CADDYFILE = Path(__file__).parents[2] / "deploy" / "Caddyfile"
#: Addresses like the API's, with a key behind them.
NEAR = [
    f"{start}{key}"
    for key in ("SECRETKEY", "vSECRETKEY", "1SECRETKEY")
    for start in (
        "/api/", "/api//", "//api/", "/API/", "/api/v2/", "/api/v2//", "/api//v2/", "/Api/V1/", "/api/v10/", "/api/v2&",
        "/api/v2\n", "/api&", "/apiv2/", "/api2/", "/adminapi/", "/adminapi/v2/", "/adminapi&", "/v2/", "//v1/",
        "/v1.0/", "/V2/", "/v2&", "/v2//",
    )
]  # fmt: skip


@pytest.mark.parametrize("path", NEAR)
def test_the_shop_s_log_hides_the_key_in_an_address_like_the_api_s(path: str) -> None:
    assert answer_to_wrong_address(RequestFactory().post("/", PATH_INFO=path)) is not None
    assert "ECRETKEY" not in shown_path(path)


def test_the_proxy_hides_the_same() -> None:
    [line] = re.findall(r"request>uri regexp .*", CADDYFILE.read_text())
    assert line == f'request>uri regexp "({HIDDEN_BEHIND}).+|\\?.*" "$1..."'


@pytest.mark.parametrize(
    "path", ["/", "/api", "/api/", "/api/v2", "/orders/12/", "/vip/", "/v2ray", "/admin/api/", "/v2"]
)
def test_other_paths_are_shown(path: str) -> None:
    assert shown_path(path) == path


@pytest.mark.parametrize("path", ["/account/password/reset/key/1-s3cret/", "/accounts/confirm-email/s3cret/"])
def test_links_from_mails_are_hidden(path: str) -> None:
    assert "s3cret" not in shown_path(path)
