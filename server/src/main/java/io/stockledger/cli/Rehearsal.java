package io.stockledger.cli;

import io.grpc.Server;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.StreamObserver;
import io.stockledger.v1.AdminServiceGrpc;
import io.stockledger.v1.Applied;
import io.stockledger.v1.ApplyMutationRequest;
import io.stockledger.v1.ApplyMutationResponse;
import io.stockledger.v1.AuditRequest;
import io.stockledger.v1.AuditResponse;
import io.stockledger.v1.AuditTotal;
import io.stockledger.v1.AuditVerdict;
import io.stockledger.v1.Entry;
import io.stockledger.v1.EntryKind;
import io.stockledger.v1.GetStockRequest;
import io.stockledger.v1.GetStockResponse;
import io.stockledger.v1.LedgerServiceGrpc;
import io.stockledger.v1.ListEntriesRequest;
import io.stockledger.v1.ListEntriesResponse;
import io.stockledger.v1.LocationBalance;
import io.stockledger.v1.MutationResult;
import io.stockledger.v1.Refusal;
import io.stockledger.v1.Stock;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.InetSocketAddress;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;

/**
 * Runs the everyday verbs once, against a stand-in that knows one answer each,
 * so that the launcher can archive the classes that they load. For the launcher
 * only.
 */
@Command(name = "rehearse", hidden = true)
final class Rehearsal implements Callable<Integer> {
    @Override
    public Integer call() throws IOException {
        Server server = NettyServerBuilder.forAddress(new InetSocketAddress("127.0.0.1", 0)).addService(new StandIn())
                .addService(new AuditStandIn()).build().start();
        String target = "127.0.0.1:" + server.getPort();
        int code = 0;
        code |= run("--help");
        code |= run("receive", "--help");
        code |= run("receive", "MUG", "6", "--target", target);
        code |= run("receive", "MUG", "6", "--json", "--target", target);
        code |= run("stock", "MUG", "--target", target);
        code |= run("stock", "MUG", "--json", "--target", target);
        code |= run("entries", "MUG", "--target", target);
        code |= run("audit", "MUG", "--target", target);
        // Refused, and a bad usage: their codes are as they should be.
        code |= run("sell", "MUG", "7", "--target", target) ^ Stockledger.REFUSED;
        code |= run("stok") ^ Stockledger.ERROR;
        server.shutdownNow();
        return code;
    }

    static int run(String... args) {
        return Stockledger.run(args, new PrintWriter(new StringWriter()), new PrintWriter(System.err, true));
    }

    private static <T> void answer(StreamObserver<T> reply, T message) {
        reply.onNext(message);
        reply.onCompleted();
    }

    private static final class AuditStandIn extends AdminServiceGrpc.AdminServiceImplBase {
        @Override
        public void audit(AuditRequest request, StreamObserver<AuditResponse> reply) {
            reply.onNext(AuditResponse.newBuilder().setVerdict(AuditVerdict.newBuilder().setSku(request.getSkus(0)).setClean(true)).build());
            answer(reply, AuditResponse.newBuilder().setTotal(AuditTotal.newBuilder().setSkus(1).setClean(true)).build());
        }
    }

    private static final class StandIn extends LedgerServiceGrpc.LedgerServiceImplBase {
        private static final LocationBalance BALANCE = LocationBalance.newBuilder().setLocation("main").setAvailable(6).build();

        @Override
        public void applyMutation(ApplyMutationRequest request, StreamObserver<ApplyMutationResponse> reply) {
            MutationResult.Builder result = MutationResult.newBuilder().setMutationId(request.getMutation().getMutationId());
            if (request.getMutation().hasSell()) {
                result.setRefusal(Refusal.getDefaultInstance());
            } else {
                result.setApplied(Applied.newBuilder().setSequence(1).addBalances(BALANCE));
            }
            answer(reply, ApplyMutationResponse.newBuilder().setResult(result).build());
        }

        @Override
        public void getStock(GetStockRequest request, StreamObserver<GetStockResponse> reply) {
            answer(reply, GetStockResponse.newBuilder()
                    .setStock(Stock.newBuilder().setSku(request.getSku()).setSequence(1).addBalances(BALANCE)).build());
        }

        @Override
        public void listEntries(ListEntriesRequest request, StreamObserver<ListEntriesResponse> reply) {
            answer(reply, ListEntriesResponse.newBuilder()
                    .addEntries(Entry.newBuilder().setSku(request.getSku()).setSequence(1).setKind(EntryKind.ENTRY_KIND_RECEIVE).addBalances(BALANCE))
                    .build());
        }
    }
}
