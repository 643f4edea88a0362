// What both examples promise, against the ledger at $STOCKLEDGER (host:port).
//
// $STOCKLEDGER_RESTART may name a command that kills that ledger and starts it again: it is run in the middle.
package examples_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/encoding/protojson"

	"stockledger.io/examples/ledger"
	pb "stockledger.io/examples/stockledgerv1"
)

var (
	target   = os.Getenv("STOCKLEDGER")
	restart  = os.Getenv("STOCKLEDGER_RESTART")
	programs string // the folder of the two, built
)

func TestMain(m *testing.M) {
	if target == "" {
		fmt.Println("set STOCKLEDGER to the host:port of a ledger, or call test.sh")
		os.Exit(1)
	}
	folder, err := os.MkdirTemp("", "stockledger-examples-")
	if err != nil {
		panic(err)
	}
	programs = folder
	build := exec.Command("go", "build", "-o", folder, "./checkout", "./channel")
	build.Stderr = os.Stderr
	code := 1
	if build.Run() == nil {
		code = m.Run()
	}
	os.RemoveAll(folder)
	os.Exit(code)
}

func TestTheLastUnitIsSoldOnceAndASecondRunIsReplayed(t *testing.T) {
	shop := open(t)
	sku := shop.receive("MUG", 1)
	first := shop.checkout(sku, "order-1")
	if first.code != 0 || strings.Contains(first.out, "replayed") {
		t.Fatal(first)
	}
	again := shop.checkout(sku, "order-1")
	if again.code != 0 || strings.Count(again.out, "replayed") != 3 {
		t.Fatal(again)
	}
	entries, err := shop.ledger.ListEntries(t.Context(), &pb.ListEntriesRequest{Sku: sku})
	if err != nil || len(entries.Entries) != 4 {
		t.Fatal(entries, err)
	}
	late := shop.checkout(sku, "order-2")
	if late.code != 2 || late.out != "sorry: INSUFFICIENT_STOCK, 0 available\n" {
		t.Fatal(late)
	}
}

func TestARestartInTheMiddleLosesNothingAndSellsNothingTwice(t *testing.T) {
	shop := open(t)
	skus := []string{shop.receive("MUG", 5), shop.receive("PEN", 5)}
	channel := shop.channel()
	shop.awaitViewOf(skus...)

	var tills sync.WaitGroup
	orders := make(chan int)
	done := make(chan ran, 12)
	for range 3 {
		tills.Go(func() {
			for n := range orders {
				done <- shop.checkout(skus[n%2], fmt.Sprint("order-", n))
			}
		})
	}
	for n := range 12 {
		if n == 6 && restart != "" {
			tills.Go(func() {
				if told, err := exec.Command(restart).CombinedOutput(); err != nil {
					t.Errorf("%v: %s", err, told)
				}
			})
		}
		orders <- n
	}
	close(orders)
	tills.Wait()
	close(done)
	codes := map[int]int{}
	met := false
	for order := range done {
		codes[order.code]++
		met = met || strings.Contains(order.err, "again in")
	}
	if codes[0] != 10 || codes[2] != 2 {
		t.Fatalf("exit codes: %v", codes)
	}
	shop.awaitViewOf(skus...)
	output := channel.stop()
	if restart != "" && (!met || !strings.Contains(output, "lost the ledger")) {
		t.Fatalf("the restart was met by a checkout: %v, and by the channel: %s", met, output)
	}

	// What happens while nobody listens is there after a resume.
	shop.receive("MUG", 7)
	skus = append(skus, shop.receive("CUP", 1))
	channel = shop.channel()
	shop.awaitViewOf(skus...)
	output = channel.stop()
	if !strings.Contains(output, "resuming with 2 SKUs") || strings.Contains(output, "initial stock") {
		t.Fatal(output)
	}
}

func TestRepeatsAreDropped(t *testing.T) {
	shop := open(t)
	sku := shop.receive("MUG", 1)
	channel := shop.channel()
	shop.awaitViewOf(sku)
	channel.stop()
	early := shop.kept().Cursor
	shop.receive("MUG", 1)
	shop.receive("MUG", 1)
	channel = shop.channel()
	shop.awaitViewOf(sku)
	channel.stop()

	// A view that is ahead of its cursor: the feed tells again what it has applied.
	shop.keepCursor(early)
	shop.receive("MUG", 1)
	channel = shop.channel()
	shop.awaitViewOf(sku)
	if output := channel.stop(); !strings.Contains(output, "1 entries applied, 2 repeats dropped") {
		t.Fatal(output)
	}
}

func TestAnExpiredCursorBeginsAgainWithInitialStock(t *testing.T) {
	shop := open(t)
	sku := shop.receive("MUG", 1)
	channel := shop.channel()
	shop.awaitViewOf(sku)
	channel.stop()
	shop.receive("MUG", 1)

	// A cursor is opaque. This one is made by hand, because only a ledger that came back from a backup expires one:
	// format, ledger's id, feed epoch (here 0, before the first), place, checksum.
	cursor := shop.kept().Cursor
	end := len(cursor) - 4
	clear(cursor[17:21])
	binary.BigEndian.PutUint32(cursor[end:], crc32.ChecksumIEEE(cursor[:end]))
	shop.keepCursor(cursor)
	channel = shop.channel()
	shop.awaitViewOf(sku)
	if output := channel.stop(); !strings.Contains(output, "initial stock of 1 SKUs") {
		t.Fatal(output)
	}
}

// shop is one test's own corner of the ledger: SKUs and ids with a prefix of its own, and a channel's state.
type shop struct {
	t      *testing.T
	ledger pb.LedgerServiceClient
	prefix string
	state  string
}

// kept is the channel's state as it is in its file.
type kept struct {
	Cursor []byte         `json:"cursor"`
	SKUs   map[string]any `json:"skus"`
}

func open(t *testing.T) *shop {
	connection, err := ledger.Connect(target)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { connection.Close() })
	return &shop{
		t:      t,
		ledger: pb.NewLedgerServiceClient(connection),
		prefix: fmt.Sprintf("go-%x/", time.Now().UnixNano()),
		state:  filepath.Join(t.TempDir(), "channel.json"),
	}
}

func (s *shop) receive(name string, quantity int64) string {
	ctx, cancel := context.WithTimeout(s.t.Context(), 10*time.Second)
	defer cancel()
	sku := s.prefix + name
	_, err := s.ledger.ApplyMutation(ctx, &pb.ApplyMutationRequest{Mutation: &pb.Mutation{
		MutationId: fmt.Sprintf("%s%x", s.prefix, time.Now().UnixNano()),
		Sku:        sku,
		Operation:  &pb.Mutation_Receive{Receive: &pb.Receive{Quantity: quantity}},
	}}, grpc.WaitForReady(true))
	if err != nil {
		s.t.Fatal(err)
	}
	return sku
}

type ran struct {
	code     int
	out, err string
}

// checkout runs the program; one that hears nothing (exit code 1) is run again, with the same order.
func (s *shop) checkout(sku, order string) (done ran) {
	said := ""
	for range 3 {
		done = s.checkoutOnce(sku, order)
		said += done.err
		if done.code != 1 {
			break
		}
	}
	done.err = said
	return done
}

func (s *shop) checkoutOnce(sku, order string) ran {
	command := exec.Command(filepath.Join(programs, "checkout"), "-target", target, sku, s.prefix+order)
	var out, err bytes.Buffer
	command.Stdout, command.Stderr = &out, &err
	if failed := command.Run(); failed != nil && !errors.As(failed, new(*exec.ExitError)) {
		s.t.Error(failed)
		return ran{code: -1}
	}
	return ran{command.ProcessState.ExitCode(), out.String(), err.String()}
}

// channel starts the channel program.
func (s *shop) channel() *running {
	c := &running{t: s.t}
	c.command = exec.Command(filepath.Join(programs, "channel"), "-target", target, "-state", s.state, "-sku-prefix", s.prefix)
	c.command.Stdout, c.command.Stderr = &c.output, &c.output
	if err := c.command.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { c.command.Process.Kill() })
	return c
}

type running struct {
	t       *testing.T
	command *exec.Cmd
	output  bytes.Buffer
}

// stop ends the program as Ctrl-C does, and gives what it printed.
func (r *running) stop() string {
	r.command.Process.Signal(os.Interrupt)
	if err := r.command.Wait(); err != nil {
		r.t.Fatal(err, r.output.String())
	}
	return r.output.String()
}

// awaitViewOf waits until the kept view is the ledger's own stock, SKU by SKU, bucket by bucket.
func (s *shop) awaitViewOf(skus ...string) {
	s.t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(100 * time.Millisecond) {
		view, stock := s.kept().SKUs, s.ledgersStock(skus)
		if reflect.DeepEqual(view, stock) {
			return
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("%v\nis not\n%v", view, stock)
		}
	}
}

func (s *shop) kept() (state kept) {
	file, err := os.ReadFile(s.state)
	if errors.Is(err, os.ErrNotExist) {
		return state
	}
	if err == nil {
		err = json.Unmarshal(file, &state)
	}
	if err != nil {
		s.t.Fatal(err)
	}
	return state
}

func (s *shop) keepCursor(cursor []byte) {
	state := s.kept()
	state.Cursor = cursor
	file, err := json.Marshal(state)
	if err == nil {
		err = os.WriteFile(s.state, file, 0o644)
	}
	if err != nil {
		s.t.Fatal(err)
	}
}

// ledgersStock is what the ledger says, in the form of the kept view.
func (s *shop) ledgersStock(skus []string) map[string]any {
	ctx, cancel := context.WithTimeout(s.t.Context(), 10*time.Second)
	defer cancel()
	answer, err := s.ledger.BatchGetStock(ctx, &pb.BatchGetStockRequest{Skus: skus}, grpc.WaitForReady(true))
	if err != nil {
		s.t.Fatal(err)
	}
	stocks := map[string]any{}
	for _, stock := range answer.Stocks {
		balances := map[string]any{}
		for _, balance := range stock.Balances {
			text, err := protojson.Marshal(balance)
			var told any
			if err == nil {
				err = json.Unmarshal(text, &told)
			}
			if err != nil {
				s.t.Fatal(err)
			}
			balances[balance.Location] = told
		}
		stocks[stock.Sku] = map[string]any{"sequence": float64(stock.Sequence), "balances": balances}
	}
	return stocks
}
