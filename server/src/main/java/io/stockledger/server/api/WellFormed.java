package io.stockledger.server.api;

import io.grpc.ForwardingServerCallListener;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerMethodDefinition;
import io.grpc.ServerServiceDefinition;
import io.grpc.ServiceDescriptor;
import io.grpc.Status.Code;
import io.grpc.StatusRuntimeException;
import java.io.ByteArrayInputStream;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.List;

/**
 * Answers bytes that are no message of their call (noise, text that is no UTF-8) with a status of the contract. The
 * library alone would answer UNKNOWN, as if the ledger were broken, and log a stack trace for each.
 */
final class WellFormed {
    private WellFormed() {}

    /** The service, with its requests checked. */
    static ServerServiceDefinition of(ServerServiceDefinition service) {
        List<ServerMethodDefinition<?, ?>> methods = new ArrayList<>();
        service.getMethods().forEach(method -> methods.add(checked(method)));
        return service(service.getServiceDescriptor(), methods);
    }

    /** A service of the contract with these methods in place of its own. */
    static ServerServiceDefinition service(ServiceDescriptor contract, List<ServerMethodDefinition<?, ?>> methods) {
        ServiceDescriptor.Builder descriptor = ServiceDescriptor.newBuilder(contract.getName())
                .setSchemaDescriptor(contract.getSchemaDescriptor());
        methods.forEach(method -> descriptor.addMethod(method.getMethodDescriptor()));
        ServerServiceDefinition.Builder service = ServerServiceDefinition.builder(descriptor.build());
        methods.forEach(service::addMethod);
        return service.build();
    }

    private static <Q, A> ServerMethodDefinition<Q, A> checked(ServerMethodDefinition<Q, A> method) {
        MethodDescriptor<Q, A> contract = method.getMethodDescriptor();
        Reader<Q> reader = new Reader<>(contract.getRequestMarshaller());
        ServerCallHandler<Q, A> handler = method.getServerCallHandler();
        return ServerMethodDefinition.create(contract.toBuilder(reader, contract.getResponseMarshaller()).build(),
                (call, headers) -> new Listener<>(call, reader, handler.startCall(call, headers),
                        contract.getType().clientSendsOneMessage()));
    }

    /** Reads requests; in place of one that can't be read it gives a message that stands for it. */
    private static final class Reader<Q> implements MethodDescriptor.Marshaller<Q> {
        private final MethodDescriptor.Marshaller<Q> contract;
        /** An instance of its own, known by identity: an exception thrown here is out of our hands. */
        private final Q malformed;

        Reader(MethodDescriptor.Marshaller<Q> contract) {
            this.contract = contract;
            this.malformed = contract.parse(new ByteArrayInputStream(new byte[0]));
        }

        @Override
        public InputStream stream(Q request) {
            return contract.stream(request);
        }

        @Override
        public Q parse(InputStream bytes) {
            try {
                return contract.parse(bytes);
            } catch (StatusRuntimeException unreadable) {
                return malformed;
            }
        }
    }

    private static final class Listener<Q> extends ForwardingServerCallListener.SimpleForwardingServerCallListener<Q> {
        private final ServerCall<Q, ?> call;
        private final Reader<Q> reader;
        /** A call that takes one request has not got it yet. */
        private boolean requestIsMissing;
        private boolean closed;

        Listener(ServerCall<Q, ?> call, Reader<Q> reader, ServerCall.Listener<Q> service, boolean takesOneRequest) {
            super(service);
            this.call = call;
            this.reader = reader;
            this.requestIsMissing = takesOneRequest;
        }

        @Override
        public void onMessage(Q message) {
            if (closed) {
                return;
            }
            if (message == reader.malformed) {
                close("the request's bytes are not a message of this call; see the contract, stockledger.v1");
                return;
            }
            requestIsMissing = false;
            super.onMessage(message);
        }

        private void close(String why) {
            closed = true;
            // The service first, so that it answers nothing more on a call that is closed.
            super.onCancel();
            StatusRuntimeException status = Errors.exception(Errors.status(Code.INVALID_ARGUMENT, "MALFORMED_REQUEST", why));
            call.close(status.getStatus(), status.getTrailers() == null ? new Metadata() : status.getTrailers());
        }

        @Override
        public void onHalfClose() {
            if (!closed && requestIsMissing) {
                close("the call takes one request, there was none");
            } else if (!closed) {
                super.onHalfClose();
            }
        }

        @Override
        public void onCancel() {
            if (!closed) {
                super.onCancel();
            }
        }
    }
}
