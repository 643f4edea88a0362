package io.stockledger.loadtest.baseline;

import io.grpc.health.v1.HealthCheckRequest;
import io.grpc.health.v1.HealthCheckResponse;
import io.grpc.health.v1.HealthGrpc;
import io.grpc.health.v1.HealthGrpc.HealthStub;
import io.grpc.stub.StreamObserver;
import io.stockledger.loadtest.engine.Callers;
import io.stockledger.loadtest.engine.Ground;
import io.stockledger.loadtest.engine.Settings;
import io.stockledger.loadtest.engine.Workload;
import io.stockledger.loadtest.figure.Figure;
import io.stockledger.loadtest.workload.Plots;
import java.util.List;
import java.util.stream.IntStream;

/** The ceiling of unary gRPC on this machine: health's Check on the same server, which does nothing and writes nothing. */
public final class EmptyCalls implements Workload {
    @Override
    public String name() {
        return "empty-unary";
    }

    @Override
    public String group() {
        return "baseline";
    }

    @Override
    public String about() {
        return "ceiling: an empty unary call on the same server (health's Check), 1 to 512 callers";
    }

    @Override
    public double seconds(Settings settings) {
        return settings.seconds(RowLock.CALLERS.size());
    }

    @Override
    public void run(Ground ground) throws Exception {
        List<HealthStub> stubs = IntStream.range(0, ground.settings().connections())
                .mapToObj(i -> HealthGrpc.newStub(ground.channel(i))).toList();
        for (int callers : RowLock.CALLERS) {
            String name = "empty-unary-" + callers;
            ground.add(Figure.of(name, "empty unary call, " + Plots.callers(callers), ground.peak(name, Callers.unary(callers,
                    (int caller, StreamObserver<HealthCheckResponse> answer) ->
                            stubs.get(caller % stubs.size()).check(HealthCheckRequest.getDefaultInstance(), answer),
                    answer -> {})).rounds(), "calls/s").on(Plots.HOT.at("empty unary call", callers)));
        }
    }
}
