"""What each field means, in the words of the documents. A test keeps it complete."""

FIELDS = {
    "about": "What the reminder is before: the session, the end of the time to pay or to answer.",
    "amount": "Whole rupiah. Written without a decimal point or exponent: 250000, not 250000.0.",
    "answer_by": "Until when the mentor can answer.",
    "by": "Who called the order off: `mentee`, `mentor`, `admin` or `system`.",
    "created_at": "When the web app took the order.",
    "currency": "ISO 4217.",
    "duration_minutes": "Length of the session. Written without a decimal point or exponent.",
    "email": "Where the person is written to.",
    "event_id": "The event's id in the Google Calendar that the pipeline keeps.",
    "expires_at": "Until when the invoice can be paid.",
    "id": "The web app's id of the person. The mentor's is what slots are booked under.",
    "invoice_id": "Xendit's id of the invoice.",
    "invoice_url": "The checkout page to send the mentee to.",
    "key": "Which message: its order, kind, reader and channel.",
    "lead_minutes": "How long this reminder is before what it is about.",
    "locale": "The language that the person is written to in.",
    "meet_url": "The Google Meet room.",
    "moves": "How often the session had been moved then, this time included.",
    "name": "The person's name, on one line.",
    "order_id": "The web app's id of the order: the same in every event about it.",
    "paid_at": "When the mentee paid, by Xendit's record.",
    "phone": "E.164.",
    "reason": "Why, as a word like `slot_taken`. New words may come up at any time.",
    "refund": "Whether the money goes back.",
    "revision": "How often people had acted on the order: tells one question from the next.",
    "since": "When the order came to need a person's attention.",
    "starts_at": (
        "The start of the session. Its year, as written, is 2000 to 2199; this schema does not "
        "check that, the pipeline does."
    ),
    "state": "How far the money is, as a word like `started`. New words may come up at any time.",
    "time_zone": (
        "An IANA name. This schema takes any string; the pipeline refuses a name that the time "
        "zone database does not have."
    ),
    "topic": "What the session is about, on one line.",
}
