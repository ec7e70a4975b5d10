/** The facts of a {@link PosthasteError}. */
export interface Failure {
  detail: string;
  status?: number;
  code?: string;
  field?: string;
  requestId?: string;
  retryAfter?: number;
  undone?: boolean;
}

/** PosthasteError says that a call failed: the server refused it, or gave no answer that can be read. */
export class PosthasteError extends Error {
  override readonly name = "PosthasteError";

  /** The HTTP status; for an event of a batch, the status that it would have had alone; 0 without an answer. */
  readonly status: number;

  /** The stable name of the problem, for programs; "" if the answer was no problem document. */
  readonly code: string;

  /** The fault, for people. */
  readonly detail: string;

  /** The part of the request that is at fault; "" if none is. */
  readonly field: string;

  /** The id of the request in the server's log; "" without one. */
  readonly requestId: string;

  /** The seconds that the server asked to wait; 0 if it did not ask. */
  readonly retryAfter: number;

  /** The server has certainly not acted: it was too busy to begin, or there was no connection. */
  readonly undone: boolean;

  constructor(failure: Failure) {
    super(sentence(failure));
    this.status = failure.status ?? 0;
    this.code = failure.code ?? "";
    this.detail = failure.detail;
    this.field = failure.field ?? "";
    this.requestId = failure.requestId ?? "";
    this.retryAfter = failure.retryAfter ?? 0;
    this.undone = failure.undone ?? false;
  }

  /** True after no answer, 429 or 5xx: unless undone, nobody knows whether the server has acted. */
  get unavailable(): boolean {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }
}

function sentence(failure: Failure): string {
  let text = failure.status ? `status ${failure.status}` : "no answer";
  if (failure.code) text += ` ${failure.code}`;
  if (failure.detail) text += `: ${failure.detail}`;
  if (failure.field) text += ` (field ${failure.field})`;
  if (failure.requestId) text += ` [request ${failure.requestId}]`;
  return text;
}
