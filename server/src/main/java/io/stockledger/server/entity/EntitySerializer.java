package io.stockledger.server.entity;

import akka.actor.ExtendedActorSystem;
import akka.actor.typed.ActorRef;
import akka.actor.typed.ActorRefResolver;
import akka.actor.typed.ActorSystem;
import akka.actor.typed.javadsl.Adapter;
import akka.serialization.SerializerWithStringManifest;
import io.stockledger.server.domain.Mutation;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * Takes messages to a SKU on another node, and its answers back. Used only between nodes: on one node messages are
 * passed as they are. A caller's reply stays at home in {@link Answers}; over there a stand-in tells it the outcomes.
 */
public final class EntitySerializer extends SerializerWithStringManifest {
    private static final String SUBMISSION = "submission";
    private static final String LOOK = "look";
    private static final String WAKE = "wake";
    private static final String ANSWER = "answer";
    private static final String HINT = "hint";
    private static final String JOINED = "joined";

    private final ActorSystem<Void> system;

    public EntitySerializer(ExtendedActorSystem system) {
        this.system = Adapter.toTyped(system);
    }

    @Override
    public int identifier() {
        return 534_732;
    }

    @Override
    public String manifest(Object message) {
        if (message instanceof Submission) {
            return SUBMISSION;
        } else if (message instanceof Look) {
            return LOOK;
        } else if (message instanceof Answers.Message) {
            return ANSWER;
        } else if (message == Gatherer.Wake.INSTANCE) {
            return WAKE;
        } else if (message == CommitHints.Hint.INSTANCE) {
            return HINT;
        } else if (message instanceof Inbox.Joined) {
            return JOINED;
        }
        throw new IllegalArgumentException("does not leave its node: " + message);
    }

    @Override
    public byte[] toBinary(Object message) {
        try {
            ByteArrayOutputStream bytes = new ByteArrayOutputStream();
            DataOutputStream out = new DataOutputStream(bytes);
            if (message instanceof Submission submission) {
                writeCaller(out, Answers.ID.apply(system).await(submission));
                Wire.write(out, submission.sku());
                Wire.write(out, submission.lane());
                // The other node has another System.nanoTime: what is left travels.
                Wire.write(out, submission.deadlineNanos() == Submission.NO_DEADLINE
                        ? Submission.NO_DEADLINE : submission.deadlineNanos() - System.nanoTime());
                Wire.write(out, submission.mutations());
            } else if (message instanceof Look look) {
                writeCaller(out, Answers.ID.apply(system).await(look));
                Wire.write(out, look.sku());
                Wire.write(out, look.mutationId());
            } else if (message instanceof Answers.Message || message instanceof Inbox.Joined) {
                Wire.write(out, message);
            }
            return bytes.toByteArray();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public Object fromBinary(byte[] bytes, String manifest) {
        try {
            DataInputStream in = new DataInputStream(new ByteArrayInputStream(bytes));
            return switch (manifest) {
                case SUBMISSION -> submission(in);
                case LOOK -> look(in);
                case WAKE -> Gatherer.Wake.INSTANCE;
                case HINT -> CommitHints.Hint.INSTANCE;
                case ANSWER, JOINED -> Wire.read(in);
                default -> throw new IllegalArgumentException("no such message: " + manifest);
            };
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void writeCaller(DataOutputStream out, long call) throws IOException {
        ActorRef<Answers.Message> home = Answers.ID.apply(system).actor();
        Wire.write(out, ActorRefResolver.get(system).toSerializationFormat(home));
        Wire.write(out, call);
    }

    private ActorRef<Answers.Message> home(DataInputStream in) throws IOException {
        return ActorRefResolver.get(system).resolveActorRef((String) Wire.read(in));
    }

    @SuppressWarnings("unchecked")
    private Submission submission(DataInputStream in) throws IOException {
        ActorRef<Answers.Message> home = home(in);
        long call = (Long) Wire.read(in);
        String sku = (String) Wire.read(in);
        long lane = (Long) Wire.read(in);
        long left = (Long) Wire.read(in);
        List<Mutation> mutations = (List<Mutation>) Wire.read(in);
        long deadline = left == Submission.NO_DEADLINE ? left : System.nanoTime() + Math.max(
                left, -TimeUnit.MINUTES.toNanos(1));
        return new Submission(sku, mutations, lane, deadline,
                (index, outcome) -> home.tell(new Answers.Decided(call, index, outcome)));
    }

    private Look look(DataInputStream in) throws IOException {
        ActorRef<Answers.Message> home = home(in);
        long call = (Long) Wire.read(in);
        return new Look((String) Wire.read(in), (String) Wire.read(in), new Look.Reply() {
            @Override
            public void seen(Look.Seen seen) {
                home.tell(new Answers.Seen(call, seen));
            }

            @Override
            public void failed(Outcome.Failure failure) {
                home.tell(new Answers.NotSeen(call, failure));
            }
        });
    }
}
