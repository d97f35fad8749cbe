"""A requests adapter for exactly one exchange: no proxy, no redirect, no retry, no second connection."""

from __future__ import annotations

import ssl
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from requests.adapters import HTTPAdapter
from requests.utils import DEFAULT_CA_BUNDLE_PATH
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.util import parse_url
from urllib3.util.retry import Retry

from upstream.connection import Journal, PlainConnection, TLSConnection
from upstream.stops import WireStop


class OneExchangeAdapter(HTTPAdapter):
    """Sends one request through the journalled connection classes."""

    def __init__(self, journal: Journal, verify: bool | str) -> None:
        self._journal = journal
        self._verify = verify
        super().__init__(pool_connections=1, pool_maxsize=1)
        # Only an explicit zero is safe: with other values urllib3 may send a POST again.
        self.max_retries = Retry(total=0, read=False, redirect=False, respect_retry_after_header=False)

    def get_connection_with_tls_context(self, request: Any, verify: Any, proxies: Any = None, cert: Any = None) -> Any:
        parts = parse_url(request.url)
        host = (parts.host or "").strip("[]")
        pool: HTTPConnectionPool
        if parts.scheme == "https":
            pool = HTTPSConnectionPool(host, parts.port or 443, ssl_context=tls_context(self._verify))
            pool.ConnectionCls = partial(TLSConnection, journal=self._journal)  # type: ignore[assignment]
        else:
            pool = HTTPConnectionPool(host, parts.port or 80)
            pool.ConnectionCls = partial(PlainConnection, journal=self._journal)  # type: ignore[assignment]
        return pool

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        """The TLS context carries the trusted certificates; the parent would load them anew for each call."""

    def proxy_manager_for(self, proxy: str, **proxy_kwargs: Any) -> Any:
        raise WireStop("proxy", "proxies are not used")


@lru_cache(maxsize=16)
def tls_context(verify: bool | str) -> ssl.SSLContext:
    """A context that checks certificate and host name, trusting certifi's roots or the given file or folder."""
    if verify is False:
        raise ValueError("TLS certificates are always checked.")
    source = DEFAULT_CA_BUNDLE_PATH if verify is True else str(verify)
    if Path(source).is_dir():
        return ssl.create_default_context(capath=source)
    return ssl.create_default_context(cafile=source)
