package io.stockledger.server.api;

import io.grpc.ForwardingServerCall;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerMethodDefinition;
import io.grpc.ServerServiceDefinition;
import io.grpc.Status;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Timer;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;

/** Measures a service's calls from their arrival to their end: how long each unary one takes, and how many fail. */
final class Measured {
    private Measured() {}

    static ServerServiceDefinition of(ServerServiceDefinition service, ApiMeasurements measurements) {
        ServerServiceDefinition.Builder measured = ServerServiceDefinition.builder(service.getServiceDescriptor());
        service.getMethods().forEach(method -> measured.addMethod(measured(method, measurements)));
        return measured.build();
    }

    private static <Q, A> ServerMethodDefinition<Q, A> measured(ServerMethodDefinition<Q, A> method,
            ApiMeasurements measurements) {
        ServerCallHandler<Q, A> handler = method.getServerCallHandler();
        Method measured = new Method(method.getMethodDescriptor().getBareMethodName(), measurements,
                method.getMethodDescriptor().getType().serverSendsOneMessage());
        return method.withServerCallHandler(
                (call, headers) -> handler.startCall(new Call<>(call, measured), headers));
    }

    /** A method's meters. */
    private static final class Method {
        private final String name;
        private final ApiMeasurements measurements;
        /** Empty for a stream: it lasts as long as its caller likes, which says nothing. */
        private final Optional<Timer> times;
        private final Map<Status.Code, Counter> errors = new ConcurrentHashMap<>();

        Method(String name, ApiMeasurements measurements, boolean timed) {
            this.name = name;
            this.measurements = measurements;
            this.times = timed ? Optional.of(measurements.calls(name)) : Optional.empty();
        }

        void ended(Status status, long sinceNanos) {
            if (times.isPresent()) {
                times.get().record(System.nanoTime() - sinceNanos, TimeUnit.NANOSECONDS);
            }
            if (!status.isOk()) {
                errors.computeIfAbsent(status.getCode(), code -> measurements.errors(name, code.name())).increment();
            }
        }
    }

    private static final class Call<Q, A> extends ForwardingServerCall.SimpleForwardingServerCall<Q, A> {
        private final Method method;
        private final long sinceNanos = System.nanoTime();

        Call(ServerCall<Q, A> call, Method method) {
            super(call);
            this.method = method;
        }

        @Override
        public void close(Status status, Metadata trailers) {
            // Before the answer goes out: who has it can find himself counted.
            method.ended(status, sinceNanos);
            super.close(status, trailers);
        }
    }
}
