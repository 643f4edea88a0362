package io.stockledger.loadtest.engine;

import io.grpc.stub.StreamObserver;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.function.Consumer;

/** The usual callers of a closed loop. */
public final class Callers {
    private Callers() {}

    /** Asks once; the observer gets one answer. */
    public interface Call<T> {
        void begin(int caller, StreamObserver<T> answer);
    }

    /** Looks at one answer; throws where it is not what must have come. */
    public interface Check<T> {
        void accept(int caller, T answer);
    }

    /** Asks once, and waits for the answer. */
    public interface Blocking {
        void call() throws Exception;
    }

    /** What one blocking caller does, given what it needs for itself alone. */
    public interface Maker {
        Blocking caller(int caller) throws Exception;
    }

    /** Unary gRPC calls, one under way a caller, and no thread a caller: the generator must not cost what it measures. */
    public static <T> Load unary(int callers, Call<T> call, Consumer<T> check) {
        return unary(callers, call, (Check<T>) (caller, answer) -> check.accept(answer));
    }

    /** The same, for callers whose next call depends on the last answer. */
    public static <T> Load unary(int callers, Call<T> call, Check<T> check) {
        return pulse -> {
            CountDownLatch ended = new CountDownLatch(callers);
            for (int i = 0; i < callers; i++) {
                new UnaryCaller<>(i, call, check, pulse, ended).next();
            }
            ended.await();
        };
    }

    /** Callers that block, each on a thread of its own, as JDBC asks for. */
    public static Load threads(int callers, Maker maker) {
        return pulse -> {
            List<Thread> threads = new ArrayList<>();
            for (int i = 0; i < callers; i++) {
                int caller = i;
                Thread thread = new Thread(null, () -> {
                    try {
                        Blocking blocking = maker.caller(caller);
                        while (pulse.running()) {
                            blocking.call();
                            pulse.answered(1);
                        }
                    } catch (Throwable e) {
                        pulse.failed(e);
                    }
                }, "caller-" + i, 256 << 10);
                thread.setDaemon(true);
                thread.start();
                threads.add(thread);
            }
            for (Thread thread : threads) {
                thread.join();
            }
        };
    }

    private static final class UnaryCaller<T> implements StreamObserver<T> {
        private final int caller;
        private final Call<T> call;
        private final Check<T> check;
        private final Pulse pulse;
        private final CountDownLatch ended;

        private UnaryCaller(int caller, Call<T> call, Check<T> check, Pulse pulse, CountDownLatch ended) {
            this.caller = caller;
            this.call = call;
            this.check = check;
            this.pulse = pulse;
            this.ended = ended;
        }

        private void next() {
            if (!pulse.running()) {
                ended.countDown();
                return;
            }
            call.begin(caller, this);
        }

        @Override
        public void onNext(T answer) {
            try {
                check.accept(caller, answer);
                pulse.answered(1);
            } catch (RuntimeException e) {
                pulse.failed(e);
            }
        }

        @Override
        public void onError(Throwable failure) {
            pulse.failed(failure);
            ended.countDown();
        }

        @Override
        public void onCompleted() {
            next();
        }
    }
}
