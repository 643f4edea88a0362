"""What both examples need: a connection to the ledger, and what its errors mean."""

import random
from typing import TypeVar

import grpc
from google.protobuf.message import Message
from google.rpc.error_details_pb2 import ErrorInfo, RetryInfo
from grpc_status import rpc_status

T = TypeVar("T", bound=Message)


def connect(address: str) -> grpc.aio.Channel:
    """A connection that comes back soon after the ledger does: gRPC alone would wait for up to two minutes."""
    return grpc.aio.insecure_channel(address, options=[("grpc.max_reconnect_backoff_ms", 1_000)])


def reason(error: grpc.aio.AioRpcError) -> str:
    """Why, as the contract lists it (NOT_STARTED, CURSOR_EXPIRED, ...); empty where no ledger answered."""
    return _detail(error, ErrorInfo()).reason


def retry_delay(error: grpc.aio.AioRpcError) -> float:
    """The seconds after which the ledger asks to be asked again; 0 where it says nothing of that."""
    return _detail(error, RetryInfo()).retry_delay.ToTimedelta().total_seconds()


def backoff(attempt: int) -> float:
    """Seconds to wait after the given try (1, 2, ...): twice as long each time, up to 2, and never all at once."""
    return min(2.0, 0.05 * 2 ** min(attempt, 10)) * random.uniform(0.5, 1.0)


def _detail(error: grpc.aio.AioRpcError, detail: T) -> T:
    """Fills `detail` from what the ledger put beside the status, if it is there."""
    status = rpc_status.from_call(error)
    for packed in status.details if status else ():
        if packed.Unpack(detail):
            break
    return detail
