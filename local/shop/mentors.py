"""Sample mentors for whom an order can be placed, at least one in each of Indonesia's zones."""

from shared.domain.people import Locale, Person


def _mentor(number: int, name: str, zone: str, locale: Locale = "id") -> Person:
    address = f"{name.split(maxsplit=1)[0].lower()}@mentoring.example"
    return Person(
        id=f"m-{number}", name=name, email=address, time_zone=f"Asia/{zone}", locale=locale
    )


MENTORS = (
    _mentor(1, "Ayu Lestari", "Jakarta"),
    _mentor(2, "Bagas Pratama", "Jakarta", "en"),
    _mentor(3, "Komang Sudarma", "Makassar"),
    _mentor(4, "Andi Rahmawati", "Makassar", "en"),
    _mentor(5, "Yohana Wanggai", "Jayapura"),
    _mentor(6, "Markus Rumbiak", "Jayapura", "en"),
)
MENTOR_BY_ID = {mentor.id: mentor for mentor in MENTORS}
