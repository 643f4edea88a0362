package io.stockledger.server.api;

import io.grpc.Drainable;
import io.grpc.KnownLength;
import io.grpc.MethodDescriptor;
import io.stockledger.server.journal.WireWriter;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;

/** An answer in its wire form, where making the contract's message first would cost too much. */
final class Encoded {
    /**
     * No answer: given to a call, it breaks that off and has the transport drop all that it holds for the caller, which
     * gRPC does for a message that it can't write, and has no other call for.
     */
    static final Encoded BREAK_OFF = new Encoded(new byte[0]);

    private final byte[] bytes;

    private Encoded(byte[] bytes) {
        this.bytes = bytes;
    }

    int length() {
        return bytes.length;
    }

    static Encoded of(WireWriter out) {
        return new Encoded(out.toBytes(0));
    }

    /** A call of the contract that is answered in wire form. */
    static <Q> MethodDescriptor<Q, Encoded> answers(MethodDescriptor<Q, ?> contract) {
        return contract.toBuilder(contract.getRequestMarshaller(), new Marshaller()).build();
    }

    private static final class Marshaller implements MethodDescriptor.Marshaller<Encoded> {
        @Override
        public InputStream stream(Encoded answer) {
            if (answer == BREAK_OFF) {
                throw Errors.exception(Errors.answersNotRead());
            }
            return new Stream(answer.bytes);
        }

        @Override
        public Encoded parse(InputStream stream) {
            throw new UnsupportedOperationException("the server only writes these");
        }
    }

    private static final class Stream extends ByteArrayInputStream implements Drainable, KnownLength {
        Stream(byte[] bytes) {
            super(bytes);
        }

        @Override
        public int drainTo(OutputStream target) throws IOException {
            int length = count - pos;
            target.write(buf, pos, length);
            pos = count;
            return length;
        }
    }
}
