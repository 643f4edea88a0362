// What both examples need: a connection to the ledger, and what its errors mean.

import { Code, ConnectError } from "@connectrpc/connect";
import { createGrpcTransport, Http2SessionManager } from "@connectrpc/connect-node";
import { durationMs } from "@bufbuild/protobuf/wkt";
import { ErrorInfoSchema, RetryInfoSchema } from "./gen/google/rpc/error_details_pb.js";

/** A connection to the ledger at HOST:PORT, for `createClient`; `close()` it, or it keeps the process alive. */
export function connect(target) {
  const baseUrl = `http://${target}`;
  const sessionManager = new Http2SessionManager(baseUrl);
  return { transport: createGrpcTransport({ baseUrl, sessionManager }), close: () => sessionManager.abort() };
}

/** Why, as the contract lists it (NOT_STARTED, CURSOR_EXPIRED, ...); empty where no ledger answered. */
export function reasonOf(error) {
  return ConnectError.from(error).findDetails(ErrorInfoSchema)[0]?.reason ?? "";
}

/** An error in a word: its reason, or its gRPC code where it has none. */
export function whyOf(error) {
  return reasonOf(error) || Code[ConnectError.from(error).code];
}

/**
 * The call may have been carried out, or not: its answer is what is missing. The ledger and gRPC say Unavailable or
 * DeadlineExceeded; of a connection that breaks under a call Connect makes one of the others.
 */
export function isAnswerLost(error) {
  const { code } = ConnectError.from(error);
  return [Code.Unavailable, Code.DeadlineExceeded, Code.Canceled, Code.Aborted, Code.Internal].includes(code);
}

/** The milliseconds after which the ledger asks to be asked again; 0 where it says nothing of that. */
export function retryDelayOf(error) {
  const delay = ConnectError.from(error).findDetails(RetryInfoSchema)[0]?.retryDelay;
  return delay ? durationMs(delay) : 0;
}

/** Milliseconds to wait after the given try (1, 2, ...): twice as long each time, up to 2 s, and never all at once. */
export function backoff(attempt) {
  return Math.min(2_000, 50 * 2 ** attempt) * (0.5 + Math.random() / 2);
}
