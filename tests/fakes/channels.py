"""Mail and WhatsApp in memory."""

from shared.adapters.whatsapp import refuse_unsendable
from shared.domain.notifications import Mail, TemplateMessage
from shared.errors import PermanentError
from tests.fakes.world import Faults


class FakeMailer:
    """Mailer in memory: ``drafts`` by id, and ``sent`` in order."""

    def __init__(self) -> None:
        self.faults = Faults()
        self.drafts: dict[str, Mail] = {}
        self.sent: list[Mail] = []
        self._count = 0

    def draft(self, mail: Mail) -> str:
        self.faults.entering("draft")
        self._count += 1
        draft_id = f"draft-{self._count}"
        self.drafts[draft_id] = mail
        self.faults.leaving("draft")
        return draft_id

    def send(self, draft_id: str, mail: Mail) -> None:
        self.faults.entering("send")
        draft = self.drafts.pop(draft_id, None)
        if draft is not None:
            self.sent.append(draft)
        self.faults.leaving("send")

    def discard(self, draft_id: str) -> None:
        self.faults.entering("discard")
        self.drafts.pop(draft_id, None)


class FakeMessenger:
    """Messenger in memory: ``sent`` in order. Like Meta, it sends whatever it is told, again too.

    ``unreachable`` are the numbers that it refuses for good.
    """

    def __init__(self, *unreachable: str) -> None:
        self.faults = Faults()
        self.unreachable = set(unreachable)
        self.sent: list[TemplateMessage] = []

    def send(self, message: TemplateMessage) -> str:
        self.faults.entering("send")
        refuse_unsendable(message)
        if message.to_phone in self.unreachable:
            raise PermanentError("131026 Message undeliverable")
        self.sent.append(message)
        self.faults.leaving("send")
        return f"wamid.{len(self.sent)}"
