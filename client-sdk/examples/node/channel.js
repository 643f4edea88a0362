#!/usr/bin/env node
// A channel: follows the ledger's feed, keeps a local view of stock, and knows how old it is.
//
//   node channel.js --state channel.json
//
// Ctrl-C ends it; started again it goes on where it was.

import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { EntryKind } from "./gen/stockledger/v1/entry_pb.js";
import { FeedService } from "./gen/stockledger/v1/feed_service_pb.js";
import { backoff, connect, reasonOf, whyOf } from "./ledger.js";
import { FeedClock, View } from "./view.js";

const HEARTBEAT_MS = 1_000; // between messages at most, as asked of the ledger
const SILENCE_MS = 5 * HEARTBEAT_MS; // a feed without a message for so long is broken, whatever the connection says
const SAVE_EVERY_MS = 1_000; // what is lost with a crash is told again

/** The request is wrong, or the journal is damaged: to come back would change nothing. */
const FOR_GOOD = [
  Code.InvalidArgument,
  Code.FailedPrecondition,
  Code.Unimplemented,
  Code.Unauthenticated,
  Code.PermissionDenied,
  Code.DataLoss,
];

/** One channel's view of stock: `view` may be read at any time, `clock.staleness` says how old it is. */
class Channel {
  clock = new FeedClock();
  applied = 0;
  repeats = 0;
  #gathering = []; // initial stock that is not complete yet
  #saved = -Infinity;
  #failures = 0;

  constructor(feed, { state, skuPrefix = "", channel = "web" }) {
    this.feed = feed;
    this.state = state;
    this.channel = channel;
    // SKUs may be chosen. Locations, channels or kinds may not: without every entry of a SKU its balances would be
    // wrong.
    this.filter = { skuPrefix };
    this.view = View.load(state);
  }

  /** Follows the feed, over any number of broken connections, until the signal aborts. */
  async follow(signal) {
    const { view } = this;
    console.log(view.cursor.length ? `resuming with ${view.skus.size} SKUs` : "beginning with initial stock");
    try {
      while (!signal.aborted) {
        const why = await this.#listen(signal);
        if (signal.aborted || !why) continue;
        if (++this.#failures === 1) {
          console.log(`lost the ledger (${why}); the view is ${this.age()}; trying until it is back`);
        }
        await sleep(backoff(this.#failures), undefined, { signal }).catch(() => {});
      }
    } finally {
      if (view.cursor.length) view.save(this.state);
    }
  }

  /** How old the view may be, for people. */
  age() {
    const { staleness } = this.clock;
    return staleness === Infinity ? "of unknown age" : `${Math.ceil(staleness)} ms old`;
  }

  /** One subscription, until it breaks: says why, or nothing where the next one should begin at once. */
  async #listen(signal) {
    const silence = new AbortController();
    const watchdog = setTimeout(() => silence.abort(), SILENCE_MS);
    this.#gathering = [];
    const start = this.view.cursor.length
      ? { start: { case: "afterCursor", value: this.view.cursor } }
      : { start: { case: "fromNow", value: true }, initialStock: true };
    try {
      const messages = this.feed.subscribe(
        { filter: this.filter, heartbeatIntervalMs: HEARTBEAT_MS, ...start },
        { signal: AbortSignal.any([signal, silence.signal]) },
      );
      for await (const message of messages) {
        watchdog.refresh();
        this.#take(message);
        this.#failures = 0;
      }
      return "it ended the stream";
    } catch (error) {
      if (silence.signal.aborted) return "no heartbeat";
      if (signal.aborted) return "";
      if (reasonOf(error) === "CURSOR_EXPIRED") {
        // The ledger came back from a backup, perhaps without entries that this view has applied.
        console.log("the cursor has expired: beginning again with initial stock");
        this.view.cursor = new Uint8Array();
        return "";
      }
      if (!(error instanceof ConnectError) || FOR_GOOD.includes(error.code)) throw error;
      return whyOf(error);
    } finally {
      clearTimeout(watchdog);
    }
  }

  #take(message) {
    // Initial stock is gathered beside the old view, which stays readable until the new one is whole.
    this.#gathering.push(...message.stocks);
    if (message.stockComplete) {
      this.view.begin(this.#gathering);
      this.#gathering = [];
      console.log(`initial stock of ${this.view.skus.size} SKUs`);
    }
    for (const entry of message.entries) {
      if (this.view.apply(entry)) {
        this.applied++;
        this.#show(entry);
      } else {
        this.repeats++;
      }
    }
    // There is none in the middle of initial stock.
    if (message.cursor.length) this.view.cursor = message.cursor;
    this.clock.told(message.ledgerTime, message.completeTime);
    if (message.caughtUp) console.log(`caught up, ${this.age()}`);
    // Not after each message: a view of a million SKUs is not written anew for each sale. A cursor that is kept late is
    // safe, since its view is as old; one that is kept early is not.
    if (this.view.cursor.length && performance.now() - this.#saved >= SAVE_EVERY_MS) {
      this.view.save(this.state);
      this.#saved = performance.now();
    }
  }

  #show({ sku, sequence, kind }) {
    const left = this.view.skus.get(sku).availableToSell(this.channel);
    console.log(`${sku} #${sequence} ${EntryKind[kind]?.toLowerCase() ?? kind}: ${left} to sell on ${this.channel}`);
  }
}

const { values } = parseArgs({
  options: {
    target: { type: "string", default: "127.0.0.1:7400" },
    state: { type: "string", default: "channel.json" },
    "sku-prefix": { type: "string", default: "" },
    channel: { type: "string", default: "web" },
  },
});
const connection = connect(values.target);
const stop = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => stop.abort());
const feed = createClient(FeedService, connection.transport);
const channel = new Channel(feed, { state: values.state, skuPrefix: values["sku-prefix"], channel: values.channel });
try {
  await channel.follow(stop.signal);
  console.log(
    `stopped: ${channel.view.skus.size} SKUs, ${channel.applied} entries applied,` +
      ` ${channel.repeats} repeats dropped, ${channel.age()}`,
  );
} catch (error) {
  console.error(error instanceof ConnectError ? `${whyOf(error)}: ${error.message}` : error.message);
  process.exitCode = 1;
} finally {
  connection.close();
}
