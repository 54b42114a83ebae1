"""Events on the wire: strict about every field, and the same order is the same order."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from shared.domain.events import ALL_EVENTS, TOPICS, Event, OrderCreated
from shared.domain.money import MAX_AMOUNT
from tests.builders import event_of, mentee, order_created

# As the web app writes it.
SAID: dict[str, Any] = {
    "order_id": "NUS-2026-000123",
    "created_at": "2026-11-24T09:00:00+07:00",
    "topic": "Data analysis portfolio review",
    "mentee": {
        "id": "u-17",
        "name": "Sari Wulandari",
        "email": "sari@example.com",
        "phone": "+6281234567890",
    },
    "mentor": {
        "id": "m-4",
        "name": "Budi Hartono",
        "email": "budi@example.com",
        "phone": "+6281234567891",
        "time_zone": "Asia/Makassar",
    },
    "session": {"starts_at": "2026-12-01T19:00:00+07:00", "duration_minutes": 60},
    "price": {"amount": 250_000, "currency": "IDR"},
}


def said(field: str = "order_id", value: Any = SAID["order_id"]) -> bytes:
    """Return the event's JSON with one field, like ``mentee.name``, changed."""
    *parents, name = field.split(".")
    event = msgspec.json.decode(msgspec.json.encode(SAID))
    section = event
    for parent in parents:
        section = section[parent]
    section[name] = value
    return msgspec.json.encode(event)


def read(data: bytes) -> OrderCreated:
    return msgspec.json.decode(data, type=OrderCreated)


def test_what_the_web_app_writes_is_the_sample_order() -> None:
    assert read(said()) == order_created()


@pytest.mark.parametrize("kind", ALL_EVENTS)
def test_an_event_comes_back_from_json_as_it_went(kind: type[Event]) -> None:
    event = event_of(kind)
    assert msgspec.json.decode(msgspec.json.encode(event), type=kind) == event
    assert TOPICS[kind.topic] is kind


WRONG: dict[str, list[Any]] = {
    "order_id": ["", "a/b", "..", ".", "-a", "a b", "a\n", "ä", "a:b", "a" * 101, 7, None],
    "created_at": ["2026-11-24T09:00:00", "yesterday", None],
    "topic": ["", "  ", "a\nb", "a\r", "\u2028x", "a" * 201, None],
    "mentee.id": ["", "a/b"],
    "mentee.name": ["", " ", "Sari\n", "Sari\r\nBcc: x@example.com", "\x00", "Sari\x85", "a" * 201],
    "mentee.email": [
        "",
        "sari",
        "sari.example.com",
        "@example.com",
        "sari@",
        "a@b@c",
        "sari@example.com\n",
        "sari@example.com\nBcc: x@example.com",
        "a b@example.com",
        "a@b,c@d",
        "a@b;c@d",
        "Sari <a@b>",
        '"a"@b',
        "a" * 250 + "@b.cd",
    ],
    "mentee.phone": ["0812345678", "+0812345678", "+62 812", "+62812345678\n", "+1234567890123456"],
    "mentee.locale": ["fr", "", "EN"],
    "mentor.time_zone": [
        "Mars/Olympus",
        "",
        "WIB",
        "../etc/passwd",
        "Asia",
        "Asia/Jakarta\n",
        None,
    ],
    "session.starts_at": [
        "2026-12-01T19:00:00",
        "2026-12-01",
        1_796_000_000,
        "0001-01-01T00:00:00+07:00",
        "9999-12-31T23:30:00Z",
    ],
    "session.duration_minutes": [0, -60, 721, 60.5, "60", None],
    "price.amount": [0, -1, 1.5, 1.0, "1", True, MAX_AMOUNT + 1, None],
    "price.currency": ["USD", "idr", "", None],
}


@pytest.mark.parametrize(
    ("field", "value"), [(field, value) for field, values in WRONG.items() for value in values]
)
def test_a_wrong_value_is_refused_and_its_place_is_named(field: str, value: Any) -> None:
    with pytest.raises(msgspec.ValidationError) as caught:
        read(said(field, value))
    # What is checked after a person or session is read, is named by the whole.
    assert any(
        f"`$.{place}`" in str(caught.value) for place in (field, field.split(".", maxsplit=1)[0])
    )


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("order_id", "a"),
        ("order_id", "a" * 100),
        ("order_id", "Nus_2026.1-b"),
        ("topic", "Persiapan “wawancara” & CV"),
        ("mentee.name", "Ñuŕ 'Aini <script>"),
        ("mentee.email", "sari+x@ex-ample.co.id"),
        ("mentee.phone", None),
        ("mentee.locale", "en"),
        ("session.duration_minutes", 1),
        ("session.duration_minutes", 720),
        ("price.amount", 1),
        ("price.amount", MAX_AMOUNT),
    ],
)
def test_a_value_at_the_limit_is_taken(field: str, value: Any) -> None:
    assert read(said(field, value)) is not None


@pytest.mark.parametrize("field", ["order_id", "topic", "mentee", "mentor.email", "price"])
def test_a_missing_field_is_refused_by_name(field: str) -> None:
    *parents, name = field.split(".")
    event = msgspec.json.decode(said())
    section = event[parents[0]] if parents else event
    del section[name]
    with pytest.raises(msgspec.ValidationError, match=f"missing required field `{name}`"):
        read(msgspec.json.encode(event))


def test_what_the_web_app_leaves_out_has_a_default_and_what_it_adds_is_ignored() -> None:
    person = {"id": "u-1", "name": "Sari", "email": "s@example.com", "loyalty": "gold"}
    reader = read(said("mentee", person)).mentee
    assert (reader.phone, reader.locale, reader.time_zone) == (None, "id", "Asia/Jakarta")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("session.starts_at", "2026-12-01T12:00:00Z"),
        ("session.starts_at", "2026-12-01T20:00:00.000+08:00"),
        ("created_at", "2026-11-24T10:00:00+07:00"),
        ("mentee.locale", "id"),
        ("mentor.loyalty", "gold"),
    ],
)
def test_the_same_order_spelt_otherwise_has_the_same_fingerprint(field: str, value: str) -> None:
    assert read(said(field, value)).fingerprint() == order_created().fingerprint()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("order_id", "NUS-2026-000124"),
        ("topic", "Something else"),
        ("mentee.email", "other@example.com"),
        ("mentee.phone", None),
        ("mentor.id", "m-5"),
        ("session.starts_at", "2026-12-01T19:00:00+08:00"),
        ("session.duration_minutes", 61),
        ("price.amount", 250_001),
    ],
)
def test_another_order_has_another_fingerprint(field: str, value: Any) -> None:
    assert read(said(field, value)).fingerprint() != order_created().fingerprint()


def test_a_fingerprint_does_not_change_with_a_release() -> None:
    # It is stored with each order and compared for as long as its event may come again.
    assert order_created().fingerprint() == (
        "b8881caea459356aeba34d772bf06d04b0bf7b778b06890afd87637271f4475f"
    )


def test_events_compare_by_content_and_cannot_be_changed() -> None:
    assert order_created() == order_created()
    assert order_created(mentee=mentee(name="Ani")) != order_created()
    with pytest.raises(AttributeError, match="immutable"):
        order_created().created_at = datetime(2027, 1, 1, tzinfo=UTC)  # type: ignore[misc]
