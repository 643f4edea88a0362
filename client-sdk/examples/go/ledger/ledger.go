// Package ledger holds what both examples need: a connection to the ledger, and what its errors mean.
package ledger

import (
	"fmt"
	"math/rand/v2"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
)

// Connect makes a connection that comes back soon after the ledger does; by default gRPC would wait for up to two
// minutes.
func Connect(target string) (*grpc.ClientConn, error) {
	again := backoff.DefaultConfig
	again.BaseDelay = 100 * time.Millisecond
	again.MaxDelay = time.Second
	return grpc.NewClient(target,
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithConnectParams(grpc.ConnectParams{Backoff: again, MinConnectTimeout: 5 * time.Second}))
}

// Reason says why, as the contract lists it (NOT_STARTED, CURSOR_EXPIRED, ...); empty where no ledger answered.
func Reason(err error) string {
	info, _ := detail[*errdetails.ErrorInfo](err)
	return info.GetReason()
}

// RetryDelay is how long the ledger asks to be left alone; 0 where it says nothing of that.
func RetryDelay(err error) time.Duration {
	info, _ := detail[*errdetails.RetryInfo](err)
	return info.GetRetryDelay().AsDuration()
}

// Why names an error in a word: its reason, or its gRPC code where it has none.
func Why(err error) string {
	if reason := Reason(err); reason != "" {
		return reason
	}
	return status.Code(err).String()
}

// Explain puts the reason, where there is one, in front of what the error says.
func Explain(err error) error {
	if reason := Reason(err); reason != "" {
		return fmt.Errorf("%s: %w", reason, err)
	}
	return err
}

// AnswerLost tells that the call may have been carried out, or not: its answer is what is missing.
func AnswerLost(err error) bool {
	code := status.Code(err)
	return code == codes.Unavailable || code == codes.DeadlineExceeded
}

// Backoff is how long to wait after the given try (1, 2, ...): twice as long each time, up to 2 s, and never all at
// once.
func Backoff(try int) time.Duration {
	longest := min(2*time.Second, 50*time.Millisecond<<min(try, 10))
	return longest/2 + rand.N(longest/2)
}

// detail finds what the ledger put beside the status.
func detail[T any](err error) (found T, ok bool) {
	for _, packed := range status.Convert(err).Details() {
		if found, ok = packed.(T); ok {
			break
		}
	}
	return found, ok
}
