#!/usr/bin/env python3
"""A checkout: hold the units while the shopper pays, commit them when the order is placed, let them leave.

    python checkout.py MUG-GREEN order-1001

Run it twice with the same order: nothing happens twice. Exit code 2: the ledger refused.
"""

import argparse
import asyncio
import sys
import time
from datetime import datetime, timedelta, timezone

import grpc
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp
from stockledger.v1.ledger_service_pb2 import ApplyMutationRequest
from stockledger.v1.ledger_service_pb2_grpc import LedgerServiceStub
from stockledger.v1.mutation_pb2 import Applied, Commit, Fulfill, Mutation, Refusal, RefusalReason, Reserve

from ledger import backoff, connect, reason, retry_delay

HOLD = Duration(seconds=15 * 60)
ONE_TRY = 5.0  # seconds that one copy of a mutation may take
PATIENCE = 30.0  # seconds for which the ledger may still decide it, whichever copy arrives


async def ask(ledger: LedgerServiceStub, mutation: Mutation) -> Applied | Refusal:
    """Asks for one mutation until there is an answer. A refusal is an answer, not an error.

    Where an answer was lost, the mutation may be in the journal or not: the same bytes are sent again. The ledger
    knows the id, so it is applied once, however often it travels.
    """
    # Past this time, by its own clock, the ledger decides no copy any more. Without it a copy that the network held
    # back could still take the units after this shopper was told "try later" and left.
    not_after = Timestamp()
    not_after.FromDatetime(datetime.now(timezone.utc) + timedelta(seconds=PATIENCE))
    mutation.not_after.CopyFrom(not_after)
    request = ApplyMutationRequest(mutation=mutation)

    # A little longer than that, to hear the last word: the outcome, or NOT_AFTER_PASSED (not applied, and never).
    give_up = time.monotonic() + PATIENCE + 2 * ONE_TRY
    attempt = 0
    while True:
        attempt += 1
        try:
            result = (await ledger.ApplyMutation(request, timeout=ONE_TRY)).result
            return result.applied if result.HasField("applied") else result.refusal
        except grpc.aio.AioRpcError as error:
            lost = error.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)
            wait = retry_delay(error) or (backoff(attempt) if lost else 0)
            if not wait or time.monotonic() + wait > give_up:
                raise  # the caller's mistake, or nobody to ask: the same id may be asked again, even tomorrow
            why = reason(error) or error.code().name
            print(f"no answer ({why}); sending {mutation.mutation_id} again in {wait:.2f} s", file=sys.stderr)
            await asyncio.sleep(wait)


async def buy(ledger: LedgerServiceStub, sku: str, order: str, quantity: int) -> bool:
    """Sells under the order's own key. Whoever runs it again after a crash gets the same reservation, not another."""
    held = await ask(
        ledger,
        Mutation(
            mutation_id=order,
            sku=sku,
            channel="web",
            reference=order,
            reserve=Reserve(quantity=quantity, time_to_live=HOLD),
        ),
    )
    if isinstance(held, Refusal):
        why = RefusalReason.Name(held.reason).removeprefix("REFUSAL_REASON_")
        print(f"sorry: {why}, {held.available} available")
        return False
    print(f"held {quantity} {sku} until {held.expires_at.ToJsonString()}{_again(held)}")

    # ... the shopper pays. The units are promised to the order; the hold no longer expires.
    steps = {
        "placed": Mutation(mutation_id=f"{order}/placed", sku=sku, commit=Commit(reservation_id=order)),
        "left": Mutation(mutation_id=f"{order}/left", sku=sku, fulfill=Fulfill(reservation_id=order)),
    }
    for step, mutation in steps.items():
        done = await ask(ledger, mutation)
        if isinstance(done, Refusal):  # the hold had expired before the shopper paid
            print(f"not {step}: {RefusalReason.Name(done.reason).removeprefix('REFUSAL_REASON_')}")
            return False
        print(f"{step}, entry {done.sequence}{_again(done)}")
    return True


def _again(applied: Applied) -> str:
    return " (replayed: it was so before this call)" if applied.replayed else ""


async def main() -> int:
    parser = argparse.ArgumentParser(description="Buys units of a SKU for an order.")
    parser.add_argument("sku")
    parser.add_argument("order", help="the order's own key, up to 57 characters")
    parser.add_argument("quantity", type=int, nargs="?", default=1)
    parser.add_argument("--target", default="127.0.0.1:7400", metavar="HOST:PORT", help="the ledger")
    asked = parser.parse_args()
    async with connect(asked.target) as connection:
        try:
            sold = await buy(LedgerServiceStub(connection), asked.sku, asked.order, asked.quantity)
            return 0 if sold else 2
        except grpc.aio.AioRpcError as error:
            print(f"{error.code().name} {reason(error)}: {error.details()}", file=sys.stderr)
            return 1


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
