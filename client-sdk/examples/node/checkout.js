#!/usr/bin/env node
// A checkout: hold the units while the shopper pays, commit them when the order is placed, let them leave.
//
//   node checkout.js MUG-GREEN order-1001
//
// Run it twice with the same order: nothing happens twice. Exit code 2: the ledger refused.

import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { create } from "@bufbuild/protobuf";
import { timestampDate, timestampFromMs } from "@bufbuild/protobuf/wkt";
import { ConnectError, createClient } from "@connectrpc/connect";
import { LedgerService } from "./gen/stockledger/v1/ledger_service_pb.js";
import { MutationSchema, RefusalReason } from "./gen/stockledger/v1/mutation_pb.js";
import { backoff, connect, isAnswerLost, retryDelayOf, whyOf } from "./ledger.js";

const HOLD_SECONDS = 15n * 60n;
const ONE_TRY_MS = 5_000; // what one copy of a mutation may take
const PATIENCE_MS = 30_000; // how long the ledger may still decide it, whichever copy arrives

/**
 * Asks for one mutation until there is an answer: `{ case: "applied" | "refusal", value }`. A refusal is an answer, not
 * an error.
 *
 * Where an answer was lost, the mutation may be in the journal or not: the same bytes are sent again. The ledger knows
 * the id, so it is applied once, however often it travels.
 */
async function ask(ledger, fields) {
  const mutation = create(MutationSchema, {
    ...fields,
    // Past this time, by its own clock, the ledger decides no copy any more. Without it a copy that the network held
    // back could still take the units after this shopper was told "try later" and left.
    notAfter: timestampFromMs(Date.now() + PATIENCE_MS),
  });
  // A little longer than that, to hear the last word: the outcome, or NOT_AFTER_PASSED (not applied, and never).
  const giveUp = performance.now() + PATIENCE_MS + 2 * ONE_TRY_MS;
  for (let attempt = 1; ; attempt++) {
    try {
      const { result } = await ledger.applyMutation({ mutation }, { timeoutMs: ONE_TRY_MS });
      return result.outcome;
    } catch (error) {
      const wait = retryDelayOf(error) || (isAnswerLost(error) ? backoff(attempt) : 0);
      // The caller's mistake, or nobody to ask: the same id may be asked again, even tomorrow.
      if (!wait || performance.now() + wait > giveUp) throw error;
      console.error(`no answer (${whyOf(error)}); sending ${mutation.mutationId} again in ${Math.round(wait)} ms`);
      await sleep(wait);
    }
  }
}

/** Sells under the order's own key. Whoever runs it again after a crash gets the same reservation, not another. */
async function buy(ledger, sku, order, quantity) {
  const held = await ask(ledger, {
    mutationId: order,
    sku,
    channel: "web",
    reference: order,
    operation: { case: "reserve", value: { quantity, timeToLive: { seconds: HOLD_SECONDS } } },
  });
  if (held.case === "refusal") {
    console.log(`sorry: ${RefusalReason[held.value.reason]}, ${held.value.available} available`);
    return false;
  }
  console.log(`held ${quantity} ${sku} until ${timestampDate(held.value.expiresAt).toISOString()}${again(held.value)}`);

  // ... the shopper pays. The units are promised to the order; the hold no longer expires.
  for (const [step, operation] of [["placed", "commit"], ["left", "fulfill"]]) {
    const done = await ask(ledger, {
      mutationId: `${order}/${step}`,
      sku,
      operation: { case: operation, value: { reservationId: order } },
    });
    if (done.case === "refusal") { // the hold had expired before the shopper paid
      console.log(`not ${step}: ${RefusalReason[done.value.reason]}`);
      return false;
    }
    console.log(`${step}, entry ${done.value.sequence}${again(done.value)}`);
  }
  return true;
}

const again = (applied) => (applied.replayed ? " (replayed: it was so before this call)" : "");

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    target: { type: "string", default: "127.0.0.1:7400" },
    quantity: { type: "string", default: "1" },
  },
});
if (positionals.length !== 2) {
  console.error("usage: node checkout.js SKU ORDER [--quantity N] [--target HOST:PORT]");
  console.error("ORDER is the order's own key, up to 57 characters.");
  process.exit(1);
}
const [sku, order] = positionals;
const connection = connect(values.target);
try {
  const sold = await buy(createClient(LedgerService, connection.transport), sku, order, BigInt(values.quantity));
  process.exitCode = sold ? 0 : 2;
} catch (error) {
  console.error(error instanceof ConnectError ? `${whyOf(error)}: ${error.message}` : error.message);
  process.exitCode = 1;
} finally {
  connection.close();
}
