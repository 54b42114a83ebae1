"""How those who call the functions keep their connections."""

from typing import Final

import httpx

# Gunicorn closes a connection that was idle for two seconds. One that is taken up again just then
# breaks, and a webhook that broke comes again only much later.
BRIEF: Final = httpx.Limits(
    max_connections=None, max_keepalive_connections=64, keepalive_expiry=1.0
)
