"""Links: believed only as they were made, for their purpose, until their time."""

from datetime import timedelta

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.domain.notifications import Recipient
from shared.links import Link, LinkError, LinkSigner, Purpose
from tests.builders import NOW

OLD, NEW = "an-old-secret-of-32-characters-aa", "a-new-secret-of-32-characters-bbb"
BASE = "https://booking.example/links/"
SIGNER = LinkSigner([NEW], BASE)
HOUR = timedelta(hours=1)
LINK = Link(
    order_id="NUS-1",
    recipient=Recipient.MENTEE,
    revision=3,
    expires_at=int((NOW + HOUR).timestamp()),
    invoice_id="inv-1",
)


def refused(token: str, purpose: Purpose = Purpose.CANCEL, signer: LinkSigner = SIGNER) -> bool:
    """Return whether the token is refused as never having been ours."""
    with pytest.raises(LinkError) as caught:
        signer.read(purpose, token, NOW)
    return not caught.value.expired


@pytest.mark.parametrize("purpose", Purpose)
def test_a_link_says_what_it_was_made_with(purpose: Purpose) -> None:
    assert SIGNER.read(purpose, SIGNER.token(purpose, LINK), NOW) == LINK


def test_an_address_names_its_purpose_and_carries_its_token() -> None:
    url = SIGNER.url(Purpose.PAYOUT_ACCOUNT, LINK)
    token = SIGNER.token(Purpose.PAYOUT_ACCOUNT, LINK)
    assert url == f"https://booking.example/links/payout-account?token={token}"


@pytest.mark.parametrize("purpose", Purpose)
def test_a_link_of_one_purpose_never_passes_for_another(purpose: Purpose) -> None:
    token = SIGNER.token(purpose, LINK)
    assert all(refused(token, other) for other in set(Purpose) - {purpose})


@pytest.mark.parametrize("place", range(0, 120, 7))
def test_a_changed_character_anywhere_makes_it_nobodys(place: int) -> None:
    token = SIGNER.token(Purpose.CANCEL, LINK)
    at = place % len(token)
    other = "A" if token[at] != "A" else "B"
    # The last character of a signature stands for fewer bits than it could.
    if at < len(token) - 1:
        assert refused(token[:at] + other + token[at + 1 :])


@pytest.mark.parametrize("change", [{"revision": 4}, {"order_id": "NUS-2"}, {"recipient": "admin"}])
def test_who_signs_with_another_secret_is_not_believed(change: dict[str, object]) -> None:
    forged = LinkSigner([OLD], BASE).token(Purpose.CANCEL, msgspec.structs.replace(LINK, **change))
    assert refused(forged)
    payload = forged.rpartition(".")[0]
    signature = SIGNER.token(Purpose.CANCEL, LINK).rpartition(".")[2]
    assert refused(f"{payload}.{signature}")


@pytest.mark.parametrize(("seconds", "expired"), [(-1, False), (0, True), (1, True)])
def test_a_link_holds_until_its_time(seconds: int, *, expired: bool) -> None:
    token = SIGNER.token(Purpose.CANCEL, LINK)
    now = NOW.replace(microsecond=0) + HOUR + timedelta(seconds=seconds)
    if not expired:
        assert SIGNER.read(Purpose.CANCEL, token, now) == LINK
        return
    with pytest.raises(LinkError, match="expired") as caught:
        SIGNER.read(Purpose.CANCEL, token, now)
    assert caught.value.expired


@pytest.mark.parametrize("expires_at", [0, -1, -(2**60), 1, int(NOW.timestamp())])
def test_an_expired_link_still_says_what_it_is_about(expires_at: int) -> None:
    old = msgspec.structs.replace(LINK, expires_at=expires_at)
    token = SIGNER.token(Purpose.CANCEL, old)
    with pytest.raises(LinkError, match="expired"):
        SIGNER.read(Purpose.CANCEL, token, NOW)
    assert SIGNER.read_expired(Purpose.CANCEL, token) == old
    with pytest.raises(LinkError, match="not a link of ours"):
        SIGNER.read_expired(Purpose.ACCEPT, token)


@pytest.mark.parametrize("expires_at", [2**40, 2**63 - 1])
def test_a_link_may_hold_for_longer_than_the_calendar_goes(expires_at: int) -> None:
    lasting = msgspec.structs.replace(LINK, expires_at=expires_at)
    assert SIGNER.read(Purpose.CANCEL, SIGNER.token(Purpose.CANCEL, lasting), NOW) == lasting


def test_a_new_secret_signs_and_the_old_one_is_believed_until_it_is_taken_out() -> None:
    before = LinkSigner([OLD], BASE).token(Purpose.CANCEL, LINK)
    both = LinkSigner([NEW, OLD], BASE)
    assert both.read(Purpose.CANCEL, before, NOW) == LINK
    assert both.token(Purpose.CANCEL, LINK) == SIGNER.token(Purpose.CANCEL, LINK)
    assert refused(before)


@pytest.mark.parametrize(
    "said",
    [
        None,
        [],
        {},
        "NUS-1",
        ["NUS-1", "mentee", 3],
        ["NUS-1", "mentee", "3", 4],
        ["NUS-1", "stranger", 3, 4],
        ["../x", "mentee", 3, 4],
        ["NUS-1", "mentee", 3, 4, None],
    ],
)
def test_what_is_signed_but_says_no_link_is_refused(said: object) -> None:
    token = SIGNER._serializers[Purpose.CANCEL].dumps(said)
    assert refused(token if isinstance(token, str) else token.decode())


@pytest.mark.parametrize(
    "token",
    [
        "",
        ".",
        "..",
        "...",
        "a.b",
        ".eJw.x",
        "é.ü",
        "\x00",
        "\ud800",
        "%2e.%2e",
        "a" * 100_000,
        "." * 10_000,
        "[" * 10_000 + ".x",
        "null.x",
    ],
    ids=lambda token: repr(token[:12]),
)
def test_odd_words_are_no_links(token: str) -> None:
    assert all(refused(token, purpose) for purpose in Purpose)


@settings(deadline=None, max_examples=200)
@given(st.text(max_size=200))
def test_no_words_at_all_are_a_link(token: str) -> None:
    assert refused(token)
