"""What Meta's Graph API has in common: the error envelope and the words of its refusals."""

import secrets

import msgspec
from starlette.responses import JSONResponse, Response

# HTTP status and title by code: Meta's error reference,
# https://developers.facebook.com/documentation/business-messaging/whatsapp/support/error-codes
WORDS: dict[int, tuple[int, str]] = {
    4: (429, "API Too Many Calls"),
    10: (403, "Permission Denied"),
    100: (400, "Invalid parameter"),
    190: (401, "Access token has expired"),
    80007: (429, "Rate limit issues"),
    130429: (429, "Rate limit hit"),
    131000: (500, "Something went wrong"),
    131008: (400, "Required parameter is missing"),
    131016: (503, "Service unavailable"),
    131021: (400, "Recipient cannot be sender"),
    131026: (400, "Message undeliverable"),
    131031: (403, "Account has been locked"),
    131048: (429, "Spam rate limit hit"),
    131051: (400, "Unsupported message type"),
    131056: (429, "(Business Account, Consumer Account) pair rate limit hit"),
    132000: (400, "Number of parameters does not match the expected number of params"),
    132001: (404, "Template name does not exist in the translation"),
    132005: (400, "Translated text too long"),
    132007: (400, "Template content violates policy"),
    132012: (400, "Parameter format does not match format in the created template"),
    132015: (400, "Template is paused"),
    132018: (400, "There is an issue with the parameters in your template"),
    133010: (400, "Account not registered"),
}
NO_SUCH_OBJECT = 33


class GraphError(Exception):
    """A refusal in Meta's words."""

    def __init__(self, code: int, details: str = "", *, subcode: int | None = None) -> None:
        status, self.title = WORDS[code]
        super().__init__(f"(#{code}) {self.title}")
        self.code = code
        self.details = details
        self.subcode = subcode
        self.status = status

    def response(self) -> Response:
        """Return what the caller gets to see."""
        error = {
            "message": str(self),
            "type": "OAuthException",
            "code": self.code,
            "error_data": {"messaging_product": "whatsapp", "details": self.details},
            "fbtrace_id": secrets.token_urlsafe(8),
        }
        if self.subcode is not None:
            error |= {"error_subcode": self.subcode, "type": "GraphMethodException"}
        return JSONResponse({"error": error}, self.status)


class Refusal(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The next ``times`` messages are refused with a code of Meta's."""

    code: int
    times: int = 1

    def __post_init__(self) -> None:
        if self.code not in WORDS or self.times < 1:
            raise ValueError(f"codes are {sorted(WORDS)}, times at least 1")
