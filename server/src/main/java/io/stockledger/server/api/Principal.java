package io.stockledger.server.api;

import io.grpc.Context;
import io.grpc.Contexts;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.StatusRuntimeException;

/**
 * Who asks, as the caller says in the metadata {@code stockledger-principal}. The ledger writes it down and does not
 * check it: it listens on loopback, or behind whatever checks callers.
 */
final class Principal implements ServerInterceptor {
    private static final Metadata.Key<String> HEADER =
            Metadata.Key.of("stockledger-principal", Metadata.ASCII_STRING_MARSHALLER);
    private static final Context.Key<String> NAME = Context.keyWithDefault("principal", "");

    /** Of the call that this thread works on; empty: it named none. */
    static String current() {
        return NAME.get();
    }

    @Override
    public <Q, A> ServerCall.Listener<Q> interceptCall(ServerCall<Q, A> call, Metadata headers,
            ServerCallHandler<Q, A> next) {
        String name = headers.get(HEADER);
        if (name == null) {
            return next.startCall(call, headers);
        }
        try {
            String checked = Fields.text("stockledger-principal", name, Fields.PRINCIPAL_MAX);
            return Contexts.interceptCall(Context.current().withValue(NAME, checked), call, headers, next);
        } catch (InvalidRequest e) {
            StatusRuntimeException status = Errors.exception(e.status());
            call.close(status.getStatus(), status.getTrailers());
            return new ServerCall.Listener<>() {};
        }
    }
}
