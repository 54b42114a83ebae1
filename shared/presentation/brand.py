"""Who writes: the name, the address for questions and the looks that every message shares."""

import msgspec


class Brand(msgspec.Struct, frozen=True, kw_only=True):
    """Who writes. ``colour`` stands behind white text and on white, so it has to be a dark one.

    ``logo_url`` is the address of a picture about 32 pixels high; left out, the name stands there,
    and a mail loads nothing at all.
    """

    name: str
    help_email: str
    colour: str = "#0f5f6b"
    logo_url: str = ""
