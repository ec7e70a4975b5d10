"""The one exception of the calls."""

from __future__ import annotations


class PosthasteError(Exception):
    """This exception says that a call failed: the server refused it, or gave no answer that can be read.

    status       the HTTP status; for an event of a batch, the status that it would have had alone; 0 without an answer
    code         the stable name of the problem, for programs; "" if the answer was no problem document
    detail       the fault, for people
    field        the part of the request that is at fault; "" if none is
    request_id   the id of the request in the server's log; "" without one
    retry_after  the seconds that the server asked to wait; 0.0 if it did not ask
    undone       the server has certainly not acted: it was too busy to begin, or there was no connection
    """

    def __init__(
        self,
        detail: str,
        *,
        status: int = 0,
        code: str = "",
        field: str = "",
        request_id: str = "",
        retry_after: float = 0.0,
        undone: bool = False,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.field = field
        self.request_id = request_id
        self.retry_after = retry_after
        self.undone = undone

    @property
    def unavailable(self) -> bool:
        """True after no answer, 429 or 5xx: unless undone, nobody knows whether the server has acted."""
        return self.status in (0, 429) or self.status >= 500

    def __str__(self) -> str:
        text = f"status {self.status}" if self.status else "no answer"
        text += f" {self.code}" if self.code else ""
        text += f": {self.detail}" if self.detail else ""
        text += f" (field {self.field})" if self.field else ""
        return text + (f" [request {self.request_id}]" if self.request_id else "")
